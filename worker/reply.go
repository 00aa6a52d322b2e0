package worker

import (
	"bufio"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

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
