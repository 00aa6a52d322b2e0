package worker

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/udf"
)

// beatEvery is how often a computing task sends Spark a batch without rows. A
// Spark task that waits for its worker does not look whether it has been
// cancelled: its monitor does, every 2 s, and then waits for another 2 s. A
// batch wakes it at once. It also shows that the worker is alive, which Spark
// 4.1 and later may ask for (spark.python.worker.killOnIdleTimeout).
const beatEvery = 250 * time.Millisecond

// beat sends empty batches until the function it returns is called, which
// waits for the last. The task must have types to declare, or have sent a
// batch: Arrow's stream begins with them. Aggregates go without: Spark takes
// every batch to have a group's row.
func beat(t *task, out *reply) (stop func()) {
	if t.kind == udf.KindAggregate {
		return func() {}
	}
	declared := t.declared()
	return every(beatEvery, func() bool {
		// What cannot be sent shows itself when results are.
		_ = out.beat(declared)
		return true
	})
}

// declared is the schema of the results, or nil if only they can tell.
func (t *task) declared() *arrow.Schema {
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

// beat sends a batch without rows, if the types of its columns are known.
func (r *reply) beat(declared *arrow.Schema) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.schema == nil {
		r.schema = declared
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
