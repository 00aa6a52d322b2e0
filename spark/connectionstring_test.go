package spark

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseRemote(t *testing.T) {
	const id = "0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e"
	standard := keepaliveConfig{enabled: true, time: defaultKeepaliveTime, timeout: defaultKeepaliveTimeout}
	for s, want := range map[string]remote{
		"sc://localhost":             {host: "localhost", port: 15002},
		"sc://localhost/":            {host: "localhost", port: 15002},
		"sc://spark.example.com:443": {host: "spark.example.com", port: 443},
		"sc://[::1]:8080/;":          {host: "::1", port: 8080},
		"sc://[fe80::2]":             {host: "fe80::2", port: 15002},
		"sc://h:1/;use_ssl=true;token=a%3Bb%3D;user_id=u%20v;user_agent=x/1;session_id=" + id + ";x-team=t;": {
			host: "h", port: 1, useTLS: true, token: "a;b=", userID: "u v", namesUser: true, userAgent: "x/1", sessionID: id, headers: map[string]string{"x-team": "t"}},
		"sc://h/;use_ssl=FALSE;grpc_keepalive_time_ms=30000;grpc_keepalive_timeout_ms=5000;grpc_keepalive_without_calls=true;grpc_keepalive_enabled=false": {
			host: "h", port: 15002, keepalive: keepaliveConfig{false, 30 * time.Second, 5 * time.Second, true}},
	} {
		got, err := parseRemote(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if want.keepalive == (keepaliveConfig{}) {
			want.keepalive = standard
		}
		if want.headers == nil {
			want.headers = map[string]string{}
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", s, *got, want)
		}
	}
}

func TestParseRemoteErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                                  "must start with sc://",
		"http://h:1":                        "must start with sc://",
		"spark://h:7077":                    "spark://h:7077 is the URL of a cluster's master",
		"SC://h":                            "must start with sc://",
		"sc://":                             "the host is missing",
		"sc://:15002":                       "the host is missing",
		"sc://h:":                           `the port ""`,
		"sc://h:0":                          `the port "0"`,
		"sc://h:65536":                      `the port "65536"`,
		"sc://h:+1":                         `the port "+1"`,
		"sc://h:a/":                         `the port "a"`,
		"sc://::1":                          "must be in brackets",
		"sc://[::1":                         "not an IPv6 address",
		"sc://[h]:1":                        "not an IPv6 address",
		"sc://[::1]x":                       "only a port may follow",
		"sc://me@h":                         "contains '@'",
		"sc://a b":                          "contains ' '",
		"sc://h?x=1":                        "a slash must separate",
		"sc://h;use_ssl=true":               "a slash must separate",
		"sc://h/db":                         "the path must be empty",
		"sc://h/;use_ssl":                   "does not have the form name=value",
		"sc://h/;=x":                        "does not have the form name=value",
		"sc://h/;;user_id=x":                "does not have the form name=value",
		"sc://h/;a=b=c":                     "does not have the form name=value",
		"sc://h/;use_ssl=yes":               "must be true or false",
		"sc://h/;use_ssl=true;use_ssl=true": "given twice",
		"sc://h/;token=":                    "the token is empty",
		"sc://h/;token=%zz":                 "invalid percent-encoding",
		"sc://h/;token=a%0Ab":               "not allowed in a header",
		"sc://h/;session_id=mine":           "not a UUID",
		"sc://h/;Team=x":                    "not a known parameter",
		"sc://h/;grpc-timeout=1S":           "reserved by gRPC",
		"sc://h/;x-bin=1":                   "reserved by gRPC",
		"sc://h/;grpc_keepalive_time_ms=-5": "positive number of milliseconds",
	} {
		_, err := parseRemote(s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", s, err, want)
		}
	}
	if _, err := parseRemote("sc://h/;token:s3cret"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a mistyped token is shown: %v", err)
	}
}

func TestSecure(t *testing.T) {
	for s, want := range map[string]bool{
		"sc://far.example.com":                                 false,
		"sc://far.example.com/;use_ssl=true":                   true,
		"sc://far.example.com/;token=x":                        true,
		"sc://far.example.com/;token=x;use_ssl=false":          true,
		"sc://localhost/;token=x":                              false,
		"sc://127.0.0.1/;token=x":                              false,
		"sc://[::1]/;token=x":                                  false,
		"sc://localhost/;token=x;use_ssl=true":                 true,
		"sc://127.0.0.1.example.com/;token=x":                  true,
		"sc://0.0.0.0/;token=x":                                true,
		"sc://localhost.example.com/;use_ssl=false;token=x%20": true,
		"sc://far.example.com/;authorization=Bearer%20x":       true,
		"sc://localhost/;authorization=Bearer%20x":             false,
	} {
		r, err := parseRemote(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if r.secure() != want {
			t.Errorf("%s: secure is %v", s, !want)
		}
	}
}

func FuzzParseRemote(f *testing.F) {
	f.Add("sc://localhost:15002/;use_ssl=true;token=a%3D;x-y=z")
	f.Add("sc://[::1]:1/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRemote(s)
		if err != nil {
			return
		}
		if r.host == "" || r.port < 1 || r.port > 65535 {
			t.Errorf("%q: got %+v", s, r)
		}
		if (r.token != "" || r.headers[authorization] != "") && !r.secure() && !r.loopback() {
			t.Errorf("%q sends the token without TLS", s)
		}
		for name, value := range r.headers {
			if name != strings.ToLower(name) || strings.ContainsAny(value, "\r\n") {
				t.Errorf("%q has the header %q: %q", s, name, value)
			}
		}
	})
}
