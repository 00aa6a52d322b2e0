package worker

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
)

// prefetcher reads one batch ahead, so that Spark's writing and our computing
// overlap, and no more: batches wait in Spark, not in our memory.
type prefetcher struct {
	batches chan arrow.RecordBatch // unbuffered: the batch ahead waits in its sender
	stop    context.CancelFunc
	done    chan struct{} // closed when reading has ended; err is set then
	err     error         // io.EOF after the last batch
}

func prefetch(ctx context.Context, in *arrowSource) *prefetcher {
	ctx, stop := context.WithCancel(ctx)
	p := &prefetcher{batches: make(chan arrow.RecordBatch), stop: stop, done: make(chan struct{})}
	go p.read(ctx, in)
	return p
}

func (p *prefetcher) read(ctx context.Context, in *arrowSource) {
	defer close(p.done)
	defer in.release()
	for {
		batch, err := in.next()
		if err != nil {
			p.err = err
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
