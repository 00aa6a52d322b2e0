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

// maxRows bounds the rows of a batch from Spark, whose default is 10,000.
const maxRows = 1 << 24

// framing is the way in which Spark groups the batches of a task.
type framing int

const (
	oneStream    framing = iota
	batchGroups          // one stream, of which each batch is a group
	streamGroups         // a stream for each group
)

// framingOf returns the framing of a kind of function in a layout.
func framingOf(k udf.Kind, s shape) framing {
	switch {
	case k != udf.KindAggregate:
		return oneStream
	case s.groupStreams:
		return streamGroups
	}
	return batchGroups
}

// prefetcher reads one batch ahead, so that Spark writes while the worker
// computes. It reads no further, to bound the worker's memory.
type prefetcher struct {
	batches chan arrow.RecordBatch // unbuffered: its sender holds the next batch; nil ends a group
	stop    context.CancelFunc
	done    chan struct{} // closed at the end of reading, after err is set
	err     error         // io.EOF after the last batch
}

// prefetch starts to read a task's batches from r, up to their declared end.
func prefetch(ctx context.Context, r io.Reader, f framing, mem memory.Allocator) *prefetcher {
	ctx, stop := context.WithCancel(ctx)
	p := &prefetcher{batches: make(chan arrow.RecordBatch), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		defer panics.Catch(&p.err, "reading batches from Spark")
		if f == streamGroups {
			p.err = p.readGroups(ctx, r, mem)
		} else {
			p.err = p.readStream(ctx, r, f, mem)
		}
	}()
	return p
}

// readGroups reads one stream for each group, and returns io.EOF after the last.
func (p *prefetcher) readGroups(ctx context.Context, r io.Reader, mem memory.Allocator) error {
	for {
		d := &wireReader{r: r}
		switch n := d.int("number of streams in a group"); {
		case d.err != nil:
			return d.err
		case n == 0:
			return io.EOF
		case n != 1:
			return fmt.Errorf("input from Spark: a group has %d streams, expected 1", n)
		}
		if err := p.readStream(ctx, r, streamGroups, mem); err != io.EOF {
			return err
		}
		if err := p.send(ctx, nil); err != nil {
			return err
		}
	}
}

// readStream reads one stream, and returns io.EOF after its end.
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
		if err := p.send(ctx, batch); err != nil {
			batch.Release()
			return err
		}
		if f == batchGroups {
			if err := p.send(ctx, nil); err != nil {
				return err
			}
		}
	}
}

func (p *prefetcher) send(ctx context.Context, batch arrow.RecordBatch) error {
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

// end stops reading and waits until it has stopped. After a failure that is when
// Spark closes the connection or completes the batch that it sends.
func (p *prefetcher) end() {
	p.stop()
	<-p.done
}
