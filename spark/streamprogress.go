package spark

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"
)

// StreamingQueryProgress describes one batch of a streaming query.
type StreamingQueryProgress struct {
	ID    string `json:"id"`
	RunID string `json:"runId"`
	Name  string `json:"name"`
	// Timestamp is the time at which the batch began.
	Timestamp time.Time `json:"timestamp"`
	BatchID   int64     `json:"batchId"`
	// BatchDuration is in milliseconds.
	BatchDuration int64 `json:"batchDuration"`
	// The next three fields are sums over Sources.
	NumInputRows           int64   `json:"-"`
	InputRowsPerSecond     float64 `json:"-"`
	ProcessedRowsPerSecond float64 `json:"-"`
	// DurationMS maps the phases of the batch, such as addBatch, to milliseconds.
	DurationMS map[string]int64 `json:"durationMs"`
	Sources    []SourceProgress `json:"sources"`
	Sink       SinkProgress     `json:"sink"`
	// JSON is the server's complete report.
	JSON string `json:"-"`
}

// SourceProgress describes what a batch read from a source. Offsets have the
// source's own format.
type SourceProgress struct {
	Description  string          `json:"description"`
	StartOffset  json.RawMessage `json:"startOffset"`
	EndOffset    json.RawMessage `json:"endOffset"`
	NumInputRows int64           `json:"numInputRows"`
	// The rates are 0 if Spark reports none.
	InputRowsPerSecond     float64 `json:"inputRowsPerSecond"`
	ProcessedRowsPerSecond float64 `json:"processedRowsPerSecond"`
}

// SinkProgress describes what a batch wrote. NumOutputRows is -1 if the sink does
// not count rows.
type SinkProgress struct {
	Description   string `json:"description"`
	NumOutputRows int64  `json:"numOutputRows"`
}

func readProgress(text string) (StreamingQueryProgress, error) {
	p := StreamingQueryProgress{JSON: text}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("the server's progress report is malformed: %w", err)
	}
	for _, s := range p.Sources {
		p.NumInputRows += s.NumInputRows
		p.InputRowsPerSecond += s.InputRowsPerSecond
		p.ProcessedRowsPerSecond += s.ProcessedRowsPerSecond
	}
	return p, nil
}

// followInterval bounds the time between the end of a batch and its report by
// Follow.
const followInterval = 2 * time.Second

// Follow yields the progress of each batch soon after its end, until the query
// ends. It starts with the earlier batches that the server stores
// (spark.sql.streaming.numRecentProgressUpdates). If the query fails or ctx ends,
// it yields the error last. Neither an error nor leaving the loop stops the
// query.
func (q *StreamingQuery) Follow(ctx context.Context) iter.Seq2[StreamingQueryProgress, error] {
	return func(yield func(StreamingQueryProgress, error) bool) {
		last := int64(-1)
		for ended := false; !ended; {
			var err error
			var news []StreamingQueryProgress
			if ended, err = q.AwaitTerminationFor(ctx, followInterval); err == nil {
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

// since returns the batches after last. It requests all stored batches only if
// there is a new one.
func (q *StreamingQuery) since(ctx context.Context, last int64) ([]StreamingQueryProgress, error) {
	if p, err := q.LastProgress(ctx); err != nil || p == nil || p.BatchID <= last {
		return nil, err
	}
	all, err := q.RecentProgress(ctx)
	return slices.DeleteFunc(all, func(p StreamingQueryProgress) bool { return p.BatchID <= last }), err
}
