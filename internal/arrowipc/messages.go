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
	// maxMetadata bounds a message's metadata in bytes: Spark's largest known
	// schemas take some hundred kilobytes.
	maxMetadata = 16 << 20
	// trusted is how many bytes are believed to come before they are there.
	trusted = 8 << 20
)

// messages is the checked source of Arrow's reader (an ipc.MessageReader).
// Unlike Arrow's own it tells the declared end of a stream from a connection
// that broke, and takes memory for a message as the message arrives.
type messages struct {
	Options
	r        io.Reader
	count    int // of the messages given
	schema   schema
	unpacked int64 // what their buffers unpack to, in bytes
	current  *ipc.Message
	err      error // what ended the stream
}

func (m *messages) Retain()  {}
func (m *messages) Release() { m.drop() }

func (m *messages) drop() {
	if m.current != nil {
		m.current.Release()
		m.current = nil
	}
}

// Message gives the next message, valid until the next call, or io.EOF.
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
	h, err := checkMetadata(metadata.Bytes(), m.count == 0, &m.schema)
	if err != nil {
		return nil, err
	}
	if h.rows < 0 || h.rows > m.MaxRows {
		return nil, fmt.Errorf("the batch has %d rows, expected 0 to %d: %s", h.rows, m.MaxRows, lowerRows)
	}
	if h.body < 0 || h.body > maxBatch {
		return nil, fmt.Errorf("its body has %d bytes, expected 0 to %d: %s", h.body, int64(maxBatch), lowerRows)
	}
	body, err := m.read("body", h.body)
	if err != nil {
		return nil, err
	}
	defer body.Release()
	unpacked, err := h.checkBody(body.Bytes())
	if err != nil {
		return nil, err
	}
	if m.unpacked += unpacked; m.MaxUnpacked != 0 && m.unpacked > m.MaxUnpacked {
		return nil, fmt.Errorf("the batches so far unpack to %d bytes, more than %d: %s", m.unpacked, m.MaxUnpacked, lowerRows)
	}
	return ipc.NewMessage(metadata, body), nil
}

// metadataLength gives 0 at the end of the stream.
func (m *messages) metadataLength() (int64, error) {
	const continuation = 0xFFFFFFFF
	var word [4]byte
	if _, err := io.ReadFull(m.r, word[:]); err == io.EOF && m.OpenEnd {
		return 0, nil
	} else if err != nil {
		return 0, fmt.Errorf("the stream breaks off before it: %w", cutOff(err))
	}
	if binary.LittleEndian.Uint32(word[:]) == continuation {
		if _, err := io.ReadFull(m.r, word[:]); err != nil {
			return 0, fmt.Errorf("the stream breaks off in its length: %w", cutOff(err))
		}
	}
	return int64(binary.LittleEndian.Uint32(word[:])), nil
}

// read takes n bytes into memory that grows with what has arrived.
func (m *messages) read(part string, n int64) (*memory.Buffer, error) {
	b := memory.NewResizableBuffer(m.Allocator)
	for have := int64(0); have < n; {
		next := min(n, max(2*have, trusted))
		b.Resize(int(next))
		k, err := io.ReadFull(m.r, b.Bytes()[have:next])
		if err != nil {
			b.Release()
			return nil, fmt.Errorf("the stream breaks off after %d of the %d bytes of its %s: %w", have+int64(k), n, part, cutOff(err))
		}
		have = next
	}
	return b, nil
}

// cutOff turns a plain end of input, where more was promised, into an error
// that cannot be taken for a proper end.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
