package fetch

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/panics"
)

// attempt makes one request and appends the response to the part. On success the
// part is verified and synced to disk.
func (c *Client) attempt(ctx context.Context, r Request, p *part) error {
	f, err := privatefile.OpenFile(p.file(), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return permanent{err}
	}
	defer f.Close()
	h := r.Sum.New()
	have, err := c.resumeFrom(ctx, r, p, f, h)
	if err != nil {
		return permanent{err}
	}
	defer c.end(r.Name)
	if r.Size > 0 && have == r.Size {
		return p.check(r, f, h, have)
	}
	if r.Size > 0 {
		if err := CheckSpace(filepath.Dir(r.Path), r.Size-have); err != nil {
			return permanent{err}
		}
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A server that sends single bytes must not keep the download open for ever.
	least := max(1, int(minRate*c.stall().Seconds()))
	watch := time.AfterFunc(c.stall(), func() {
		defer panics.Handle("ending a stalled download", nil)
		cancel(fmt.Errorf("the server sent less than %d bytes in %s", least, c.stall()))
	})
	defer watch.Stop()
	received := 0
	alive := func(n int) {
		if received += n; received >= least {
			received = 0
			watch.Reset(c.stall())
		}
	}

	response, err := c.request(ctx, r, have, p.validator())
	if err != nil {
		return cause(ctx, err)
	}
	defer response.Body.Close()
	alive(least)
	total, resumed, err := expect(response, have, r.Size)
	if err != nil {
		if errors.Is(err, errStalePart) {
			p.discard()
		}
		return err
	}
	if !resumed {
		have = 0
		h.Reset()
		if err := f.Truncate(0); err != nil {
			return permanent{err}
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return permanent{err}
		}
		if err := p.setValidator(validator(response.Header)); err != nil {
			return permanent{err}
		}
	}
	if r.Size == 0 && total > 0 {
		if err := CheckSpace(filepath.Dir(r.Path), total-have); err != nil {
			return permanent{err}
		}
	}
	if r.Limit > 0 && total > r.Limit {
		return permanent{tooLarge(r.Limit)}
	}
	body := io.Reader(response.Body)
	if r.Limit > 0 {
		body = &limited{body, r.Limit - have, r.Limit}
	}
	have, err = c.stream(body, f, h, r.Name, have, total, alive)
	if err != nil {
		return cause(ctx, err)
	}
	if total > 0 && have < total {
		return fmt.Errorf("connection closed after %d of %d bytes: %w", have, total, io.ErrUnexpectedEOF)
	}
	return p.check(r, f, h, have)
}

func tooLarge(limit int64) error {
	return fmt.Errorf("the file is larger than the limit of %s", Bytes(limit))
}

// limited is a reader whose error reports more than left bytes.
type limited struct {
	r           io.Reader
	left, limit int64
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, permanent{tooLarge(l.limit)}
	}
	return n, err
}

// check verifies a complete part and syncs it to disk.
func (p *part) check(r Request, f *os.File, h hash.Hash, have int64) error {
	if r.Size > 0 && have != r.Size {
		p.discard()
		return permanent{fmt.Errorf("the file has %d bytes, expected %d", have, r.Size)}
	}
	if err := r.Sum.Check(h); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return permanent{err}
	}
	if err := f.Close(); err != nil {
		return permanent{err}
	}
	return nil
}

// resumeFrom hashes the bytes of earlier attempts and returns their number. It
// discards them if neither a checksum nor a validator can detect that the file
// has changed on the server.
func (c *Client) resumeFrom(ctx context.Context, r Request, p *part, f *os.File, h hash.Hash) (int64, error) {
	have := p.size()
	usable := !r.Sum.IsZero() || p.validator() != ""
	if have > 0 && (!usable || r.Size > 0 && have > r.Size) {
		have = 0
		if err := f.Truncate(0); err != nil {
			return 0, err
		}
	}
	if have > 0 {
		if _, err := digest.Copy(ctx, h, io.LimitReader(f, have)); err != nil {
			return 0, err
		}
	}
	_, err := f.Seek(have, io.SeekStart)
	return have, err
}

func (c *Client) request(ctx context.Context, r Request, have int64, validator string) (*http.Response, error) {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if have > 0 {
		header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		if validator != "" {
			header.Set("If-Range", validator)
		}
	}
	return c.get(ctx, r.URL, header)
}

// stream copies the body to f. It writes all bytes received before an error, so
// that the next attempt continues after them.
func (c *Client) stream(body io.Reader, f *os.File, h hash.Hash, name string, have, total int64, alive func(bytes int)) (int64, error) {
	buffer := make([]byte, 256<<10)
	c.step(name, have, total)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			alive(n)
			if total > 0 && have+int64(n) > total {
				return have, permanent{fmt.Errorf("the server sent more than the expected %d bytes", total)}
			}
			if _, err := f.Write(buffer[:n]); err != nil {
				return have, permanent{err}
			}
			h.Write(buffer[:n])
			have += int64(n)
			c.step(name, have, total)
		}
		if err == io.EOF {
			return have, nil
		}
		if err != nil {
			return have, err
		}
	}
}

var errStalePart = errors.New("the file on the server has changed since the download began")

// expect returns the size of the whole file in bytes (0 if unknown) and whether
// the body continues at byte have, as stated by the headers of the response.
func expect(response *http.Response, have, size int64) (total int64, resumed bool, err error) {
	switch response.StatusCode {
	case http.StatusOK:
		total = max(response.ContentLength, 0)
	case http.StatusPartialContent:
		var start int64
		start, total, err = contentRange(response.Header.Get("Content-Range"))
		if err != nil || have == 0 || start != have {
			return 0, false, fmt.Errorf("%w (Content-Range %q)", errStalePart, response.Header.Get("Content-Range"))
		}
		resumed = true
	case http.StatusRequestedRangeNotSatisfiable:
		return 0, false, errStalePart
	default:
		return 0, false, newStatusError(response)
	}
	if size > 0 && total > 0 && total != size {
		if resumed {
			return 0, false, errStalePart
		}
		return 0, false, permanent{fmt.Errorf("the server's file has %d bytes, expected %d", total, size)}
	}
	if total == 0 {
		total = size
	}
	return total, resumed, nil
}

// contentRange parses "bytes 5-9/10" (RFC 9110, section 14.4). total is 0 for "*".
func contentRange(s string) (start, total int64, err error) {
	bad := fmt.Errorf("malformed Content-Range %q", s)
	rest, ok := strings.CutPrefix(s, "bytes ")
	if !ok {
		return 0, 0, bad
	}
	span, whole, ok := strings.Cut(rest, "/")
	if !ok {
		return 0, 0, bad
	}
	first, last, ok := strings.Cut(span, "-")
	if !ok {
		return 0, 0, bad
	}
	start, err = strconv.ParseInt(first, 10, 64)
	if err != nil || start < 0 {
		return 0, 0, bad
	}
	end, err := strconv.ParseInt(last, 10, 64)
	if err != nil || end < start {
		return 0, 0, bad
	}
	if whole != "*" {
		total, err = strconv.ParseInt(whole, 10, 64)
		if err != nil || total <= end {
			return 0, 0, bad
		}
	}
	return start, total, nil
}

// validator returns the value for If-Range: a strong ETag, or else the date of
// Last-Modified.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" {
		if strings.HasPrefix(tag, "W/") {
			return ""
		}
		return tag
	}
	return h.Get("Last-Modified")
}

// cause returns the reason for which ctx was cancelled (a stall), or err if it
// was not.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && ctx.Err() != nil {
		return why
	}
	return err
}
