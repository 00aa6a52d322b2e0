//go:build linux

package localspark

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// realSpark returns options for a version, or skips the test. It cannot use the test
// kit, which imports this package.
func realSpark(t *testing.T, version string) Options {
	t.Helper()
	if os.Getenv("FIRESTEEL_INTEGRATION") == "" {
		t.Skip("the test downloads and starts real programs; FIRESTEEL_INTEGRATION=1 runs it")
	}
	t.Setenv("TMPDIR", t.TempDir())
	return Options{Version: version, Master: "local[1]", Progress: fetch.NewProgress(os.Stderr)}
}

func TestServer(t *testing.T) {
	for _, version := range []string{DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) {
			o := realSpark(t, version)
			begin := time.Now()
			if _, err := Install(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			t.Logf("installed in %v", time.Since(begin).Round(time.Millisecond))
			begin = time.Now()
			s, err := Start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("started in %v: %s", time.Since(begin).Round(time.Millisecond), s.Address())
			defer s.Stop()
			onlyLoopback(t, s)
			t.Run("stranger", func(t *testing.T) {
				otheruser.Attack(t, s.PID())
			})
			begin = time.Now()
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			t.Logf("stopped in %v", time.Since(begin).Round(time.Millisecond))
			if err := syscall.Kill(-s.PID(), 0); err != syscall.ESRCH {
				t.Errorf("the server's process group has not ended: %v", err)
			}
			nothingLeft(t)
		})
	}
}

// onlyLoopback calls the server with its token at the addresses of this machine that
// are not loopback.
func onlyLoopback(t *testing.T, s *Server) {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		code := otheruser.Call(net.JoinHostPort(ip.IP.String(), strconv.Itoa(s.port)), s.Token())
		if code != otheruser.NoServer && code != otheruser.PermissionDenied {
			t.Errorf("at %s the server answers with status %q", ip.IP, code)
		} else {
			t.Logf("at %s: status %s", ip.IP, code)
		}
	}
}

func nothingLeft(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// TestParent is the process that the next tests start and kill.
func TestParent(t *testing.T) {
	how := os.Getenv("FIRESTEEL_TEST_PARENT")
	if how == "" {
		t.Skip("TestParentDies and TestDetached start this test in a process of its own")
	}
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	s, err := Start(ctx, Options{Version: DefaultVersion, Master: "local[1]", Detach: how == "detach"})
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("PID " + strconv.Itoa(s.PID()) + " " + s.folder + "\n")
	if how == "detach" {
		return
	}
	<-ctx.Done()
	<-s.Done()
	s.Stop()
}

func TestParentDies(t *testing.T) {
	realSpark(t, DefaultVersion)
	for _, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(end.String(), func(t *testing.T) {
			command, pid, folder := parent(t, "wait")
			if err := command.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			command.Wait()
			for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
				_, err := os.Stat(folder)
				if ended(pid) && os.IsNotExist(err) {
					break
				}
				if time.Since(begin) > time.Minute {
					syscall.Kill(-pid, syscall.SIGKILL)
					t.Fatalf("a minute after its parent, the server has not ended (folder: %v)", err)
				}
			}
		})
	}
}

// ended reports whether a process has ended. A zombie has.
func ended(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func TestDetached(t *testing.T) {
	realSpark(t, DefaultVersion)
	command, pid, folder := parent(t, "detach")
	defer syscall.Kill(-pid, syscall.SIGKILL)
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	removeStaleFolders() // must not touch a folder in use
	if _, err := os.Stat(filepath.Join(folder, "server.log")); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the detached server has ended: %v", err)
	}
	syscall.Kill(-pid, syscall.SIGKILL)
	for begin := time.Now(); time.Since(begin) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
		removeStaleFolders()
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		}
	}
	t.Error("the folder of a dead server is not removed")
}

// parent starts TestParent, and returns the process id and the folder of its server.
func parent(t *testing.T, how string) (*exec.Cmd, int, string) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestParent$", "-test.v")
	command.Env = append(os.Environ(), "FIRESTEEL_TEST_PARENT="+how)
	var out bytes.Buffer
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = write, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() { read.Close() })
	var output []byte
	buffer := make([]byte, 4096)
	for {
		n, err := read.Read(buffer)
		output = append(output, buffer[:n]...)
		if _, rest, ok := strings.Cut(string(output), "PID "); ok && strings.Contains(rest, "\n") {
			fields := strings.Fields(rest)
			pid, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			return command, pid, fields[1]
		}
		if err != nil {
			command.Wait()
			t.Fatalf("the parent did not start: %s %s", output, out.Bytes())
		}
	}
}

func TestEarlyDeath(t *testing.T) {
	o := realSpark(t, DefaultVersion)
	o.Conf = map[string]string{"spark.driver.memory": "20m"}
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "ended during its start") || !strings.Contains(err.Error(), "OutOfMemoryError") {
		t.Errorf("error: %v", err)
	}
	nothingLeft(t)
}

func TestCancelledStart(t *testing.T) {
	o := realSpark(t, DefaultVersion)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := Start(ctx, o); err == nil {
		t.Error("a start that is cancelled after a second succeeds")
	}
	nothingLeft(t)
}
