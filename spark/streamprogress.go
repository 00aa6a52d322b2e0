package spark

import (
	"encoding/json"
	"fmt"
	"time"
)

// StreamProgress tells of one batch of a streaming query.
type StreamProgress struct {
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
	Sources    []StreamSource   `json:"sources"`
	Sink       StreamSink       `json:"sink"`
	// JSON is all that the server says.
	JSON string `json:"-"`
}

// StreamSource tells what a batch read. Offsets are as the source writes them.
type StreamSource struct {
	Description  string          `json:"description"`
	StartOffset  json.RawMessage `json:"startOffset"`
	EndOffset    json.RawMessage `json:"endOffset"`
	NumInputRows int64           `json:"numInputRows"`
	// The rates are 0 where Spark gives none.
	InputRowsPerSecond     float64 `json:"inputRowsPerSecond"`
	ProcessedRowsPerSecond float64 `json:"processedRowsPerSecond"`
}

// StreamSink tells what a batch wrote; NumOutputRows is -1 if the sink does not
// count.
type StreamSink struct {
	Description   string `json:"description"`
	NumOutputRows int64  `json:"numOutputRows"`
}

func readProgress(text string) (StreamProgress, error) {
	p := StreamProgress{JSON: text}
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
