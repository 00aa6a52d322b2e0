package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/term"
)

// pager shows long results at the prompt by the program of PAGER.
type pager struct {
	command string
	out     *os.File
}

// newPager returns a pager, or nil if PAGER is not set or out is not a terminal.
func newPager(out io.Writer) *pager {
	file, ok := out.(*os.File)
	command := strings.TrimSpace(os.Getenv("PAGER"))
	if !ok || command == "" || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return &pager{command, file}
}

// needed reports whether a text has more lines than the terminal, or a line that is wider.
func (p *pager) needed(text string) bool {
	width, height, err := term.GetSize(int(p.out.Fd()))
	if err != nil {
		return false
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) >= height {
		return true
	}
	for _, line := range lines {
		if len([]rune(line)) > width {
			return true
		}
	}
	return false
}

// show gives the text to the pager and waits for its end. The user's shell reads the command, as other programs do.
func (p *pager) show(ctx context.Context, text string) error {
	c := exec.CommandContext(ctx, "sh", "-c", p.command)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(text), p.out, os.Stderr
	if os.Getenv("LESS") == "" {
		c.Env = append(os.Environ(), "LESS=FRSX")
	}
	return c.Run()
}
