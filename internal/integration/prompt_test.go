//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// terminal is the user's end of a pseudo-terminal.
type terminal struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	shown  bytes.Buffer
}

// openTerminal returns the user's end and the program's end of a pseudo-terminal.
func openTerminal(t *testing.T) (*terminal, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the system has no pseudo-terminal: %v", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{t: t, master: master}
	t.Cleanup(func() { master.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			p.mu.Lock()
			p.shown.Write(b[:n])
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p, program
}

// wait waits for text on the screen, and returns and removes the output up to it.
func (p *terminal) wait(text string) string {
	p.t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		p.mu.Lock()
		if i := strings.Index(p.shown.String(), text); i >= 0 {
			shown := string(p.shown.Next(i + len(text)))
			p.mu.Unlock()
			return shown
		}
		all := p.shown.String()
		p.mu.Unlock()
		if time.Since(begin) > patience {
			p.t.Fatalf("the screen does not show %q, but %q", text, all)
		}
	}
}

// typed sends keys to the program.
func (p *terminal) typed(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// The prompt reads statements of several lines, continues after errors, cancels a
// statement at Ctrl-C, and keeps its history between runs.
func TestPrompt(t *testing.T) {
	url := testkit.SharedSpark(t)
	cache, err := cachedir.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FIRESTEEL_CACHE", cache)
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // the history file is below it
	joined := url + ";user_id=ann;session_id=" + uuid.NewString()
	start := func() (*terminal, *exec.Cmd) {
		user, device := openTerminal(t)
		c := exec.CommandContext(t.Context(), program(t), "sql", "--remote", joined)
		c.Stdin, c.Stdout, c.Stderr = device, device, device
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		device.Close()
		user.wait("firesteel> ")
		return user, c
	}
	user, c := start()
	user.typed("SELECT 40 + 2\rAS answer;\r")
	user.wait("-> ")
	user.wait("|42    |")
	user.wait("firesteel> ")
	// A block runs when it is complete, and only the branches whose conditions are true.
	user.typed("CREATE TEMP VIEW kept AS SELECT 43 AS answer;\r")
	user.wait("firesteel> ")
	for _, line := range []string{"BEGIN", "  IF false THEN", "    DROP VIEW kept;", "  END IF;", "  SELECT answer FROM kept; -- END;"} {
		user.typed(line + "\r")
		if shown := user.wait("-> "); strings.Contains(shown, "error") {
			t.Errorf("%s: %s", line, shown)
		}
	}
	user.typed("END;\r")
	user.wait("|43    |")
	user.wait("firesteel> ")
	user.typed("SELECT nothing;\r")
	user.wait("UNRESOLVED_COLUMN")
	user.wait("firesteel> ")
	user.typed("SELECT count(*) FROM range(1000000000000) WHERE sha2(CAST(id AS STRING), 512) = 'x';\r")
	user.wait("= 'x';")
	time.Sleep(2 * time.Second) // the statement runs for a while
	user.typed("\x03")
	user.wait("error: ")
	user.wait("firesteel> ")
	user.typed("SELECT what was I\rabout to")
	user.wait("about to")
	user.typed("\x03")
	user.wait("firesteel> ")
	user.typed("functions\r")
	user.wait("ai_analyze_sentiment(content[, examples])")
	user.wait("firesteel> ")
	user.typed("SELECT 'the latest' AS what;\r")
	user.wait("|the latest|")
	user.wait("firesteel> ")
	user.typed("quit\r")
	if err := c.Wait(); err != nil {
		t.Errorf("quit: %v", err)
	}

	// If the server has ended the session, the prompt reports it and opens another one.
	joined = url + ";user_id=ann;session_id=" + uuid.NewString()
	user, c = start()
	other, err := spark.Connect(t.Context(), joined)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Stop(); err != nil {
		t.Fatal(err)
	}
	user.typed("SELECT 41 + 1 AS again;\r") // which was not sent to the old session, so that it runs
	user.wait("The server has ended the session")
	user.wait("A new session with the functions is open")
	user.wait("|42   |")
	user.wait("firesteel> ")
	user.typed("RESET; SELECT firesteel_echo('still here') AS what;\r")
	user.wait("|still here|")
	user.wait("firesteel> ")
	const up = "\x1b[A"
	user.typed(up + up + up + up + "\r") // before the lines of this run, and quit
	user.wait("|the latest|")
	user.wait("firesteel> ")
	user.typed("\x04")
	if err := c.Wait(); err != nil {
		t.Errorf("Ctrl-D: %v", err)
	}

	// A server that goes away is waited for. If its session is gone when it returns, the statement that was waiting runs in a
	// new one, and a statement that was running is not run again.
	proxy := testkit.NewProxy(t, testkit.Address(url), nil)
	joined = testkit.Through(url, proxy.Address()) + ";user_id=ann;session_id=" + uuid.NewString()
	user, _ = start()
	end := func() {
		t.Helper()
		other, err := spark.Connect(t.Context(), strings.Replace(joined, proxy.Address(), testkit.Address(url), 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	user.typed("CREATE TEMP VIEW kept AS SELECT 43 AS answer;\r")
	user.wait("firesteel> ")
	proxy.Leave()
	user.typed("SELECT 44 AS answer;\r")
	user.wait("The server does not answer. Waiting for it; Ctrl-C gives up.")
	user.typed("\x03")
	user.wait("error: ")
	user.wait("firesteel> ")
	user.typed("SELECT 45 AS answer;\r")
	user.wait("The server does not answer.")
	end()
	proxy.Return()
	user.wait("Its temporary views, variables and settings are lost.")
	user.wait("|45    |")
	user.wait("firesteel> ")
	user.typed("SELECT * FROM kept;\r")
	user.wait("TABLE_OR_VIEW_NOT_FOUND")
	user.wait("firesteel> ")
	user.typed("quit\r")
}

// The exit codes of scripts are those of psql.
func TestSQLExitCodes(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSpark(t)
	for _, c := range []struct {
		remote, statements string
		more               []string
		want               int
	}{
		{url, "SELECT 1", nil, 0},
		{url, "SELECT nothing; SELECT 1", nil, 3},
		{url, "SELECT nothing; SELECT 1", []string{"--continue-on-error"}, 3},
		{url, "SELECT 1", []string{"--rows", "0"}, 1},
		{testkit.Through(url, "127.0.0.1:1"), "SELECT 1", nil, 2},
	} {
		command := exec.CommandContext(t.Context(), program(t), append([]string{"sql", "--remote", c.remote, "-e", c.statements}, c.more...)...)
		text, _ := command.CombinedOutput()
		if got := command.ProcessState.ExitCode(); got != c.want {
			t.Errorf("%s %q: exit code %d, want %d\n%s", c.statements, c.more, got, c.want, text)
		}
	}
}
