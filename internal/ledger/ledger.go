// Package ledger keeps answers on disk, in a directory that belongs to the
// user, so that none is computed or paid for twice. It knows keys and bytes,
// and not what they mean.
//
// What Put has written outlives the process, however it ends; what is older
// than a second outlives the machine's power too. Several processes may use a
// directory at the same time: each writes a segment of its own, and sees what
// the others had written when it opened the directory.
package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

const keySize = 32

// Key names an answer: a SHA-256 of all that it depends on.
type Key [keySize]byte

// ParseKey reads a key of hexadecimal digits.
func ParseKey(text string) (key Key, err error) {
	if len(text) != hex.EncodedLen(len(key)) {
		return key, fmt.Errorf("a key of %d characters, where %d are needed", len(text), hex.EncodedLen(len(key)))
	}
	_, err = hex.Decode(key[:], []byte(text))
	return key, err
}

// Entry is an answer under its key.
type Entry struct {
	Key      Key
	Time     time.Time // when it was computed, to the microsecond
	Function string
	Model    string // as a person would name it
	// Answer has 15 MiB at most.
	Answer []byte
}

// syncEvery is how much the machine's power may take with it.
const syncEvery = time.Second

// Ledger is an open directory. Its methods may be called at the same time.
type Ledger struct {
	dir string

	mu      sync.RWMutex
	own     *segment   // written by this process
	others  []*segment // only read
	damaged int64
	failed  error // of the last write: nothing is written after it
	dirty   bool
	synced  time.Time
}

// Open opens the ledger in a directory, which it creates. It waits while
// another process opens it, or drops answers of it. A directory in which
// another user could plant answers is refused by an owned.UntrustedError.
func Open(ctx context.Context, dir string) (*Ledger, error) {
	l, err := open(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("the ledger %s: %w", dir, explained(err))
	}
	return l, nil
}

func open(ctx context.Context, dir string) (_ *Ledger, err error) {
	if err := privatefile.MakeDir(dir); err != nil {
		return nil, err
	}
	if err := checkNames(dir); err != nil {
		return nil, err
	}
	lock, err := fetch.Lock(ctx, filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		os.Remove(segmentPath(dir, n) + ".log" + temporary) // Drop was ended halfway
	}
	l := &Ledger{dir: dir, synced: time.Now()}
	defer func() {
		if err != nil {
			l.closeAll()
		}
	}()
	for _, n := range numbers {
		if err := l.take(n); err != nil {
			return nil, err
		}
	}
	if l.own == nil {
		if l.own, err = createSegment(dir, 1); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// take opens the segment of a number: as this process's own if it can be.
func (l *Ledger) take(n int) error {
	s, err := openSegment(l.dir, n)
	if err != nil {
		return err
	}
	l.damaged += s.damaged
	if s.lock == nil { // it is full, or another process writes it
		l.others = append(l.others, s)
		return nil
	}
	if l.own == nil && !s.full() {
		l.own = s
		return s.log.Truncate(s.end)
	}
	l.others = append(l.others, s)
	return s.seal()
}

// Get gives what is kept under a key.
func (l *Ledger) Get(key Key) (e Entry, found bool, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	e, found, err = l.own.get(key)
	for i := len(l.others) - 1; i >= 0 && !found && err == nil; i-- {
		e, found, err = l.others[i].get(key)
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("the ledger %s: %w", l.dir, err)
	}
	return e, found, nil
}

// Put writes answers. An answer that is too large for a record is left out.
func (l *Ledger) Put(entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = l.put(entries)
	}
	if l.failed != nil {
		return fmt.Errorf("the ledger %s: %w", l.dir, explained(l.failed))
	}
	return nil
}

func (l *Ledger) put(entries []Entry) error {
	for len(entries) > 0 {
		if l.own.full() {
			if err := l.next(); err != nil {
				return err
			}
		}
		n, err := l.own.write(entries)
		if err != nil {
			return err
		}
		entries = entries[n:]
		l.dirty = true
	}
	if l.dirty && time.Since(l.synced) >= syncEvery {
		return l.sync()
	}
	return nil
}

// next begins a new segment.
func (l *Ledger) next() error {
	if err := l.sync(); err != nil {
		return err
	}
	// The old one's lock is held until there is another, so that Drop sees
	// this process all the time.
	s, err := createSegment(l.dir, l.own.number+1)
	if err != nil {
		return err
	}
	old := l.own
	l.others = append(l.others, old)
	l.own = s
	return old.seal()
}

func (l *Ledger) sync() error {
	if l.dirty {
		if err := l.own.log.Sync(); err != nil {
			return err
		}
	}
	l.dirty, l.synced = false, time.Now()
	return nil
}

// Damaged is how many bytes the ledger held, when it was opened, that are no
// valid records. What stood there is computed again.
func (l *Ledger) Damaged() int64 { return l.damaged }

// Close makes all that was written safe.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := errors.Join(l.failed, l.sync(), l.closeAll())
	if err != nil {
		return fmt.Errorf("the ledger %s: %w", l.dir, explained(err))
	}
	return nil
}

func (l *Ledger) closeAll() (err error) {
	if l.own != nil {
		err = l.own.close()
	}
	for _, s := range l.others {
		err = errors.Join(err, s.close())
	}
	return err
}

const lockName = "lock"

// checkNames refuses a directory with files of others.
func checkNames(dir string) error {
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		_, known := numberOf(f.Name())
		if !known && f.Name() != lockName && !strings.HasSuffix(f.Name(), temporary) {
			return fmt.Errorf("it holds %s, which is no part of a ledger; name a directory that is empty, or not there yet", f.Name())
		}
	}
	return nil
}

// numberOf gives the number of a segment's file.
func numberOf(name string) (int, bool) {
	number, suffix, _ := strings.Cut(name, ".")
	n, err := strconv.Atoi(number)
	return n, err == nil && n > 0 && fmt.Sprintf("%08d", n) == number &&
		slices.Contains([]string{"log", "idx", "lock"}, suffix)
}

func segmentNumbers(dir string) ([]int, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, f := range found {
		if n, ok := numberOf(f.Name()); ok && filepath.Ext(f.Name()) == ".log" {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

const temporary = ".tmp"

// createTemporary creates the file that will replace the one at path. It removes
// one that a killed process left.
func createTemporary(path string) (*os.File, error) {
	if err := os.Remove(path + temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return privatefile.Create(path + temporary)
}

// replaceFile puts a file in another's place, as a whole or not at all.
func replaceFile(path string, content []byte) error {
	f, err := createTemporary(path)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+temporary, path)
	}
	if err != nil {
		os.Remove(path + temporary)
	}
	return err
}

// explained adds what to do.
func explained(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w; make room, and run the same again: what it holds is not computed again", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; name a directory that you may write", err)
	}
	return err
}
