package egress

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		local, hosts string
		allowed      string
		refused      string
	}{
		{"", "", "api.example.com 10.0.0.1:80 localhost", ""},
		{"0", "", "api.example.com", ""},
		{"1", "", "localhost LOCALHOST:80 127.0.0.1 127.9.9.9:1 [::1]:443 ::1", "api.example.com localhost.example.com 10.0.0.1 0.0.0.0 [fe80::1]:80 127.0.0.1.example.com"},
		{"yes", "", "localhost", "api.example.com"},
		{"", "api.example.com, h:81", "api.example.com API.example.com:443 h:81", "example.com x.api.example.com h:80 localhost"},
		{"1", "api.example.com", "", "api.example.com localhost"},
	} {
		t.Setenv(LocalOnlyVariable, c.local)
		t.Setenv(AllowHostsVariable, c.hosts)
		p := FromEnvironment()
		for _, host := range strings.Fields(c.allowed) {
			if err := p.Check(host); err != nil {
				t.Errorf("%+v: %v", p, err)
			}
		}
		for _, host := range strings.Fields(c.refused) {
			if err := p.Check(host); !errors.Is(err, ErrRefused) {
				t.Errorf("%+v: %s: %v", p, host, err)
			}
		}
	}
}
