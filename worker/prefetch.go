package worker

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/arrowipc"
)

// maxRows bounds a batch that Spark sends; its default is 10,000.
const maxRows = 1 << 24

// prefetcher reads one batch ahead, so that Spark's writing and our computing
// overlap, and no more: batches wait in Spark, not in our memory.
type prefetcher struct {
	batches chan arrow.RecordBatch // unbuffered: the batch ahead waits in its sender
	stop    context.CancelFunc
	done    chan struct{} // closed when reading has ended; err is set then
	err     error         // io.EOF after the last batch
}

// prefetch reads the Arrow stream that Spark sends, up to its declared end.
func prefetch(ctx context.Context, r io.Reader, mem memory.Allocator) *prefetcher {
	ctx, stop := context.WithCancel(ctx)
	p := &prefetcher{batches: make(chan arrow.RecordBatch), stop: stop, done: make(chan struct{})}
	go p.read(ctx, arrowipc.NewReader(r, arrowipc.Options{Allocator: mem, MaxRows: maxRows}))
	return p
}

func (p *prefetcher) read(ctx context.Context, in *arrowipc.Reader) {
	defer close(p.done)
	defer in.Release()
	for {
		batch, err := in.Next()
		if err != nil {
			if p.err = err; err != io.EOF {
				p.err = fmt.Errorf("the Arrow stream from Spark: %w", err)
			}
			return
		}
		select {
		case p.batches <- batch:
		case <-ctx.Done():
			batch.Release()
			p.err = context.Cause(ctx)
			return
		}
	}
}

func (p *prefetcher) next(ctx context.Context) (arrow.RecordBatch, error) {
	select {
	case batch := <-p.batches:
		return batch, nil
	case <-p.done:
		return nil, p.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// end stops reading and waits for it. After a failure that may take until
// Spark closes the connection, or sends what it had begun to send.
func (p *prefetcher) end() {
	p.stop()
	<-p.done
}
