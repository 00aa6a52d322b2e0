package files

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// detectCompression returns the compression of a file by its first bytes.
func detectCompression(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		return gzipped
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return zstded
	case len(head) >= 4 && bytes.HasPrefix(head, []byte("BZh")) && head[3] >= '1' && head[3] <= '9':
		return bzipped
	}
	return ""
}

// gunzip reads the members of a gzip file in sequence. It accepts zeros between and
// after them, which tapes and block devices add.
type gunzip struct {
	from *bufio.Reader
	*gzip.Reader
}

func newGunzip(from *bufio.Reader) (*gunzip, error) {
	r, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	r.Multistream(false)
	return &gunzip{from, r}, nil
}

func (g *gunzip) Read(b []byte) (int, error) {
	for {
		n, err := g.Reader.Read(b)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil // the next read returns the end of the member again
		}
		if err := g.member(); err != nil {
			return 0, err
		}
	}
}

// member starts the next member, or returns io.EOF after the last.
func (g *gunzip) member() error {
	for {
		b, err := g.from.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			break
		}
	}
	g.from.UnreadByte() // it was read
	if head, _ := g.from.Peek(2); !bytes.HasPrefix([]byte("\x1f\x8b"), head) {
		return errors.New("bytes that are not gzip follow the compressed data")
	}
	if err := g.Reset(g.from); err == io.EOF {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	g.Multistream(false)
	return nil
}
