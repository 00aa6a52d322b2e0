// Package fetch downloads files. It resumes interrupted downloads, verifies a
// file before the file gets its name, and downloads once if several processes
// request the same file.
//
// A download is written to <path>.part. <path>.part.tag holds the validator of
// the server, so that a resumed request can require the same file (If-Range).
// The finished file is renamed.
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

// Request describes a file to download.
type Request struct {
	// URL may contain credentials (user:password@). They are sent, but never
	// shown, even if the server returns them.
	URL string
	// Header holds additional headers, for instance Authorization. They are not
	// sent to another scheme, host or port after a redirect; see egress.Redirect.
	Header http.Header
	// Path is the destination. Its directory is created if needed, and other users
	// must not be able to write in it; see package privatefile.
	Path string
	// SparksDirectory is true if Path is in the working directory of an executor,
	// from which Spark runs this program. The directory is then not checked.
	SparksDirectory bool
	// Size in bytes; 0 if unknown.
	Size int64
	// Limit is the largest size in bytes; 0 is no limit.
	Limit int64
	// Sum is the expected digest. With the zero Sum only Size and the server's
	// Content-Length are checked.
	Sum Sum
	// Name is the name for progress and errors; default: the base of Path.
	Name string
}

// Client downloads files. The zero value uses the proxies of the environment and
// the certificate authorities of PIP_CERT, REQUESTS_CA_BUNDLE and SSL_CERT_FILE,
// and reports no progress.
type Client struct {
	// HTTP replaces the client that is made from the environment.
	HTTP *http.Client
	// Progress receives progress; nil for none.
	Progress Progress
	// Stall is the time within which a connection must deliver 256 bytes a second
	// on average; default 60 s, which means 15 KiB.
	Stall time.Duration
	// Tries is the number of consecutive attempts without new bytes after which a
	// download fails; default 5.
	Tries int
	// Backoff is the first pause between attempts, doubled each time; default
	// 500 ms. A Retry-After of the server, up to a minute, replaces it.
	Backoff time.Duration
}

const (
	maxPause = time.Minute
	// minRate is the lowest average rate over Stall, in bytes a second.
	minRate = 256
	// maxTries limits attempts even if each receives a few bytes.
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

// Get downloads a file to r.Path, unless a file with its Size and Sum exists
// there.
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

// once calls create, which writes r.Path, unless the file exists. It holds a lock
// that keeps other processes from doing the same.
func once(ctx context.Context, r Request, create func() error) error {
	if err := r.makeDir(); err != nil {
		return fmt.Errorf("folder for %s: %w", r.Name, err)
	}
	if ok, err := present(ctx, r); ok || err != nil {
		return err
	}
	lock, err := Lock(ctx, r.Path+".lock")
	if err != nil {
		return fmt.Errorf("waiting for another process that downloads %s: %w", r.Name, err)
	}
	defer lock.Unlock()
	// The process that held the lock may have written the file.
	if ok, err := present(ctx, r); ok || err != nil {
		return err
	}
	return create()
}

func (r Request) makeDir() error {
	if r.SparksDirectory {
		return os.MkdirAll(filepath.Dir(r.Path), 0o700)
	}
	return privatefile.MakeDir(filepath.Dir(r.Path))
}

// present reports whether r.Path exists and has the right content. Otherwise the
// file is replaced.
func present(ctx context.Context, r Request) (bool, error) {
	info, err := os.Stat(r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s cannot be downloaded: its name is taken by something that is not a regular file", r.Path)
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

// download repeats attempts until the file is complete, the context is done, or
// an error is permanent.
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
			// A resumed file may mix two versions, so the download starts over once.
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
