package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	// maxMetadata bounds a message's metadata in bytes. The largest schemas seen
	// from Spark take some hundred kilobytes.
	maxMetadata = 16 << 20
	// firstAllocation is the largest number of bytes allocated for a message
	// before any of them has arrived.
	firstAllocation = 8 << 20
)

// messages implements ipc.MessageReader for Arrow's reader and checks each
// message. Unlike Arrow's own message reader it distinguishes the declared end
// of a stream from a broken connection, and it allocates memory for a message
// as the message arrives.
type messages struct {
	Options
	r            io.Reader
	count        int // of messages returned
	schema       schema
	decompressed int64 // bytes of their compressed buffers, decompressed
	current      *ipc.Message
	err          error // sticky; io.EOF at the end of the stream
}

func (m *messages) Retain()  {}
func (m *messages) Release() { m.drop() }

func (m *messages) drop() {
	if m.current != nil {
		m.current.Release()
		m.current = nil
	}
}

// Message returns the next message, which is valid until the next call, or
// io.EOF.
func (m *messages) Message() (*ipc.Message, error) {
	m.drop()
	if m.err != nil {
		return nil, m.err
	}
	if m.current, m.err = m.next(); m.err != nil {
		if m.err != io.EOF {
			m.err = fmt.Errorf("message %d: %w", m.count, m.err)
		}
		return nil, m.err
	}
	m.count++
	return m.current, nil
}

func (m *messages) next() (*ipc.Message, error) {
	n, err := m.metadataLength()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		if m.count == 0 {
			return nil, errors.New("the stream ends before its schema")
		}
		return nil, io.EOF
	}
	if n < 8 || n > maxMetadata {
		return nil, fmt.Errorf("its metadata has %d bytes, expected 8 to %d", n, maxMetadata)
	}
	metadata, err := m.read("metadata", n)
	if err != nil {
		return nil, err
	}
	defer metadata.Release()
	m.schema.any = m.AnyTypes
	h, err := checkMetadata(metadata.Bytes(), m.count == 0, &m.schema)
	if err != nil {
		return nil, err
	}
	if h.rows < 0 || h.rows > m.MaxRows {
		return nil, fmt.Errorf("the batch has %d rows, expected 0 to %d: %s", h.rows, m.MaxRows, m.fewerRows())
	}
	if h.body < 0 || h.body > maxBatch {
		return nil, fmt.Errorf("its body has %d bytes, expected 0 to %d: %s", h.body, int64(maxBatch), m.fewerRows())
	}
	body, err := m.read("body", h.body)
	if err != nil {
		return nil, err
	}
	defer body.Release()
	decompressed, err := h.checkBody(body.Bytes())
	if err != nil {
		var large *tooLargeError
		if errors.As(err, &large) {
			err = fmt.Errorf("%w: %s", err, m.fewerRows())
		}
		return nil, err
	}
	if m.decompressed += decompressed; m.MaxDecompressed != 0 && m.decompressed > m.MaxDecompressed {
		return nil, fmt.Errorf("the batches so far decompress to %d bytes, more than %d: %s", m.decompressed, m.MaxDecompressed, m.fewerRows())
	}
	return ipc.NewMessage(metadata, body), nil
}

// fewerRows says how to make smaller batches.
func (m *messages) fewerRows() string {
	if m.AnyTypes {
		return "write the table in batches of fewer rows"
	}
	return "set spark.sql.execution.arrow.maxRecordsPerBatch to a lower number above 0"
}

// metadataLength reads the length of the next message's metadata. It is 0 at
// the end of the stream.
func (m *messages) metadataLength() (int64, error) {
	const continuation = 0xFFFFFFFF
	var word [4]byte
	if _, err := io.ReadFull(m.r, word[:]); err == io.EOF && m.OpenEnd {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("the stream ends before it: %w", unexpectedEOF(err))
	}
	if binary.LittleEndian.Uint32(word[:]) == continuation {
		if _, err := io.ReadFull(m.r, word[:]); err != nil {
			return 0, fmt.Errorf("the stream ends inside its length: %w", unexpectedEOF(err))
		}
	}
	return int64(binary.LittleEndian.Uint32(word[:])), nil
}

// read reads n bytes into a buffer that grows as the bytes arrive.
func (m *messages) read(part string, n int64) (*memory.Buffer, error) {
	b := memory.NewResizableBuffer(m.Allocator)
	for have := int64(0); have < n; {
		next := min(n, max(2*have, firstAllocation))
		b.Resize(int(next))
		k, err := io.ReadFull(m.r, b.Bytes()[have:next])
		if err != nil {
			b.Release()
			return nil, fmt.Errorf("the stream ends after %d of the %d bytes of its %s: %w", have+int64(k), n, part, unexpectedEOF(err))
		}
		have = next
	}
	return b, nil
}

// unexpectedEOF replaces io.EOF, which callers take for the proper end of the
// stream, by io.ErrUnexpectedEOF.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
