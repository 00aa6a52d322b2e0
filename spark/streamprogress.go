package spark

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"
)

// StreamingQueryProgress tells of one batch of a streaming query.
type StreamingQueryProgress struct {
	ID    string `json:"id"`
	RunID string `json:"runId"`
	Name  string `json:"name"`
	// Timestamp is when the batch began.
	Timestamp time.Time `json:"timestamp"`
	BatchID   int64     `json:"batchId"`
	// BatchDuration is in milliseconds.
	BatchDuration int64 `json:"batchDuration"`
	// The next three are the sums over Sources.
	NumInputRows           int64   `json:"-"`
	InputRowsPerSecond     float64 `json:"-"`
	ProcessedRowsPerSecond float64 `json:"-"`
	// DurationMS has the parts of the batch, such as addBatch, in milliseconds.
	DurationMS map[string]int64 `json:"durationMs"`
	Sources    []SourceProgress `json:"sources"`
	Sink       SinkProgress     `json:"sink"`
	// JSON is all that the server says.
	JSON string `json:"-"`
}

// SourceProgress tells what a batch read. Offsets are as the source writes them.
type SourceProgress struct {
	Description  string          `json:"description"`
	StartOffset  json.RawMessage `json:"startOffset"`
	EndOffset    json.RawMessage `json:"endOffset"`
	NumInputRows int64           `json:"numInputRows"`
	// The rates are 0 where Spark gives none.
	InputRowsPerSecond     float64 `json:"inputRowsPerSecond"`
	ProcessedRowsPerSecond float64 `json:"processedRowsPerSecond"`
}

// SinkProgress tells what a batch wrote; NumOutputRows is -1 if the sink does not
// count.
type SinkProgress struct {
	Description   string `json:"description"`
	NumOutputRows int64  `json:"numOutputRows"`
}

func readProgress(text string) (StreamingQueryProgress, error) {
	p := StreamingQueryProgress{JSON: text}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("the server's report of its progress cannot be read: %w", err)
	}
	for _, s := range p.Sources {
		p.NumInputRows += s.NumInputRows
		p.InputRowsPerSecond += s.InputRowsPerSecond
		p.ProcessedRowsPerSecond += s.ProcessedRowsPerSecond
	}
	return p, nil
}

// followStep is how long after its end a batch is told of, at most.
const followStep = 2 * time.Second

// Follow gives the progress of each batch, soon after its end, until the query
// ends: those first that had ended before, as far as the server keeps them
// (spark.sql.streaming.numRecentProgressUpdates). The error that ended the
// query, or that ended ctx, is the last thing given. Neither that nor leaving
// the loop early stops the query.
func (q *StreamingQuery) Follow(ctx context.Context) iter.Seq2[StreamingQueryProgress, error] {
	return func(yield func(StreamingQueryProgress, error) bool) {
		last := int64(-1)
		for ended := false; !ended; {
			var err error
			var news []StreamingQueryProgress
			if ended, err = q.AwaitTerminationFor(ctx, followStep); err == nil {
				news, err = q.since(ctx, last)
			}
			for _, p := range news {
				if last = p.BatchID; !yield(p, nil) {
					return
				}
			}
			if err != nil {
				yield(StreamingQueryProgress{}, err)
				return
			}
		}
	}
}

// since gives the batches after last. It asks for all that the server keeps
// only if there is any such.
func (q *StreamingQuery) since(ctx context.Context, last int64) ([]StreamingQueryProgress, error) {
	if p, err := q.LastProgress(ctx); err != nil || p == nil || p.BatchID <= last {
		return nil, err
	}
	all, err := q.RecentProgress(ctx)
	return slices.DeleteFunc(all, func(p StreamingQueryProgress) bool { return p.BatchID <= last }), err
}
