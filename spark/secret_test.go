package spark

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// No error shows the token, whatever part of an error the server puts it or an
// encoding of it in.
func TestTokenIsNeverShown(t *testing.T) {
	const token, header = "dapi-0123456789/abcdef+X", "another-Secret-0815"
	both := token + " or " + base64.StdEncoding.EncodeToString([]byte("Bearer "+token)) + " or " + header
	withDetails := &pb.FetchErrorDetailsResponse{RootErrorIdx: proto.Int32(0), Errors: []*pb.FetchErrorDetailsResponse_Error{
		{ErrorTypeHierarchy: []string{both}, Message: both, CauseIdx: proto.Int32(1),
			StackTrace:     []*pb.FetchErrorDetailsResponse_StackTraceElement{{DeclaringClass: both, MethodName: both, FileName: proto.String(both), LineNumber: 7}},
			SparkThrowable: &pb.FetchErrorDetailsResponse_SparkThrowable{ErrorClass: proto.String(both), SqlState: proto.String(both), MessageParameters: map[string]string{both: both}}},
		{ErrorTypeHierarchy: []string{both}, Message: both, StackTrace: []*pb.FetchErrorDetailsResponse_StackTraceElement{{DeclaringClass: both}}},
	}}
	clean := func(name string, err error) {
		t.Helper()
		text := fmt.Sprintf("%v %+v", err, err)
		var e *Error
		if errors.As(err, &e) {
			text += fmt.Sprintf("%+v", *e)
		}
		for _, piece := range []string{"0123456789/abcdef", base64.StdEncoding.EncodeToString([]byte("Bearer " + token))[8:24], header} {
			if err == nil || !strings.Contains(text, secret.Mark) || strings.Contains(text, piece) {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	f := newFake(t)
	f.version = "4.0.0"
	s, _ := f.start(t, "/;token="+strings.NewReplacer("/", "%2F", "+", "%2B").Replace(token)+";x-api-key="+header)
	for name, fault := range map[string]error{
		"status":    status.Error(codes.PermissionDenied, both),
		"unknown":   status.Error(codes.Unimplemented, both),
		"token":     status.Error(codes.Unauthenticated, both),
		"metadata":  sparkError(codes.Internal, both, both, map[string]string{"sqlState": both, "stackTrace": both, "messageParameters": `{"a":"` + both + `"}`}),
		"exhausted": status.Error(codes.ResourceExhausted, "larger than max "+both),
	} {
		f.execute = func(int, func(int, int), context.Context) error { return fault }
		_, err := s.Table("t").Collect(t.Context())
		clean(name, err)
	}
	f.details = withDetails
	f.execute = func(int, func(int, int), context.Context) error {
		return sparkError(codes.Internal, "cut off", "X", map[string]string{"errorId": "e1"})
	}
	_, err := s.Table("t").Collect(t.Context())
	clean("details", err)

	// The server at the address may not be Spark.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "HTTP/1.1 200 %s\r\n\r\n", token)
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	_, err = Connect(t.Context(), "sc://"+l.Addr().String()+"/;token="+strings.ReplaceAll(token, "/", "%2F"), WithConnectTimeout(200*time.Millisecond), WithRetry(RetryPolicy{}))
	if err == nil || strings.Contains(err.Error(), "0123456789/abcdef") {
		t.Error(err)
	}
}

// An error does not show the password of the proxy in the environment.
func TestProxyPasswordIsNotShown(t *testing.T) {
	const password = "hunter2-hunter2"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				said := r.Header.Get("Proxy-Authorization")
				fmt.Fprintf(conn, "HTTP/1.1 407 %s\r\nX-Said: %s\r\nContent-Length: %d\r\n\r\n%s", said, password, len(said), said)
			}
			conn.Close()
		}
	}()
	command := exec.Command(os.Args[0], "-test.run=^TestConnectThroughProxy$", "-test.v")
	command.Env = append(os.Environ(), "SPARK_TEST_PROXY=1", "HTTPS_PROXY=http://me:"+password+"@"+l.Addr().String(), "NO_PROXY=", "no_proxy=")
	out, err := command.CombinedOutput()
	basic := base64.StdEncoding.EncodeToString([]byte("me:" + password))
	if err != nil || !strings.Contains(string(out), secret.Mark) || strings.Contains(string(out), password) || strings.Contains(string(out), basic) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestConnectThroughProxy runs in the process that the test above starts, because
// net/http reads the proxy's variables once.
func TestConnectThroughProxy(t *testing.T) {
	if os.Getenv("SPARK_TEST_PROXY") == "" {
		t.Skip("run by TestProxyPasswordIsNotShown")
	}
	_, err := Connect(t.Context(), "sc://spark.invalid:15002", WithConnectTimeout(5*time.Second), WithRetry(RetryPolicy{}))
	if err == nil {
		t.Error("connected")
	}
	fmt.Println(err)
}
