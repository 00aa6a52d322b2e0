package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// Walk calls each with every entry of a ledger, oldest segment first. A key that
// several processes computed at the same time occurs more than once. The answer
// of an entry is valid until each returns.
func Walk(dir string, each func(Entry) error) error {
	numbers, shared, err := existing(dir)
	if err != nil {
		return err
	}
	for _, path := range append(segmentPaths(dir, numbers), shared...) {
		if err := walkSegment(path, each); err != nil {
			return err
		}
	}
	return nil
}

// existing returns the segments of a ledger that must exist: the numbers of
// those with locks, and the paths of shared ones.
func existing(dir string) (numbers []int, shared []string, err error) {
	numbers, err = segmentNumbers(dir)
	if err == nil {
		err = privatefile.Check(dir)
	}
	if err == nil {
		shared, err = sharedPaths(dir)
	}
	if errors.Is(err, os.ErrNotExist) || err == nil && len(numbers) == 0 && len(shared) == 0 {
		return nil, nil, fmt.Errorf("%s is not a ledger: %w", dir, os.ErrNotExist)
	}
	return numbers, shared, err
}

func segmentPaths(dir string, numbers []int) (paths []string) {
	for _, n := range numbers {
		paths = append(paths, segmentPath(dir, n))
	}
	return paths
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

// quietTime is how long ago the last answer of a shared segment must be for Drop.
var quietTime = time.Minute

// Drop removes the entries that match from a ledger, which no process may be
// using. If it is interrupted, some of the entries are removed. Whether a worker
// of Spark uses the ledger shows only from the time of its last answer.
func Drop(ctx context.Context, dir string, match func(Entry) bool) (dropped int, err error) {
	numbers, shared, err := existing(dir)
	if err != nil {
		return 0, err
	}
	for _, path := range shared {
		if info, err := os.Stat(path + ".log"); err == nil && time.Since(info.ModTime()) < quietTime {
			return 0, fmt.Errorf("%s is in use: a worker of Spark wrote to it less than %v ago; wait until its query has ended, and %[2]v more", dir, quietTime)
		}
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
	for _, path := range append(segmentPaths(dir, numbers), shared...) {
		d, err := dropFrom(path, match)
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
