package worker

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/udf"
)

// heartbeatInterval is the time between two empty batches that a computing task
// sends to Spark. A Spark task that waits for its worker does not check whether
// it has been cancelled. Spark's monitor checks every 2 s and then waits another
// 2 s. A batch lets the task check at once. It also shows that the worker is
// alive, which Spark 4.1 and later may require
// (spark.python.worker.killOnIdleTimeout).
const heartbeatInterval = 250 * time.Millisecond

// startHeartbeat sends empty batches until stop is called; stop waits for the
// last one. It sends nothing until the types of the results are known, because
// an Arrow stream begins with its schema, and nothing for aggregates, because
// Spark expects a row of a group in every batch.
func startHeartbeat(t *task, out *reply) (stop func()) {
	if t.kind == udf.KindAggregate {
		return func() {}
	}
	schema := t.resultSchema()
	return repeat(heartbeatInterval, func() bool {
		_ = out.writeEmpty(schema) // writing the results reports the same error
		return true
	})
}

// resultSchema returns the schema of the results, or nil if it is known only
// from the first result.
func (t *task) resultSchema() *arrow.Schema {
	fields := make([]arrow.Field, len(t.columns))
	for i, c := range t.columns {
		of := c.last().returns(&t.scope)
		if of == nil {
			return nil
		}
		fields[i] = resultField(i, of)
	}
	return arrow.NewSchema(fields, nil)
}

// writeEmpty sends a batch without rows. schema may be nil; then it sends
// nothing before the first result.
func (r *reply) writeEmpty(schema *arrow.Schema) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.schema == nil {
		r.schema = schema
	}
	if r.schema == nil {
		return nil
	}
	b := array.NewRecordBuilder(r.mem, r.schema)
	defer b.Release()
	empty := b.NewRecordBatch()
	defer empty.Release()
	return r.send(empty)
}
