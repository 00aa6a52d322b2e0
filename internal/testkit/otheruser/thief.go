//go:build linux

package otheruser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Thief is another user that waits until a Spark server is started. It listens on
// the port that a command line names before the server does, and looks for the
// token in what it can read.
type Thief struct {
	t       testing.TB
	child   *exec.Cmd
	in      io.Closer
	out     *bufio.Scanner
	stopped bool
}

// thief is what the other user looks for.
type thief struct {
	Mark string // part of the command lines that it reads
}

// haul is what a thief found.
type haul struct {
	Lines    []string // command lines
	Taken    []string // addresses at which it listens
	Received []string // what was sent there
	Environ  []string // environments that it could read
}

// NewThief starts a thief that reads the processes whose command lines contain the
// mark.
func NewThief(t testing.TB, mark string) *Thief {
	t.Helper()
	child := command(t, orders{Thief: &thief{mark}})
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	th := &Thief{t: t, child: child, in: in, out: bufio.NewScanner(out)}
	th.out.Buffer(nil, 16<<20)
	t.Cleanup(func() { th.stop() })
	return th
}

// WaitSeen returns when the thief has seen a command line with the mark.
func (th *Thief) WaitSeen() {
	th.t.Helper()
	if !th.out.Scan() || th.out.Text() != "seen" {
		th.t.Errorf("the thief writes %q, %v", th.out.Text(), th.out.Err())
	}
}

// Stop ends the thief. The test fails if the thief found the token, or saw no
// command line.
func (th *Thief) Stop(token string) {
	th.t.Helper()
	text := th.stop()
	var got haul
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		th.t.Fatalf("the thief writes %q: %v", text, err)
	}
	if len(got.Lines) == 0 {
		th.t.Error("the thief saw no command line, so the test shows nothing")
	}
	if strings.Contains(text, token) || len(got.Received) > 0 || len(got.Taken) > 0 || len(got.Environ) > 0 {
		th.t.Errorf("the thief found %s", text)
	}
}

// stop ends the thief, and returns the last line of its output.
func (th *Thief) stop() string {
	if th.stopped {
		return ""
	}
	th.stopped = true
	th.in.Close()
	last := ""
	for th.out.Scan() {
		last = th.out.Text()
	}
	if err := th.child.Wait(); err != nil {
		th.t.Errorf("the thief: %v", err)
	}
	return last
}

var namedPort = regexp.MustCompile(`binding\.port=([1-9]\d*)`)

// run is the process of the thief. It ends when its standard input is closed.
func (th *thief) run() error {
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	var mu sync.Mutex
	var got haul
	taken := map[string]bool{}
	for {
		select {
		case <-ended:
			mu.Lock()
			defer mu.Unlock()
			return json.NewEncoder(os.Stdout).Encode(got)
		case <-time.After(time.Millisecond):
		}
		paths, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			return err
		}
		for _, path := range paths {
			text, err := os.ReadFile(filepath.Join(path, "cmdline"))
			if err != nil || !bytes.Contains(text, []byte(th.Mark)) {
				continue
			}
			line := strings.ReplaceAll(string(text), "\x00", " ")
			environ, _ := os.ReadFile(filepath.Join(path, "environ"))
			mu.Lock()
			if !slices.Contains(got.Lines, line) {
				if got.Lines = append(got.Lines, line); len(got.Lines) == 1 {
					fmt.Println("seen")
				}
			}
			if len(environ) > 0 && !slices.Contains(got.Environ, string(environ)) {
				got.Environ = append(got.Environ, string(environ))
			}
			for _, port := range namedPort.FindAllStringSubmatch(line, -1) {
				address := "127.0.0.1:" + port[1]
				listener, err := net.Listen("tcp", address)
				if taken[address] || err != nil {
					continue
				}
				taken[address] = true
				got.Taken = append(got.Taken, address)
				go func() {
					for {
						connection, err := listener.Accept()
						if err != nil {
							return
						}
						go func() {
							buffer := make([]byte, 1<<16)
							for {
								n, err := connection.Read(buffer)
								mu.Lock()
								if n > 0 {
									got.Received = append(got.Received, string(buffer[:n]))
								}
								mu.Unlock()
								if err != nil {
									return
								}
							}
						}()
					}
				}()
			}
			mu.Unlock()
		}
	}
}
