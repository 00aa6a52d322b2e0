package ledger

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/panics"
)

// Claims let processes that share a ledger agree on who computes an answer, so
// that no two of them ask the same at the same time. Each process has a file in
// the directory "claims", which it replaces as a whole:
//
//	beat  8 bytes, different in every version of the file
//	keys  32 bytes each, of the answers that the process is computing
//
// A process writes its claim before it reads those of the others. Of two that
// claim the same key, at least one therefore sees the other, and gives way. A
// claim ends when its key is not in the file any more, after the answer was
// written, or when the file does not change for claimEnds, as its process was
// killed.
type Claims struct {
	dir, name string

	mu     sync.Mutex
	keys   map[Key]bool
	others map[string]*claimant
	timer  *time.Timer // runs while there are keys
}

// claimant is the file of another process.
type claimant struct {
	beat    string
	changed time.Time // when this process saw it change
}

// ClaimsDir is the directory of claims in a ledger.
const ClaimsDir = "claims"

const (
	beatEvery = 2 * time.Second
	maxClaims = 1 << 20 // bytes of a file
)

var claimEnds = 12 * time.Second

// OpenClaims returns the claims of this process in a shared ledger.
func OpenClaims(dir string) (*Claims, error) {
	c := &Claims{dir: filepath.Join(dir, ClaimsDir), name: strings.ToLower(rand.Text()), keys: map[Key]bool{}, others: map[string]*claimant{}}
	return c, privatefile.MakeDir(c.dir)
}

// Claim claims keys, and reports those that this process may compute. Each must be
// released.
func (c *Claims) Claim(keys []Key) (mine []bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine = make([]bool, len(keys))
	for i, k := range keys {
		if !c.keys[k] {
			c.keys[k], mine[i] = true, true
		}
	}
	taken := map[Key]bool{}
	if err = c.write(); err == nil {
		taken, err = c.read()
	}
	withdrawn := false
	for i, k := range keys {
		if mine[i] && (taken[k] || err != nil) {
			delete(c.keys, k)
			mine[i], withdrawn = false, true
		}
	}
	if withdrawn && err == nil {
		err = c.write()
	}
	return mine, err
}

// Release ends claims, whose answers are written or will not be.
func (c *Claims) Release(keys []Key) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		delete(c.keys, k)
	}
	return c.write()
}

// write replaces the file of this process. The caller holds c.mu.
func (c *Claims) write() error {
	path := filepath.Join(c.dir, c.name)
	if len(c.keys) == 0 {
		if c.timer != nil {
			c.timer.Stop()
			c.timer = nil
		}
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(beatEvery, func() {
			defer panics.Handle("renewing claims", nil)
			c.again()
		})
	}
	b := make([]byte, 0, 26+len(c.keys)*keySize)
	b = append(b, strings.ToLower(rand.Text())[:8]...)
	for k := range c.keys {
		b = append(b, k[:]...)
	}
	f, err := privatefile.OpenFile(path+temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+temporary, path)
	}
	return err
}

// again shows the others that this process still computes.
func (c *Claims) again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer = nil
		_ = c.write() // the next claim reports an error
	}
}

// read returns the keys that other processes claim. The caller holds c.mu.
func (c *Claims) read() (map[Key]bool, error) {
	found, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	taken := map[Key]bool{}
	for _, f := range found {
		name := f.Name()
		if name == c.name || strings.HasSuffix(name, temporary) {
			continue
		}
		b, err := privatefile.ReadFile(filepath.Join(c.dir, name), maxClaims)
		if errors.Is(err, fs.ErrNotExist) {
			delete(c.others, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(b) < 8 || len(b)%keySize != 8 {
			continue // not a file of claims
		}
		o := c.others[name]
		if o == nil || o.beat != string(b[:8]) {
			o = &claimant{string(b[:8]), time.Now()}
			c.others[name] = o
		}
		if time.Since(o.changed) > claimEnds {
			os.Remove(filepath.Join(c.dir, name))
			continue
		}
		for b = b[8:]; len(b) > 0; b = b[keySize:] {
			taken[Key(b[:keySize])] = true
		}
	}
	return taken, nil
}

// Close ends all claims.
func (c *Claims) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.keys)
	return c.write()
}
