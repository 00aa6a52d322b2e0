package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"time"
)

// A ledger is a directory of segments, NNNNNNNN.log. A segment is a sequence of
// records. Numbers are little-endian.
//
//	magic     4 bytes: "\xf5FS1"
//	length    uint32, length of the body
//	checksum  uint32, CRC-32C of length and body
//	body:
//	  key       32 bytes
//	  time      int64, microseconds since 1970
//	  function  uint16 length, text
//	  model     uint16 length, text
//	  answer    the remaining bytes
//
// Bytes that are not a valid record are skipped up to the next valid one. Such
// bytes at the end of a segment are left by a crash and are truncated when the
// segment is written again.
var magic = [4]byte{0xf5, 'F', 'S', '1'}

const (
	headSize = 12
	bodySize = keySize + 8 + 2 + 2 // smallest body
	// maxBody is the largest length of a body that is accepted.
	maxBody = 16 << 20
)

var crc = crc32.MakeTable(crc32.Castagnoli)

// fits reports whether an entry is small enough for a record.
func fits(e *Entry) bool {
	const most = 1<<16 - 1
	return len(e.Function) <= most && len(e.Model) <= most && len(e.Answer) <= maxBody-bodySize-2*most
}

// appendRecord appends the record of an entry that fits.
func appendRecord(b []byte, e *Entry) []byte {
	start := len(b)
	b = append(b, magic[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(bodySize+len(e.Function)+len(e.Model)+len(e.Answer)))
	b = append(b, 0, 0, 0, 0)
	b = append(b, e.Key[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.UnixMicro()))
	for _, s := range []string{e.Function, e.Model} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	b = append(b, e.Answer...)
	binary.LittleEndian.PutUint32(b[start+8:], checksum(b[start:]))
	return b
}

// checksum returns the CRC-32C of a record's length and body.
func checksum(record []byte) uint32 {
	sum := crc32.Update(0, crc, record[4:8])
	return crc32.Update(sum, crc, record[headSize:])
}

var errDamaged = errors.New("invalid record")

// recordSize returns the size of the record with a head, or errDamaged.
func recordSize(head []byte) (int, error) {
	if !bytes.Equal(head[:4], magic[:]) {
		return 0, errDamaged
	}
	body := binary.LittleEndian.Uint32(head[4:])
	if body < bodySize || body > maxBody {
		return 0, errDamaged
	}
	return headSize + int(body), nil
}

// readRecord parses a whole record. The answer of the entry refers to b.
func readRecord(b []byte) (e Entry, err error) {
	if binary.LittleEndian.Uint32(b[8:]) != checksum(b) {
		return e, errDamaged
	}
	b = b[headSize:]
	copy(e.Key[:], b)
	e.Time = time.UnixMicro(int64(binary.LittleEndian.Uint64(b[keySize:]))).UTC()
	b = b[keySize+8:]
	for _, s := range []*string{&e.Function, &e.Model} {
		if len(b) < 2 {
			return e, errDamaged
		}
		n := int(binary.LittleEndian.Uint16(b))
		if len(b) < 2+n {
			return e, errDamaged
		}
		*s, b = string(b[2:2+n]), b[2+n:]
	}
	e.Answer = b
	return e, nil
}

// readAt reads the record at an offset of a segment into new memory.
func readAt(r io.ReaderAt, offset int64) (Entry, error) {
	b := make([]byte, 512) // most records fit
	n, err := r.ReadAt(b, offset)
	if err != nil && err != io.EOF {
		return Entry{}, err
	}
	if n < headSize {
		return Entry{}, errDamaged
	}
	size, err := recordSize(b)
	if err != nil {
		return Entry{}, err
	}
	if size > n {
		if n < len(b) {
			return Entry{}, errDamaged // end of file
		}
		b = make([]byte, size)
		if _, err := r.ReadAt(b, offset); err == io.EOF {
			return Entry{}, errDamaged
		} else if err != nil {
			return Entry{}, err
		}
	}
	return readRecord(b[:size])
}
