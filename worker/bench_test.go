package worker

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
)

// BenchmarkTask runs a task over a socket: 100 batches of 10,000 short rows,
// Spark's default size, with functions that need no model. The fake Spark does
// not decode the reply, so that the time is that of the worker and the socket.
func BenchmarkTask(b *testing.B) {
	const batches, rows = 100, 10_000
	texts := make([]any, rows)
	for i := range texts {
		texts[i] = fmt.Sprintf("a short row %d", i)
	}
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range rows {
		numbers.Append(int64(i))
	}
	text, number := textBatch(texts...), batchOf(numbers.NewArray())
	for _, c := range []struct {
		name    string
		network string
		batch   arrow.RecordBatch
		command bundle.Command
	}{
		{"echo/text/tcp", "tcp", text, hostCall(bundle.Echo)},
		{"echo/text/unix", "unix", text, hostCall(bundle.Echo)},
		{"echo/number/tcp", "tcp", number, hostCall(bundle.Echo)},
		{"ai_gen/tcp", "tcp", text, bundle.Command{Kind: bundle.AI, Function: "ai_gen"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			input := make([]arrow.RecordBatch, batches)
			for i := range input {
				input[i] = c.batch
			}
			stream := arrowBytes(b, c.batch.Schema(), input...)
			root, m := install(b, "4.3.0", "fine")
			f := serveProcess(b, "4.3.0", m.Models, root)
			f.network = c.network
			f.mem = memory.DefaultAllocator // as in a real process
			s := f.connect(b, "4.3.0")
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				_ = s.conn.SetDeadline(time.Now().Add(30 * time.Second))
				s.start(ask(c.command, 0), stream)
				if n := s.countBatches(); n != batches {
					b.Fatalf("the reply has %d batches", n)
				}
			}
			b.ReportMetric(float64(batches*rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			s.conn.Close()
		})
	}
}
