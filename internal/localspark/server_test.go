//go:build unix

package localspark

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeSpark installs a Spark whose Java runs script. $PORT is an open port.
func fakeSpark(t *testing.T, script string) Options {
	t.Helper()
	o := isolate(t, &registry{files: map[string][]byte{"/f/pyspark-4.9.0.tar.gz": spark4(t)}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	t.Setenv("PORT", fmt.Sprint(listener.Addr().(*net.TCPAddr).Port))
	javaHome(t, "17", script)
	return o
}

// ready is a shell command that writes the port to the file of the last argument.
const ready = `for file; do :; done; printf %s "$PORT" > "$file.new"; mv "$file.new" "$file"
`

func TestStartAndStop(t *testing.T) {
	// The JVM and its child ignore SIGTERM, so both get SIGKILL.
	o := fakeSpark(t, `trap '' TERM; printf '%s\n' "$@" > args; env > env; (trap '' TERM; sleep 300) & `+ready+`sleep 300`)
	o.Port = 1234
	o.Conf = map[string]string{"spark.ui.enabled": "true"}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if want := "sc://127.0.0.1:" + os.Getenv("PORT"); s.Address() != want || s.URL() != want+"/;authorization=Bearer%20"+s.Token() || len(s.Token()) < 20 {
		t.Errorf("address %s, URL %s, expected %s with the token %q", s.Address(), s.URL(), want, s.Token())
	}
	args, err := os.ReadFile(filepath.Join(s.folder, "work", "args"))
	if err != nil {
		t.Fatal(err)
	}
	properties, err := os.ReadFile(filepath.Join(s.folder, "conf", "server.properties"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"spark.connect.grpc.binding.address=127.0.0.1", "spark.connect.grpc.binding.port=1234", "spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1", "spark.ui.enabled=true", "spark.master=local[*]", "-XX:TieredStopAtLevel=1", "-Xmx1g"} {
		if !strings.Contains("\n"+string(args)+string(properties), "\n"+want+"\n") {
			t.Errorf("neither the arguments nor the settings contain %s:\n%s%s", want, args, properties)
		}
	}
	if strings.Contains(string(args), s.Token()) || strings.Contains(string(args), "spark.ui.enabled") {
		t.Errorf("the command line shows the token or settings:\n%s", args)
	}
	env, err := os.ReadFile(filepath.Join(s.folder, "work", "env"))
	if err != nil || !strings.Contains(string(env), "SPARK_HOME="+s.Spark().Home+"\n") || !strings.Contains(string(env), tokenVariable+"="+s.Token()+"\n") {
		t.Errorf("environment: %s, %v", env, err)
	}
	other, err := Start(t.Context(), o) // must leave the first one's folder isolate
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.LogFile()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	if !groupEnded(s.PID()) {
		t.Error("a process of the server is left")
	}
	nothingLeft(t)
}

// groupEnded waits until init has reaped the killed grandchildren.
func groupEnded(pid int) bool {
	for range 100 {
		if syscall.Kill(-pid, 0) == syscall.ESRCH {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

func TestCancelStops(t *testing.T) {
	o := fakeSpark(t, ready+`exec sleep 300`)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-s.Done():
	case <-time.After(30 * time.Second):
		t.Error("the server outlives its context")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	nothingLeft(t)
}

func TestStartFails(t *testing.T) {
	for _, test := range []struct {
		name, script, want string
		timeout            time.Duration
	}{
		{"dies", "echo boom: no luck\nprintf '\\tat x.y.Z(Z.java:1)\\n'\nexit 3", "ended during its start (exit status 3). The end of its log:\n  boom: no luck", 0},
		{"silent", "echo thinking; exec sleep 300", "did not answer within 300ms. The end of its log:\n  thinking", 300 * time.Millisecond},
		{"absurd port", `PORT=99999; ` + ready + `exec sleep 300`, `"99999" is not a valid port`, 0},
		{"no port", `PORT=; ` + ready + `exec sleep 300`, `"" is not a valid port`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := fakeSpark(t, test.script)
			o.Timeout = test.timeout
			_, err := Start(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "Z.java") {
				t.Errorf("error %v, expected %q", err, test.want)
			}
			nothingLeft(t)
		})
	}
}

func TestLogFileIsKept(t *testing.T) {
	o := fakeSpark(t, `echo started at one; `+ready+`exec sleep 300`)
	o.LogFile = filepath.Join(t.TempDir(), "spark.log")
	if err := os.WriteFile(o.LogFile, []byte("started at noon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(o.LogFile); err != nil || strings.Count(string(b), "started at") != 2 {
		t.Errorf("log: %s, %v", b, err)
	}
	nothingLeft(t)
}

func TestRemoveStaleFolders(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	used, lock, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	stale, dead, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	foreign := filepath.Join(os.TempDir(), folderPrefix+"without-lock")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	removeStaleFolders()
	for path, want := range map[string]bool{used: true, stale: false, foreign: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	lock.Close()
}
