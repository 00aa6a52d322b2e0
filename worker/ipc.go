package worker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

const (
	// maxMetadata bounds an Arrow message's metadata: Spark's largest known
	// schemas take some hundred kilobytes.
	maxMetadata = 64 << 20
	// maxRows bounds a batch, whose row count costs the sender nothing where
	// there is no column. Spark's default is 10,000.
	maxRows = 1 << 24
	// maxAllocation bounds one buffer, as a compressed one states its own size.
	maxAllocation = 8 << 30
	// bodyStep is how much of a message's body is believed before it is there.
	bodyStep = 8 << 20
)

// cappedAllocator refuses single allocations that no batch of Spark needs. The
// panic is what Arrow's reader turns into an error.
type cappedAllocator struct{ memory.Allocator }

func (a cappedAllocator) Allocate(size int) []byte {
	checkAllocation(size)
	return a.Allocator.Allocate(size)
}

func (a cappedAllocator) Reallocate(size int, b []byte) []byte {
	checkAllocation(size)
	return a.Allocator.Reallocate(size, b)
}

func checkAllocation(size int) {
	if size > maxAllocation {
		panic(fmt.Errorf("a column of one batch needs %d bytes, more than %d: lower spark.sql.execution.arrow.maxRecordsPerBatch", size, maxAllocation))
	}
}

// messageReader reads Arrow IPC messages. Unlike Arrow's own it tells the end
// of the stream from a connection that broke, and takes memory for a body as
// the body arrives.
type messageReader struct {
	r   io.Reader
	mem memory.Allocator
	msg *ipc.Message
}

func (m *messageReader) Retain()  {}
func (m *messageReader) Release() { m.drop() }

func (m *messageReader) drop() {
	if m.msg != nil {
		m.msg.Release()
		m.msg = nil
	}
}

// Message gives the next message, valid until the next call, or io.EOF at the
// end that the stream itself declares.
func (m *messageReader) Message() (*ipc.Message, error) {
	m.drop()
	const continuation = 0xFFFFFFFF
	var word [4]byte
	if _, err := io.ReadFull(m.r, word[:]); err != nil {
		return nil, fmt.Errorf("the Arrow stream from Spark broke off: %w", cutOff(err))
	}
	n := binary.LittleEndian.Uint32(word[:])
	if n == continuation { // older writers leave it out
		if _, err := io.ReadFull(m.r, word[:]); err != nil {
			return nil, fmt.Errorf("the Arrow stream from Spark broke off in a message's length: %w", cutOff(err))
		}
		n = binary.LittleEndian.Uint32(word[:])
	}
	if n == 0 {
		return nil, io.EOF
	}
	if n < 8 || n > maxMetadata {
		return nil, fmt.Errorf("the Arrow stream from Spark has a message with %d bytes of metadata, expected 8 to %d", n, maxMetadata)
	}
	metadata, err := readGrowing(m.r, int(n))
	if err != nil {
		return nil, fmt.Errorf("the Arrow stream from Spark broke off in a message's metadata: %w", err)
	}
	if err := checkMetadata(metadata); err != nil {
		return nil, err
	}
	meta := memory.NewBufferBytes(metadata)
	defer meta.Release()
	head := ipc.NewMessage(meta, memory.NewBufferBytes(nil)) // only to learn the body's length
	length := head.BodyLen()
	head.Release()
	if length < 0 {
		return nil, fmt.Errorf("the Arrow stream from Spark has a message with a body of %d bytes", length)
	}
	body := memory.NewResizableBuffer(m.mem)
	defer body.Release()
	for read := int64(0); read < length; {
		next := min(length, max(2*read, bodyStep))
		body.Resize(int(next))
		k, err := io.ReadFull(m.r, body.Bytes()[read:next])
		if err != nil {
			return nil, fmt.Errorf("the Arrow stream from Spark broke off after %d of a message's %d bytes: %w", read+int64(k), length, cutOff(err))
		}
		read = next
	}
	m.msg = ipc.NewMessage(meta, body)
	return m.msg, nil
}

