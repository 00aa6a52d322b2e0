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

// terminal is a person's end of a pseudo-terminal.
type terminal struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	shown  bytes.Buffer
}

// openTerminal gives the person's end, and the program's.
func openTerminal(t *testing.T) (*terminal, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
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

// wait gives what is shown up to text, and forgets it.
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
			p.t.Fatalf("%q was not shown, but %q", text, all)
		}
	}
}

func (p *terminal) typed(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// The prompt: statements over several lines, mistakes that do not end it, Ctrl-C
// for a statement, and a history that outlives it.
func TestPrompt(t *testing.T) {
	url := testkit.SharedSpark(t)
	cache, err := cachedir.Dir()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FIRESTEEL_CACHE", cache)
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // where the history goes
	joined := url + ";user_id=ann;session_id=" + uuid.NewString()
	start := func() (*terminal, *exec.Cmd) {
		person, device := openTerminal(t)
		c := exec.CommandContext(t.Context(), program(t), "sql", "--remote", joined)
		c.Stdin, c.Stdout, c.Stderr = device, device, device
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		device.Close()
		person.wait("firesteel> ")
		return person, c
	}
	person, c := start()
	person.typed("SELECT 40 + 2\rAS answer;\r")
	person.wait("-> ")
	person.wait("|42    |")
	person.wait("firesteel> ")
	// Nothing of a block runs before its end, and then only what its conditions let run.
	person.typed("CREATE TEMP VIEW kept AS SELECT 43 AS answer;\r")
	person.wait("firesteel> ")
	for _, line := range []string{"BEGIN", "  IF false THEN", "    DROP VIEW kept;", "  END IF;", "  SELECT answer FROM kept; -- END;"} {
		person.typed(line + "\r")
		if shown := person.wait("-> "); strings.Contains(shown, "error") {
			t.Errorf("%s: %s", line, shown)
		}
	}
	person.typed("END;\r")
	person.wait("|43    |")
	person.wait("firesteel> ")
	person.typed("SELECT nothing;\r")
	person.wait("UNRESOLVED_COLUMN")
	person.wait("firesteel> ")
	person.typed("SELECT count(*) FROM range(1000000000000) WHERE sha2(CAST(id AS STRING), 512) = 'x';\r")
	person.wait("= 'x';")
	time.Sleep(2 * time.Second) // a person reads, and loses patience
	person.typed("\x03")
	person.wait("error: ")
	person.wait("firesteel> ")
	person.typed("SELECT what was I\rabout to")
	person.wait("about to")
	person.typed("\x03")
	person.wait("firesteel> ")
	person.typed("functions\r")
	person.wait("ai_analyze_sentiment(content[, examples])")
	person.wait("firesteel> ")
	person.typed("SELECT 'the latest' AS what;\r")
	person.wait("|the latest|")
	person.wait("firesteel> ")
	person.typed("quit\r")
	if err := c.Wait(); err != nil {
		t.Errorf("quit: %v", err)
	}

	// Where the server has ended the session, the prompt says so and opens another.
	joined = url + ";user_id=ann;session_id=" + uuid.NewString()
	person, c = start()
	other, err := spark.Connect(t.Context(), joined)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Stop(); err != nil {
		t.Fatal(err)
	}
	person.typed("SELECT 1;\r")
	person.wait("The server has ended the session")
	person.wait("A new session is open")
	person.wait("firesteel> ")
	person.typed("RESET; SELECT firesteel_echo('still here') AS what;\r")
	person.wait("|still here|")
	person.wait("firesteel> ")
	const up = "\x1b[A"
	person.typed(up + up + up + up + "\r") // past what was typed here, and quit
	person.wait("|the latest|")
	person.wait("firesteel> ")
	person.typed("\x04")
	if err := c.Wait(); err != nil {
		t.Errorf("Ctrl-D: %v", err)
	}
}
