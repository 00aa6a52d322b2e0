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

// write sends a batch of results. All batches have the schema of the first.
func (r *reply) write(batch arrow.RecordBatch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.send(batch)
}

// send writes a batch; mu is held.
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
	return r.w.Flush() // so that Spark processes it while the next one is computed
}

func (r *reply) endStream() error {
	if r.writer == nil {
		return nil
	}
	err := r.writer.Close()
	r.writer = nil
	return err
}

// times holds the timing section: boot, init and finish in milliseconds since
// 1970, and the duration of processing in milliseconds.
type times struct{ boot, init, finish, processing int64 }

// finish ends a successful task: it writes the reply up to the accumulator
// updates.
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

// fail ends a task with the text of an error.
func (r *reply) fail(text string) error {
	const limit = 64 << 10 // bytes; Spark shows the whole text, which may hold a stack trace
	if len(text) > limit {
		text = text[:limit] + "\n... (cut)"
	}
	if _, err := r.w.Write(appendText(appendInt(nil, pythonExceptionThrown), text)); err != nil {
		return err
	}
	return r.w.Flush()
}

// abort ends the Arrow stream, if it has begun, and then fails. It ignores the
// error of a failed Arrow writer, which is the error that the text reports.
func (r *reply) abort(text string) error {
	_ = r.endStream()
	return r.fail(text)
}