// arrowSource reads the batches of one Arrow stream.
type arrowSource struct {
	r   io.Reader
	mem memory.Allocator
	ipc *ipc.Reader
}

// next gives a batch that the caller releases, or io.EOF.
func (s *arrowSource) next() (batch arrow.RecordBatch, err error) {
	defer func() { // Arrow recovers most of what malformed metadata causes, not all
		if r := recover(); r != nil {
			batch, err = nil, fmt.Errorf("malformed Arrow data from Spark: %v", r)
		}
	}()
	if s.ipc == nil {
		s.ipc, err = ipc.NewReaderFromMessageReader(&messageReader{r: s.r, mem: s.mem}, ipc.WithAllocator(s.mem))
		if err != nil {
			return nil, fmt.Errorf("the schema of the Arrow stream from Spark: %w", err)
		}
	}
	batch, err = s.ipc.Read()
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("a batch of the Arrow stream from Spark: %w", err)
	case batch.NumRows() > maxRows:
		return nil, fmt.Errorf("a batch from Spark has %d rows, more than %d: set spark.sql.execution.arrow.maxRecordsPerBatch", batch.NumRows(), maxRows)
	}
	batch.Retain()
	return batch, nil
}

func (s *arrowSource) release() {
	if s.ipc != nil {
		s.ipc.Release()
	}
}

// reply writes the worker's side of a task (see wire.go).
type reply struct {
	w     *bufio.Writer
	shape shape
	mem   memory.Allocator

	mu     sync.Mutex  // results and heartbeats take turns
	writer *ipc.Writer // nil until the first batch
	schema *arrow.Schema
}

// write sends a batch of results; all batches have the columns of the first.
func (r *reply) write(batch arrow.RecordBatch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.send(batch)
}

// send is called with mu held.
func (r *reply) send(batch arrow.RecordBatch) error {
	if r.writer == nil {
		if _, err := r.w.Write(appendInt(nil, startArrowStream)); err != nil {
			return err
		}
		r.schema = batch.Schema()
		r.writer = ipc.NewWriter(r.w, ipc.WithSchema(r.schema), ipc.WithAllocator(r.mem))
	}
	if err := r.writer.Write(batch); err != nil {
		return err
	}
	return r.w.Flush() // Spark's next operator works on it while we compute
}

func (r *reply) endStream() error {
	if r.writer == nil {
		return nil
	}
	err := r.writer.Close()
	r.writer = nil
	return err
}

// times are milliseconds since 1970, and a duration.
type times struct{ boot, init, finish, processing int64 }

// finish ends a task that went well, up to the accumulator updates.
func (r *reply) finish(t times) error {
	if err := r.endStream(); err != nil {
		return err
	}
	b := appendInt(nil, timingData)
	b = appendLong(appendLong(appendLong(b, t.boot), t.init), t.finish)
	if r.shape.processingTime {
		b = appendLong(b, t.processing)
	}
	b = appendLong(appendLong(b, 0), 0) // nothing was spilled
	b = appendInt(appendInt(b, endOfDataSection), 0)
	if _, err := r.w.Write(b); err != nil {
		return err
	}
	return r.w.Flush()
}

// fail ends a task with an error's text.
func (r *reply) fail(text string) error {
	const most = 64 << 10 // a Go stack at its longest; Spark shows all of it
	if len(text) > most {
		text = text[:most] + "\n... (cut)"
	}
	if _, err := r.w.Write(appendText(appendInt(nil, pythonExceptionThrown), text)); err != nil {
		return err
	}
	return r.w.Flush()
}

// abort is fail in the midst of a stream. An Arrow writer that has failed says
// so again when it ends the stream: that is the error being told.
func (r *reply) abort(text string) error {
	_ = r.endStream()
	return r.fail(text)
}
