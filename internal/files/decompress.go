package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/therootcompany/xz"
)

// unxz reads the streams of an xz file in sequence, and verifies their checks.
type unxz struct {
	*xz.Reader
}

// newUnxz returns a reader that refuses a dictionary of more than maxWindow bytes.
func newUnxz(from io.Reader) (unxz, error) {
	// Short chunks keep the position of an error close to its bytes.
	r, err := xz.NewReader(chunks{from}, maxWindow)
	return unxz{r}, explainXZ(err)
}

func (x unxz) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, err := x.Reader.Read(b)
	return n, explainXZ(err)
}

func (unxz) Close() error { return nil }

// explainXZ replaces the library's errors whose cause has a remedy.
func explainXZ(err error) error {
	switch err {
	case xz.ErrMemlimit:
		return fmt.Errorf("its dictionary has more than %d MiB, which reading would hold in memory; compress the file again with xz -9 or less", maxWindow>>20)
	case xz.ErrBuf:
		return io.ErrUnexpectedEOF
	case xz.ErrData:
		return errors.New("the data is damaged; download or copy it again")
	case xz.ErrFormat:
		return errors.New("it is not xz, or other bytes follow the compressed data")
	case xz.ErrOptions:
		return errors.New("it uses a filter that is not supported; compress the file again with xz")
	case xz.ErrUnsupportedCheck:
		return errors.New("it uses a check that is not supported; compress the file again with xz")
	}
	return err
}

// chunks reads 512 bytes at a time, so that where a read ends does not depend on
// where the reads of the source end. It returns io.EOF without bytes: with bytes the
// library takes it for the end and leaves out the streams after the current one.
type chunks struct{ from io.Reader }

func (c chunks) Read(b []byte) (int, error) {
	n, err := io.ReadFull(c.from, b[:min(len(b), 512)])
	if err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}

// detectCompression returns the compression of a file by its first bytes.
func detectCompression(head []byte) compression {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		return gzipped
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return zstded
	case len(head) >= 4 && bytes.HasPrefix(head, []byte("BZh")) && head[3] >= '1' && head[3] <= '9':
		return bzipped
	case bytes.HasPrefix(head, []byte("\xfd7zX")):
		return xzed
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
