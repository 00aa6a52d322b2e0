package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/spark"
)

const (
	promptFirst = "firesteel> "
	promptMore  = "        -> "
	promptHelp  = `A statement ends with ';', a block (BEGIN ... END) with 'END;'.
'functions' lists the AI functions; Ctrl-C abandons a statement; 'quit' or Ctrl-D ends the prompt.
`
)

// keyboard reads typed keys. It replaces Ctrl-C, which would end the prompt, by
// keys that clear the line and enter it, and sets interrupted.
type keyboard struct {
	io.Reader
	pending     []byte
	interrupted bool
}

func (k *keyboard) Read(b []byte) (int, error) {
	for len(k.pending) == 0 {
		typed := make([]byte, 256)
		n, err := k.Reader.Read(typed)
		if n == 0 && err != nil {
			return 0, err
		}
		const ctrlC, endDeleteEnter = "\x03", "\x05\x15\r"
		if bytes.Contains(typed[:n], []byte(ctrlC)) {
			k.interrupted = true
		}
		k.pending = bytes.ReplaceAll(typed[:n], []byte(ctrlC), []byte(endDeleteEnter))
	}
	n := copy(b, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

// wasInterrupted reports once that Ctrl-C abandoned the line.
func (k *keyboard) wasInterrupted() bool {
	was := k.interrupted
	k.interrupted = false
	return was
}

// prompt reads and runs statements until Ctrl-D or quit, and closes the session. It
// prints the error of a statement and continues, in a new session if the server
// has ended this one.
func (a *app) prompt(ctx context.Context, session *spark.Session, f sqlFlags) error {
	defer func() { session.Close() }()
	fmt.Fprintf(a.out, "Spark %s at %s, model %s. %s", session.Version(), secret.Hide(f.remote), f.ship.names(), promptHelp)
	keys := &keyboard{Reader: a.in}
	lines := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, terminal.Raw(a.out)}, promptFirst)
	var long *pager
	if !f.noPager {
		long = newPager(terminal.Raw(a.out))
	}
	history := openHistory()
	lines.History = history

	var statement string
	for {
		line, err := a.readLine(lines)
		if err != nil {
			fmt.Fprintln(a.out)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if keys.wasInterrupted() {
			statement = ""
			lines.SetPrompt(promptFirst)
			continue
		}
		if statement == "" {
			switch strings.TrimSuffix(strings.TrimSpace(line), ";") {
			case "":
				continue
			case "quit", "exit":
				return nil
			case "help":
				fmt.Fprint(a.out, promptHelp)
				continue
			case "functions":
				a.listFunctions()
				continue
			}
		}
		typed := statement + line + "\n"
		statements, rest := sqlscript.Split(typed)
		statement = ""
		if rest.Text != "" {
			statement = typed[rest.Start:]
		}
		for _, s := range statements {
			r := &sqlRun{app: a, session: session, flags: f, pager: long}
			err := a.runPrompted(ctx, r, s.Text)
			session = r.session
			if err != nil {
				fmt.Fprintln(a.err, "error:", a.message(err)+a.contentHint(a.message(err)))
			}
			if connectionLost(err) {
				break // the other statements of the line may depend on this one
			}
		}
		lines.SetPrompt(promptFirst)
		if statement != "" {
			lines.SetPrompt(promptMore)
		}
	}
}

// readLine puts the terminal into raw mode only while a line is typed, so that
// Ctrl-C is a signal while a statement runs.
func (a *app) readLine(lines *term.Terminal) (string, error) {
	fd := int(a.in.(*os.File).Fd())
	state, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, state)
	if width, height, err := term.GetSize(fd); err == nil && width > 0 {
		lines.SetSize(width, height)
	}
	return lines.ReadLine()
}

// serverWait is the time after which a message says that the prompt waits for the server.
const serverWait = 3 * time.Second

// runPrompted runs one statement; Ctrl-C ends the statement only. If the server has ended the session before, the statement runs
// in a new one. A statement during which the session or the connection is lost may have had effects, and is never sent again.
func (a *app) runPrompted(ctx context.Context, r *sqlRun, statement string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	waiting := time.AfterFunc(serverWait, func() {
		defer panics.Handle("writing that the server does not answer", func(err error) { fmt.Fprintln(a.err, "error:", err) })
		fmt.Fprintln(a.err, "The server does not answer. Waiting for it; Ctrl-C gives up.")
	})
	err := r.session.Check(ctx)
	waiting.Stop()
	if errors.Is(err, spark.ErrSessionLost) {
		err = a.reopen(ctx, r)
	}
	if err != nil {
		return err
	}
	if err = r.timed(ctx, statement); err == nil || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, spark.ErrSessionLost) {
		fmt.Fprintln(a.err, "The session was lost while the statement ran. It may have had effects, and is not run again.")
		if lost := a.reopen(ctx, r); lost != nil { // the next statement tries again
			fmt.Fprintln(a.err, "error:", a.message(lost))
		}
	} else if connectionLost(err) {
		fmt.Fprintln(a.err, "The connection was lost while the statement ran. It may have had effects, and is not run again. The next statement connects again.")
	}
	return err
}

// reopen replaces a session that the server has ended by a new one. If none can be opened now, the next statement tries again.
func (a *app) reopen(ctx context.Context, r *sqlRun) error {
	fmt.Fprintln(a.err, "The server has ended the session: Spark was restarted, or the session was idle for too long. Its temporary views, variables and settings are lost. Opening a new one...")
	f := r.flags
	session, err := a.connect(ctx, withoutSession(f.remote), f.ship, f.ledger.options()...)
	if err != nil {
		return err
	}
	r.session.Close()
	r.session = session
	fmt.Fprintln(a.err, "A new session with the functions is open.")
	return nil
}

// withoutSession removes the session from a connection string, because Spark does
// not reuse the name of a session that has ended.
func withoutSession(remote string) string {
	return sessionParameter.ReplaceAllString(remote, "")
}

var sessionParameter = regexp.MustCompile(`;session_id=[^;]*`)

// maxHistory is the number of lines that the prompt remembers.
const maxHistory = 1000

// history is the history of the prompt, in a file. If the file cannot be read or
// written, the history lasts as long as the prompt.
type history struct {
	lines []string // oldest first
	path  string
}

func openHistory() *history {
	h := &history{}
	dir, err := os.UserCacheDir()
	if err != nil {
		return h
	}
	h.path = filepath.Join(dir, "firesteel", "sql_history")
	file, err := privatefile.Open(h.path)
	if err != nil {
		return h
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		h.lines = append(h.lines, s.Text())
	}
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
	return h
}

// Add appends a line.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || (len(h.lines) > 0 && h.lines[len(h.lines)-1] == line) {
		return
	}
	h.lines = append(h.lines, line)
	if h.path == "" || privatefile.MakeDir(filepath.Dir(h.path)) != nil {
		return
	}
	// Statements may hold private data, so only the user can read the file.
	file, err := privatefile.OpenFile(h.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY)
	if err != nil {
		return
	}
	defer file.Close()
	fmt.Fprintln(file, line)
}

// Len returns the number of lines.
func (h *history) Len() int { return len(h.lines) }

// At returns line i, where 0 is the latest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
