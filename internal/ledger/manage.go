package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// Walk calls each with every entry of a ledger, oldest segment first. A key that
// several processes computed at the same time occurs more than once. The answer
// of an entry is valid until each returns.
func Walk(dir string, each func(Entry) error) error {
	numbers, err := existing(dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if err := walkSegment(segmentPath(dir, n), each); err != nil {
			return err
		}
	}
	return nil
}

// existing returns the segment numbers of a ledger that must exist.
func existing(dir string) ([]int, error) {
	numbers, err := segmentNumbers(dir)
	if err == nil {
		err = privatefile.Check(dir)
	}
	if errors.Is(err, os.ErrNotExist) || err == nil && len(numbers) == 0 {
		return nil, fmt.Errorf("%s is not a ledger: %w", dir, os.ErrNotExist)
	}
	return numbers, err
}

func walkSegment(path string, each func(Entry) error) error {
	f, err := privatefile.Open(path + ".log")
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = scan(f, info.Size(), func(_ int64, e Entry) error { return each(e) })
	return err
}

// Drop removes the entries that match from a ledger, which no process may be
// using. If it is interrupted, some of the entries are removed.
func Drop(ctx context.Context, dir string, match func(Entry) bool) (dropped int, err error) {
	numbers, err := existing(dir)
	if err != nil {
		return 0, err
	}
	lock, err := fetch.Lock(ctx, filepath.Join(dir, lockName))
	if err != nil {
		return 0, err
	}
	defer lock.Unlock()
	var locks []*fetch.FileLock
	defer func() {
		for _, l := range locks {
			l.Unlock()
		}
	}()
	for _, n := range numbers {
		path := segmentPath(dir, n)
		l, err := lockSegment(path)
		if fetch.Locked(err) {
			pid, _ := privatefile.ReadFile(path+".lock", 100)
			return 0, fmt.Errorf("%s is in use by process %s; wait until it ends, or end it", dir, strings.TrimSpace(string(pid)))
		}
		if err != nil {
			return 0, err
		}
		locks = append(locks, l)
	}
	for _, n := range numbers {
		d, err := dropFrom(segmentPath(dir, n), match)
		dropped += d
		if err != nil {
			return dropped, withAdvice(err)
		}
	}
	return dropped, nil
}

// dropFrom rewrites a segment without the entries that match.
func dropFrom(path string, match func(Entry) bool) (dropped int, err error) {
	kept := 0
	f, err := createTemporary(path + ".log")
	if err != nil {
		return 0, err
	}
	defer func() {
		f.Close()
		os.Remove(f.Name()) // unless it was renamed
	}()
	w := bufio.NewWriterSize(f, writeBytes)
	var record []byte
	err = walkSegment(path, func(e Entry) error {
		if match(e) {
			dropped++
			return nil
		}
		kept++
		record = appendRecord(record[:0], &e)
		_, err := w.Write(record)
		return err
	})
	if err != nil || dropped == 0 {
		return 0, err
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	// The index is removed first: without it the segment itself is read.
	if err := os.Remove(path + ".idx"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	if kept == 0 {
		return dropped, os.Remove(path + ".log")
	}
	return dropped, os.Rename(f.Name(), path+".log")
}
