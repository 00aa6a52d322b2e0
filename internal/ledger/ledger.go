// Package ledger stores answers on disk, in a directory of the user, so that no
// answer is computed or paid for twice. It maps keys to bytes and does not
// interpret them.
//
// Answers that Put has written survive the end of the process, by kill too.
// Answers older than a second also survive a power failure. Several processes
// can use a directory at the same time: each writes its own segment and sees
// what the others had written when it opened the directory.
//
// Processes on several machines share a directory without locks, which not all
// shared file systems have: see OpenShared. Both kinds of processes read the
// segments of the other kind.
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

// Key identifies an answer. It is a SHA-256 of everything the answer depends on.
type Key [keySize]byte

// ParseKey parses a key in hexadecimal.
func ParseKey(text string) (key Key, err error) {
	if len(text) != hex.EncodedLen(len(key)) {
		return key, fmt.Errorf("a key has %d characters, not %d", len(text), hex.EncodedLen(len(key)))
	}
	_, err = hex.Decode(key[:], []byte(text))
	return key, err
}

// Entry is an answer and its key.
type Entry struct {
	Key      Key
	Time     time.Time // when it was computed, in microseconds
	Function string
	Model    string // name for display
	// Answer has at most 15 MiB.
	Answer []byte
}

// syncEvery is the interval of syncs to disk: a power failure can lose so much.
const syncEvery = time.Second

// Ledger is an open ledger directory. Its methods may be called concurrently.
type Ledger struct {
	dir string

	mu      sync.RWMutex
	shared  bool       // see OpenShared
	own     *segment   // the segment that this process writes; nil before the first write to a shared ledger
	others  []*segment // read only
	damaged int64
	failed  error // the first failed write; nothing is written after it, except to a shared ledger
	dirty   bool
	synced  time.Time
}

// Open opens the ledger in a directory, which it creates if needed. It waits
// while another process opens the ledger or drops entries. It returns a
// *privatefile.UntrustedError for a directory in which another user could plant
// answers.
func Open(ctx context.Context, dir string) (*Ledger, error) {
	l, err := open(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("the ledger %s: %w", dir, withAdvice(err))
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
		os.Remove(segmentPath(dir, n) + ".log" + temporary) // left by an interrupted Drop
	}
	l := &Ledger{dir: dir, synced: time.Now()}
	defer func() {
		if err != nil {
			l.closeAll()
		}
	}()
	for _, n := range numbers {
		if err := l.openSegment(n); err != nil {
			return nil, err
		}
	}
	if l.own == nil {
		if l.own, err = createSegment(dir, 1); err != nil {
			return nil, err
		}
	}
	return l, l.follow()
}

// openSegment opens a segment. It becomes the segment that this process writes
// if no other process writes it and it is not full.
func (l *Ledger) openSegment(n int) error {
	s, err := openSegment(l.dir, n)
	if err != nil {
		return err
	}
	l.damaged += s.damaged
	if s.lock == nil { // the segment is full, or another process writes it
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

// Get returns the entry of a key.
func (l *Ledger) Get(key Key) (e Entry, found bool, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.own != nil {
		e, found, err = l.own.get(key)
	}
	for i := len(l.others) - 1; i >= 0 && !found && err == nil; i-- {
		e, found, err = l.others[i].get(key)
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("the ledger %s: %w", l.dir, err)
	}
	return e, found, nil
}

// Put writes entries. It skips an answer that is too large for a record.
func (l *Ledger) Put(entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shared {
		return l.wrap(l.put(entries))
	}
	if l.failed == nil {
		l.failed = l.put(entries)
	}
	return l.wrap(l.failed)
}

// wrap adds the directory and what to do to an error.
func (l *Ledger) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the ledger %s: %w", l.dir, withAdvice(err))
}

func (l *Ledger) put(entries []Entry) error {
	for len(entries) > 0 {
		if l.own == nil || l.own.full() {
			if err := l.nextSegment(); err != nil {
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

// nextSegment seals the current segment and creates a new one.
func (l *Ledger) nextSegment() error {
	if err := l.sync(); err != nil {
		return err
	}
	// The old segment stays locked until the new one is, so that Drop always
	// finds this process.
	old := l.own
	var err error
	if l.shared {
		l.own, err = createShared(l.dir)
	} else {
		l.own, err = createSegment(l.dir, old.number+1)
	}
	if err != nil {
		l.own = old
		return err
	}
	if old == nil {
		return nil
	}
	l.others = append(l.others, old)
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

// Damaged returns the number of bytes that were not valid records when the
// ledger was opened. Their answers are computed again.
func (l *Ledger) Damaged() int64 { return l.damaged }

// Close syncs all entries to disk and closes the ledger.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrap(errors.Join(l.failed, l.sync(), l.closeAll()))
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

// checkNames returns an error for a directory with files that are not part of a
// ledger.
func checkNames(dir string) error {
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		_, known := numberOf(f.Name())
		if !known && !isShared(f.Name()) && !slices.Contains([]string{lockName, markName, UsageDir, ClaimsDir}, f.Name()) && !strings.HasSuffix(f.Name(), temporary) {
			return fmt.Errorf("it contains %s, which is not part of a ledger; choose an empty or new directory", f.Name())
		}
	}
	return nil
}

// numberOf returns the number of a segment's file.
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

// createTemporary creates the temporary file that will replace the file at path.
// It removes the temporary file of a killed process.
func createTemporary(path string) (*os.File, error) {
	if err := os.Remove(path + temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return privatefile.Create(path + temporary)
}

// replaceFile atomically replaces a file.
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

// withAdvice adds to an error what to do.
func withAdvice(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w; free some space and run the same again: stored answers are not computed again", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; choose a writable directory", err)
	}
	return err
}
