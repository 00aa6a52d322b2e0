package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// A shared ledger is a directory that processes of several machines use, such as
// a directory of NFS. Nothing is locked. Each process writes segments of its own,
// w-RANDOM.log, whose names no other process has, and reads those of others as
// they grow. The file "id" has the id of the directory, by which an executor
// knows that it sees the same directory as the others, and not an empty one of
// the same name on its own disk.
const (
	sharedPrefix = "w-"
	markName     = "id"
	// UsageDir is a directory in a ledger for what package usage writes.
	UsageDir = "usage"
)

// ForeignError means that a directory is not the shared ledger that it should be.
type ForeignError struct {
	Dir  string
	Have string // its id; empty if it has none
}

func (e *ForeignError) Error() string {
	what := "has no ledger"
	if e.Have != "" {
		what = "has another ledger"
	}
	return fmt.Sprintf("the directory %s %s: it is not the one that other executors see; name a directory that all executors share", e.Dir, what)
}

// Prepare makes a directory a shared ledger, if it is not one yet, and returns
// its id. It creates the directory if its parent exists.
func Prepare(ctx context.Context, dir string) (id string, err error) {
	id, err = prepare(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("the ledger %s: %w", dir, withAdvice(err))
	}
	return id, nil
}

func prepare(ctx context.Context, dir string) (string, error) {
	if !filepath.IsAbs(dir) {
		return "", errors.New("it is not an absolute path")
	}
	// A missing parent is rather a file system that is not mounted.
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		return "", fmt.Errorf("%w; create the directory in a file system that all executors share", err)
	}
	if err := privatefile.MakeDir(dir); err != nil {
		return "", err
	}
	if err := checkNames(dir); err != nil {
		return "", err
	}
	f, err := privatefile.Create(filepath.Join(dir, markName))
	if err == nil {
		id := rand.Text()
		_, err = f.WriteString(id)
		return id, errors.Join(err, f.Sync(), f.Close())
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	for range 50 { // another process may be writing it
		id, err := readMark(dir)
		if err != nil || id != "" {
			return id, err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return "", fmt.Errorf("its file %s is empty: remove it", markName)
}

func readMark(dir string) (string, error) {
	b, err := privatefile.ReadFile(filepath.Join(dir, markName), 100)
	return strings.TrimSpace(string(b)), err
}

// CheckShared returns a *ForeignError if a directory is not the shared ledger
// with an id, or an error if it cannot be read.
func CheckShared(dir, id string) error {
	if err := privatefile.Check(dir); err != nil {
		return err
	}
	have, err := readMark(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &ForeignError{Dir: dir}
	}
	if err == nil && have != id {
		return &ForeignError{Dir: dir, Have: have}
	}
	return err
}

// OpenShared opens the shared ledger with an id, which Prepare returned. It
// creates no file before the first Put. A failed Put has no effect on later ones.
func OpenShared(dir, id string) (*Ledger, error) {
	l := &Ledger{dir: dir, shared: true, synced: time.Now()}
	err := CheckShared(dir, id)
	if err == nil {
		err = l.Refresh()
	}
	if err != nil {
		l.closeAll()
		return nil, l.wrap(err)
	}
	return l, nil
}

func isShared(name string) bool {
	name, isLog := strings.CutSuffix(name, ".log")
	name, isIndex := strings.CutSuffix(name, ".idx")
	return (isLog || isIndex) && strings.HasPrefix(name, sharedPrefix)
}

// sharedPaths returns the paths of the shared segments, without .log.
func sharedPaths(dir string) (paths []string, err error) {
	found, err := os.ReadDir(dir)
	for _, f := range found {
		if name, isLog := strings.CutSuffix(f.Name(), ".log"); isLog && isShared(f.Name()) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths, err
}

func createShared(dir string) (*segment, error) {
	path := filepath.Join(dir, sharedPrefix+strings.ToLower(rand.Text()))
	f, err := privatefile.Create(path + ".log")
	if err != nil {
		return nil, err
	}
	return &segment{path: path, log: f, offsets: map[short]uint32{}}, nil
}

// Refresh reads what other processes have written to a shared ledger since it
// was opened or refreshed.
func (l *Ledger) Refresh() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own != nil && l.own.replaced() { // by Drop
		l.own.close()
		l.own, l.dirty = nil, false
	}
	return l.follow()
}

// follow opens new segments of other processes, and reads what was added to those
// that are open. A ledger that is not shared follows shared segments only.
func (l *Ledger) follow() error {
	paths, err := sharedPaths(l.dir)
	if err != nil {
		return err
	}
	if l.shared {
		numbers, err := segmentNumbers(l.dir)
		if err != nil {
			return err
		}
		paths = append(segmentPaths(l.dir, numbers), paths...)
	}
	open := map[string]*segment{}
	kept := l.others[:0]
	for _, s := range l.others {
		if s.number == 0 && s.replaced() {
			s.close()
			continue
		}
		open[s.path] = s
		kept = append(kept, s)
	}
	l.others = kept
	for _, path := range paths {
		if l.own != nil && path == l.own.path {
			continue
		}
		s := open[path]
		if s == nil {
			s, err = openReader(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue // Drop removed it
			}
			if err != nil {
				return err
			}
			l.others = append(l.others, s)
		}
		if err := s.follow(); err != nil {
			return err
		}
	}
	return nil
}

// openReader opens a segment that another process may be writing.
func openReader(path string) (*segment, error) {
	f, err := privatefile.Open(path + ".log")
	if err != nil {
		return nil, err
	}
	return &segment{path: path, log: f, offsets: map[short]uint32{}}, nil
}

// replaced reports whether the segment's file is no longer the one that is open.
func (s *segment) replaced() bool {
	opened, err := s.log.Stat()
	if err != nil {
		return true
	}
	named, err := os.Stat(s.path + ".log") // a path, because NFS keeps the size of an open file for a time
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(opened, named)
}

// follow reads the records that were added to the segment. A record whose end is
// not written yet is read by a later call.
func (s *segment) follow() error {
	if s.index != nil {
		return nil // it is full
	}
	info, err := os.Stat(s.path + ".log")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size() <= s.end {
		return err
	}
	if s.end == 0 {
		if x, err := openIndex(s.path+".idx", info.Size()); err == nil {
			s.index, s.offsets, s.end = x, nil, info.Size()
			return nil
		}
	}
	found, err := scanFrom(s.log, s.end, min(info.Size(), math.MaxUint32), func(offset int64, e Entry) error {
		s.offsets[e.Key.short()] = uint32(offset)
		return nil
	})
	if err != nil {
		return err
	}
	s.end = found.end
	return nil
}
