package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// maxSegment is the size in bytes at which a segment is sealed: its keys move
// from memory to an index. Tests use smaller segments.
var maxSegment int64 = 64 << 20

const (
	maxRecords = 1 << 18
	// writeBytes is the approximate size of one write.
	writeBytes = 1 << 20
)

// segment is an open segment.
type segment struct {
	number  int
	path    string // without .log
	log     *os.File
	lock    *fetch.FileLock // held by the process that writes the segment
	end     int64           // end of the last valid record
	damaged int64
	offsets map[short]uint32 // offsets of the records; nil if there is an index
	index   *index
}

func segmentPath(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("%08d", n)) }

// createSegment creates a segment with the first free number from n on.
func createSegment(dir string, n int) (*segment, error) {
	for ; ; n++ {
		path := segmentPath(dir, n)
		lock, err := lockSegment(path)
		if fetch.Locked(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f, err := privatefile.Create(path + ".log")
		if err == nil {
			return &segment{number: n, path: path, log: f, lock: lock, offsets: map[short]uint32{}}, nil
		}
		lock.Unlock()
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
}

// lockSegment acquires the write lock of a segment and writes the PID of this
// process into the lock file.
func lockSegment(path string) (*fetch.FileLock, error) {
	lock, err := fetch.TryLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	if err := lock.File().Truncate(0); err == nil {
		fmt.Fprintln(lock.File(), os.Getpid()) // for error messages
	}
	return lock, nil
}

// openSegment opens a segment. It locks the segment if it is not sealed and no
// other process writes it.
func openSegment(dir string, n int) (s *segment, err error) {
	s = &segment{number: n, path: segmentPath(dir, n)}
	if s.log, err = privatefile.OpenFile(s.path+".log", os.O_RDWR); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	size, err := s.size()
	if err != nil {
		return nil, err
	}
	if s.index, err = openIndex(s.path+".idx", size); err == nil {
		s.end = size
		return s, nil
	}
	s.lock, err = lockSegment(s.path)
	if err != nil && !fetch.Locked(err) {
		return nil, err
	}
	if size, err = s.size(); err != nil { // the first size was read without the lock
		return nil, err
	}
	s.offsets = map[short]uint32{}
	found, err := scan(s.log, min(size, math.MaxUint32), func(offset int64, e Entry) error {
		s.offsets[e.Key.short()] = uint32(offset)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.end, s.damaged = found.end, found.damaged
	if s.lock != nil {
		s.damaged += size - found.end
	}
	return s, nil
}

func (s *segment) size() (int64, error) {
	info, err := s.log.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (s *segment) full() bool { return s.end >= maxSegment || len(s.offsets) >= maxRecords }

// write writes the first n entries, about writeBytes.
func (s *segment) write(entries []Entry) (n int, err error) {
	var b []byte
	offsets := make([]uint32, 0, len(entries))
	for n < len(entries) && len(b) < writeBytes && len(s.offsets)+n < maxRecords {
		offsets = append(offsets, uint32(s.end)+uint32(len(b)))
		if fits(&entries[n]) {
			b = appendRecord(b, &entries[n])
		}
		n++
	}
	if _, err := s.log.WriteAt(b, s.end); err != nil {
		return 0, errors.Join(err, s.log.Truncate(s.end))
	}
	for i, offset := range offsets {
		if fits(&entries[i]) {
			s.offsets[entries[i].Key.short()] = offset
		}
	}
	s.end += int64(len(b))
	return n, nil
}

// get returns the entry of a key. A damaged record counts as absent.
func (s *segment) get(key Key) (e Entry, found bool, err error) {
	var offset int64
	if s.index != nil {
		if offset, found, err = s.index.find(s.index.file, key.short()); err != nil {
			return e, false, err
		}
	} else {
		var at uint32
		at, found = s.offsets[key.short()]
		offset = int64(at)
	}
	if !found {
		return e, false, nil
	}
	e, err = readAt(s.log, offset)
	if err == errDamaged || err == nil && e.Key != key {
		return Entry{}, false, nil
	}
	return e, err == nil, err
}

// seal writes the index of a full segment and releases its lock.
func (s *segment) seal() error {
	size, err := s.size()
	if err != nil {
		return err
	}
	if err := writeIndex(s.path+".idx", size, s.offsets); err != nil {
		return err
	}
	if s.index, err = openIndex(s.path+".idx", size); err != nil {
		return err
	}
	s.offsets = nil
	if s.lock != nil {
		s.lock.Unlock()
		s.lock = nil
	}
	return nil
}

func (s *segment) close() error {
	err := s.log.Close()
	if s.index != nil {
		err = errors.Join(err, s.index.file.Close())
	}
	if s.lock != nil {
		s.lock.Unlock()
		s.lock = nil
	}
	return err
}
