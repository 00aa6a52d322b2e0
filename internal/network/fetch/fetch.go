// Package fetch downloads files: resumed where they were cut off, verified
// before they get their name, and once even when two processes want them.
//
// A download grows as <path>.part beside its destination; <path>.part.tag
// keeps the server's validator, so that a resumed request can demand the same
// file (If-Range). The finished file is renamed into place.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// Request is one file to have.
type Request struct {
	// URL may carry credentials (user:password@); they are sent, never shown,
	// also where a server sends them back.
	URL string
	// Header is sent along, for instance Authorization. A redirect to another
	// scheme, host or port does not get it: see outbound.Redirect.
	Header http.Header
	// Path is where the file shall be. Its directory is made if need be, and
	// must be one that other users cannot write; see package owned.
	Path string
	// SparksDirectory says that Path is in an executor's own directory, which
	// Spark made, and from which it runs this program: it is not checked.
	SparksDirectory bool
	// Size in bytes; 0 if unknown.
	Size int64
	// Sum is what the file must hash to; the zero Sum checks nothing, and
	// then Size and the server's Content-Length are the only guards.
	Sum Sum
	// Name is what progress and errors call it; default: the base of Path.
	Name string
}

// Client downloads. Its zero value works: proxies from the environment, extra
// authorities from PIP_CERT, REQUESTS_CA_BUNDLE or SSL_CERT_FILE, no progress.
type Client struct {
	// HTTP replaces the client that the environment describes.
	HTTP *http.Client
	// Progress is told how far a download is; nil for nobody.
	Progress Progress
	// Stall is how long a connection may be silent, or all but silent: within it
	// some bytes must come, 15 KiB in the default of 60 s.
	Stall time.Duration
	// Tries bounds attempts in a row that brought nothing; default 5.
	Tries int
	// Backoff is the first pause between attempts, doubled each time; default
	// 500 ms. A server's Retry-After goes before it, up to a minute.
	Backoff time.Duration
}

const (
	maxPause = time.Minute
	// leastPerSecond is the fewest bytes a second, in the mean over Stall, that
	// an attempt goes on with.
	leastPerSecond = 256
	// maxTries bounds attempts even if each brought a few bytes.
	maxTries = 100
)

func (c *Client) stall() time.Duration {
	if c.Stall > 0 {
		return c.Stall
	}
	return time.Minute
}

func (c *Client) tries() int {
	if c.Tries > 0 {
		return c.Tries
	}
	return 5
}

func (c *Client) backoff() time.Duration {
	if c.Backoff > 0 {
		return c.Backoff
	}
	return 500 * time.Millisecond
}

// Get makes sure that r.Path exists and is the file that was asked for. A file
// that is there already and fits Size and Sum is left as it is.
func (c *Client) Get(ctx context.Context, r Request) error {
	if r.Name == "" {
		r.Name = filepath.Base(r.Path)
	}
	return once(ctx, r, func() error {
		if err := c.download(ctx, r); err != nil {
			return describe(r, err)
		}
		return nil
	})
}

// once has bring make r.Path, unless it is there, and while no other process
// does.
func once(ctx context.Context, r Request, bring func() error) error {
	if err := r.makeDir(); err != nil {
		return fmt.Errorf("folder for %s: %w", r.Name, err)
	}
	if ok, err := present(ctx, r); ok || err != nil {
		return err
	}
	lock, err := Lock(ctx, r.Path+".lock")
	if err != nil {
		return fmt.Errorf("waiting for another process that brings %s: %w", r.Name, err)
	}
	defer lock.Unlock()
	// Whoever held the lock may have brought it.
	if ok, err := present(ctx, r); ok || err != nil {
		return err
	}
	return bring()
}

func (r Request) makeDir() error {
	if r.SparksDirectory {
		return os.MkdirAll(filepath.Dir(r.Path), 0o700)
	}
	return privatefile.MakeDir(filepath.Dir(r.Path))
}

// present reports whether r.Path is already there and right. A wrong file is
// ours by its name, and will be replaced.
func present(ctx context.Context, r Request) (bool, error) {
	info, err := os.Stat(r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is in the way of a download: it is not a file", r.Path)
	}
	if r.Size > 0 && info.Size() != r.Size {
		return false, nil
	}
	if r.Sum.IsZero() {
		return true, nil
	}
	err = r.Sum.File(ctx, r.Path)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	return err == nil, nil
}

// download repeats attempts until the file is whole, the context ends, or
// nothing more can be hoped for.
func (c *Client) download(ctx context.Context, r Request) error {
	part := openPart(r.Path)
	pause := newPauses(c.backoff())
	idle := 0
	restarted := false
	for try := 1; ; try++ {
		before := part.size()
		err := c.attempt(ctx, r, part)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var wrong *SumError
		if errors.As(err, &wrong) {
			part.discard()
			// A resumed file may mix two versions; one fresh start tells.
			if before > 0 && !restarted {
				restarted = true
				continue
			}
			return err
		}
		if !retryable(err) || try >= maxTries {
			return err
		}
		if part.size() > before {
			idle = 0
			pause = newPauses(c.backoff())
		} else if idle++; idle >= c.tries() {
			return fmt.Errorf("%w (gave up after %d attempts)", err, try)
		}
		if err := pause.wait(ctx, err); err != nil {
			return err
		}
	}
	return part.finish(r)
}

func (c *Client) step(name string, done, total int64) {
	if c.Progress != nil {
		c.Progress.Step(name, done, total)
	}
}

func (c *Client) end(name string) {
	if c.Progress != nil {
		c.Progress.End(name)
	}
}
