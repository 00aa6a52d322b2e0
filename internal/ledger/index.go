package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// A full segment is read-only and has an index file, NNNNNNNN.idx, so that its
// keys are not held in memory:
//
//	magic     8 bytes: "\xf5FSINDX1"
//	size      uint64, size of the segment in bytes
//	fanout    1024 uint32: entry i is the number of keys whose first ten bits
//	          are at most i
//	checksum  uint32, CRC-32C of everything before
//	keys, sorted: the first 16 bytes of the key; uint32 offset of its record
//
// The record has the whole key and a checksum, so a wrong index cannot give a
// wrong answer. An index that does not match its segment is written again.
const (
	indexMagic    = "\xf5FSINDX1"
	fanoutSize    = 1024
	indexHead     = 8 + 8 + 4*fanoutSize + 4
	indexed       = shortSize + 4
	shortSize     = 16
	maxIndexBytes = indexHead + indexed*maxRecords
)

// short is the prefix of a key in an index.
type short [shortSize]byte

func (k Key) short() short { return short(k[:shortSize]) }

func (s short) bucket() int { return int(s[0])<<2 | int(s[1])>>6 }

type position struct {
	key    short
	offset uint32
}

// writeIndex writes the index of a segment with a size in bytes.
func writeIndex(path string, size int64, offsets map[short]uint32) error {
	sorted := make([]position, 0, len(offsets))
	for k, offset := range offsets {
		sorted = append(sorted, position{k, offset})
	}
	slices.SortFunc(sorted, func(a, b position) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.offset, b.offset))
	})
	var counts [fanoutSize]uint32
	for _, p := range sorted {
		counts[p.key.bucket()]++
	}
	b := make([]byte, 0, indexHead+indexed*len(sorted))
	b = append(b, indexMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	total := uint32(0)
	for _, n := range counts {
		total += n
		b = binary.LittleEndian.AppendUint32(b, total)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc))
	for _, p := range sorted {
		b = append(b, p.key[:]...)
		b = binary.LittleEndian.AppendUint32(b, p.offset)
	}
	return replaceFile(path, b)
}

// index is an open index file.
type index struct {
	file   *os.File
	fanout [fanoutSize]uint32
}

// openIndex opens the index of a segment with a size in bytes.
func openIndex(path string, size int64) (*index, error) {
	f, err := privatefile.Open(path)
	if err != nil {
		return nil, err
	}
	x := &index{file: f}
	info, err := f.Stat()
	if err == nil {
		err = x.readHead(f, info.Size(), size)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

func (x *index) readHead(r io.ReaderAt, length, segment int64) error {
	head := make([]byte, indexHead)
	if _, err := r.ReadAt(head, 0); err != nil {
		return err
	}
	body, sum := head[:indexHead-4], binary.LittleEndian.Uint32(head[indexHead-4:])
	if string(head[:8]) != indexMagic || crc32.Checksum(body, crc) != sum {
		return errDamaged
	}
	before := uint32(0)
	for i := range x.fanout {
		x.fanout[i] = binary.LittleEndian.Uint32(body[16+4*i:])
		if x.fanout[i] < before {
			return errDamaged
		}
		before = x.fanout[i]
	}
	if binary.LittleEndian.Uint64(body[8:]) != uint64(segment) || length != indexHead+indexed*int64(before) || length > maxIndexBytes || segment > math.MaxUint32 {
		return errDamaged
	}
	return nil
}

// find returns the offset of the record that may have the key.
func (x *index) find(r io.ReaderAt, key short) (offset int64, found bool, err error) {
	bucket := key.bucket()
	from, to := uint32(0), x.fanout[bucket]
	if bucket > 0 {
		from = x.fanout[bucket-1]
	}
	if from == to {
		return 0, false, nil
	}
	b := make([]byte, indexed*int(to-from))
	if _, err := r.ReadAt(b, indexHead+indexed*int64(from)); err != nil {
		return 0, false, err
	}
	for ; len(b) > 0; b = b[indexed:] {
		if bytes.Equal(b[:shortSize], key[:]) {
			return int64(binary.LittleEndian.Uint32(b[shortSize:])), true, nil
		}
	}
	return 0, false, nil
}
