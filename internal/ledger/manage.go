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

// Walk calls each with every Entry of a directory, oldest segment first. A key
// that several processes computed at the same time comes more than once. The
// Entry's answer is valid until each returns.
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

// existing gives the segments of a ledger that is there.
func existing(dir string) ([]int, error) {
	numbers, err := segmentNumbers(dir)
	if err == nil {
		err = privatefile.Check(dir)
	}
	if errors.Is(err, os.ErrNotExist) || err == nil && len(numbers) == 0 {
		return nil, fmt.Errorf("%s is no ledger: %w", dir, os.ErrNotExist)
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

// Drop removes the entries that match from a directory, which no process may
// be using. Ended halfway, it has dropped some of them.
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
			return 0, fmt.Errorf("%s is in use by process %s; wait for its end, or end it", dir, strings.TrimSpace(string(pid)))
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
			return dropped, explained(err)
		}
	}
	return dropped, nil
}

// dropFrom writes a segment anew, without what matches.
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
	// The index first: without one, the segment is read.
	if err := os.Remove(path + ".idx"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	if kept == 0 {
		return dropped, os.Remove(path + ".log")
	}
	return dropped, os.Rename(f.Name(), path+".log")
}
