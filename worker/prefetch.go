package worker

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/arrowipc"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/udf"
)

// maxRows bounds a batch that Spark sends; its default is 10,000.
const maxRows = 1 << 24

// framing says how a task's batches come.
type framing int

const (
	oneStream    framing = iota
	batchGroups          // one stream, of which each batch is a group
	streamGroups         // a stream for each group
)

// framingOf a kind of function, as a layout has it.
func framingOf(k udf.Kind, s shape) framing {
	switch {
	case k != udf.KindAggregate:
		return oneStream
	case s.groupStreams:
		return streamGroups
	}
	return batchGroups
}

// prefetcher reads one batch ahead, so that Spark's writing and our computing
// overlap, and no more: batches wait in Spark, not in our memory.
type prefetcher struct {
	batches chan arrow.RecordBatch // unbuffered: the batch ahead waits in its sender; nil ends a group
	stop    context.CancelFunc
	done    chan struct{} // closed when reading has ended; err is set then
	err     error         // io.EOF after the last batch
}

// prefetch reads what Spark sends, up to its declared end.
func prefetch(ctx context.Context, r io.Reader, f framing, mem memory.Allocator) *prefetcher {
	ctx, stop := context.WithCancel(ctx)
	p := &prefetcher{batches: make(chan arrow.RecordBatch), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		defer panics.Catch(&p.err, "reading what Spark sends")
		if f == streamGroups {
			p.err = p.readGroups(ctx, r, mem)
		} else {
			p.err = p.readStream(ctx, r, f, mem)
		}
	}()
	return p
}

// readGroups reads a stream for each group.
func (p *prefetcher) readGroups(ctx context.Context, r io.Reader, mem memory.Allocator) error {
	for {
		d := &wireReader{r: r}
		switch n := d.int("number of streams in a group"); {
		case d.err != nil:
			return d.err
		case n == 0:
			return io.EOF
		case n != 1:
			return fmt.Errorf("Spark sends a group as %d streams, not as 1", n)
		}
		if err := p.readStream(ctx, r, streamGroups, mem); err != io.EOF {
			return err
		}
		if err := p.give(ctx, nil); err != nil {
			return err
		}
	}
}

// readStream gives io.EOF after the stream's end.
func (p *prefetcher) readStream(ctx context.Context, r io.Reader, f framing, mem memory.Allocator) error {
	in := arrowipc.NewReader(r, arrowipc.Options{Allocator: mem, MaxRows: maxRows})
	defer in.Release()
	for {
		batch, err := in.Next()
		if err == io.EOF {
			return err
		}
		if err != nil {
			return fmt.Errorf("the Arrow stream from Spark: %w", err)
		}
		if err := p.give(ctx, batch); err != nil {
			batch.Release()
			return err
		}
		if f == batchGroups {
			if err := p.give(ctx, nil); err != nil {
				return err
			}
		}
	}
}

func (p *prefetcher) give(ctx context.Context, batch arrow.RecordBatch) error {
	select {
	case p.batches <- batch:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *prefetcher) next(ctx context.Context) (arrow.RecordBatch, error) {
	select {
	case batch := <-p.batches:
		if batch == nil {
			return nil, errEndOfGroup
		}
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
