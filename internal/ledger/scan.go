package ledger

import (
	"bytes"
	"io"
)

// window reads a file through a buffer that moves forward.
type window struct {
	r    io.ReaderAt
	size int64
	from int64 // offset of buf
	buf  []byte
}

const windowBytes = 1 << 20

// at returns n bytes at an offset, or fewer at the end of the file. They are
// valid until the next call.
func (w *window) at(offset int64, n int) ([]byte, error) {
	n = int(min(int64(n), w.size-offset))
	if offset < w.from || offset+int64(n) > w.from+int64(len(w.buf)) {
		fill := int(min(int64(max(n, windowBytes)), w.size-offset))
		if cap(w.buf) < fill {
			w.buf = make([]byte, fill)
		}
		w.buf = w.buf[:fill]
		w.from = offset
		if _, err := w.r.ReadAt(w.buf, offset); err != nil {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	return w.buf[offset-w.from:][:n], nil
}

// scanned is the result of a scan.
type scanned struct {
	end     int64 // end of the last valid record
	damaged int64 // bytes before end that are not records
}

// scan calls each with the offset and entry of every valid record. The answer of
// an entry is valid until each returns.
func scan(r io.ReaderAt, size int64, each func(offset int64, e Entry) error) (s scanned, err error) {
	return scanFrom(r, 0, size, each)
}

// scanFrom is scan from an offset on.
func scanFrom(r io.ReaderAt, from, size int64, each func(offset int64, e Entry) error) (s scanned, err error) {
	w := &window{r: r, size: size}
	s.end = from
	for offset := from; offset < size; {
		e, n, err := w.record(offset)
		if err == errDamaged {
			if offset, err = w.seek(offset + 1); err != nil {
				return s, err
			}
			continue
		}
		if err != nil {
			return s, err
		}
		if err := each(offset, e); err != nil {
			return s, err
		}
		s.damaged += offset - s.end
		offset += int64(n)
		s.end = offset
	}
	return s, nil
}

func (w *window) record(offset int64) (e Entry, n int, err error) {
	head, err := w.at(offset, headSize)
	if err != nil {
		return e, 0, err
	}
	if len(head) < headSize {
		return e, 0, errDamaged
	}
	if n, err = recordSize(head); err != nil {
		return e, 0, err
	}
	b, err := w.at(offset, n)
	if err != nil {
		return e, 0, err
	}
	if len(b) < n {
		return e, 0, errDamaged
	}
	e, err = readRecord(b)
	return e, n, err
}

// seek returns the offset of the next magic number, or the size of the file.
func (w *window) seek(offset int64) (int64, error) {
	for offset < w.size {
		b, err := w.at(offset, windowBytes)
		if err != nil {
			return 0, err
		}
		if i := bytes.Index(b, magic[:]); i >= 0 {
			return offset + int64(i), nil
		}
		if len(b) < len(magic) {
			break
		}
		offset += int64(len(b) - len(magic) + 1)
	}
	return w.size, nil
}
