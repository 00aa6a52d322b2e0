package inprocess

import (
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/downsample"
	"github.com/firesteel/firesteel/internal/job"
)

const (
	maxPoints  = 512
	maxReasons = 100
)

// tally counts rows as they are written.
type tally struct {
	mu     sync.Mutex
	begun  time.Time
	s      job.Summary
	points downsample.Series[job.Point]
	recent []progressPoint // of the last rateSpan
}

// progressPoint is a point with the share of the job that was done.
type progressPoint struct {
	job.Point
	share float64
}

func (t *tally) leftOut(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.LeftOut += int64(n)
}

// passOver counts rows that were not read.
func (t *tally) passOver(unread job.Unread, rows int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.LeftOut += rows
	t.s.Unread = unread
}

// written counts the rows of a window.
func (t *tally) written(w *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.s
	for i := range w.len() {
		s.Rows++
		reason := w.reasons[i]
		spent := job.AsSpent(reason)
		switch {
		case spent != nil:
			s.Skipped++
			if s.Reasons == nil {
				s.Reasons = map[string]int64{}
			}
			if text := spent.Error(); len(s.Reasons) < maxReasons || s.Reasons[text] > 0 {
				s.Reasons[text]++
			}
		case reason != nil:
			s.Errors++
			if len(s.Examples) < job.MaxExamples {
				s.Examples = append(s.Examples, job.Example{Row: w.numbers[i] + 1, Rows: 1, Err: reason})
			}
		case w.nulls[i]:
			s.Null++
		default:
			s.OK++
		}
	}
	s.BytesRead, s.BytesTotal = w.read.done, w.read.total
}

// rateSpan is the time over which rates are computed.
const rateSpan = 30 * time.Second

// snapshot returns the counts, with rates over the last rateSpan.
func (t *tally) snapshot(usage job.Usage, limit *int64) job.Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s.Snapshot
	s.Usage = usage
	s.Elapsed = time.Since(t.begun)
	now := progressPoint{Point: job.Point{At: s.Elapsed, Rows: s.Rows, Tokens: usage.PromptTokens + usage.OutputTokens}}
	if s.BytesTotal > 0 {
		now.share = float64(s.BytesRead) / float64(s.BytesTotal)
	}
	if limit != nil {
		now.share = max(now.share, float64(s.Rows)/float64(max(*limit, 1)))
	}
	t.points.Add(now.Point)
	t.recent = append(t.recent, now)
	for len(t.recent) > 2 && now.At-t.recent[0].At > rateSpan {
		t.recent = t.recent[1:]
	}
	var first progressPoint
	if len(t.recent) > 1 {
		first = t.recent[0]
	}
	s.Left = -1
	if seconds := (now.At - first.At).Seconds(); seconds > 0 {
		s.RowsPerSecond = float64(now.Rows-first.Rows) / seconds
		s.TokensPerSecond = float64(now.Tokens-first.Tokens) / seconds
		if now.share > first.share {
			s.Left = time.Duration((1 - min(now.share, 1)) / (now.share - first.share) * seconds * float64(time.Second))
		}
	}
	return s
}
