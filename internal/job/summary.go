package job

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/downsample"
)

// Snapshot is how far a job is. Rows = OK + Null + Errors + Skipped.
type Snapshot struct {
	Rows    int64 // that are written
	OK      int64 // all that was added has a value
	Null    int64 // something that was added is NULL, without an error
	Errors  int64 // could not be read, or something could not be answered
	Skipped int64 // a budget did not reach them
	// LeftOut are rows that the condition or the sample left out.
	LeftOut int64

	Usage
	// Calls are those of functions, one a row; Kept of them were answered from
	// before this job, and Equal by an equal one of this job, and ByRules
	// without a model.
	// Asking are asked at this moment.
	Calls, ByRules, Kept, Equal, Asking int64

	BytesRead, BytesTotal int64 // of the input; 0 where that is not known
	Elapsed               time.Duration
	// RowsPerSecond and TokensPerSecond are those of the last half minute.
	RowsPerSecond, TokensPerSecond float64
	Left                           time.Duration // foreseen; negative if unknown
}

// Summary is what a job did.
type Summary struct {
	Snapshot
	// Reasons counts the rows that were skipped, by the reason.
	Reasons map[string]int64
	// Examples are the first rows with errors.
	Examples []Example
	// Points are snapshots from the beginning to the end, some hundred at most.
	Points []Point
}

// Example is a row with an error. Row counts from 1 over the rows of the file.
type Example struct {
	Row int64
	Err error
}

// Point says what was done when.
type Point struct {
	At           time.Duration
	Rows, Tokens int64
}

const (
	maxExamples = 20
	maxPoints   = 512
	maxReasons  = 100
)

// ErrIncomplete says that rows have errors or were skipped.
var ErrIncomplete = errors.New("not all rows have an answer")

// Err is ErrIncomplete with the counts, and nil if all rows have an answer.
func (s *Summary) Err() error {
	var what []string
	if s.Errors > 0 {
		what = append(what, fmt.Sprintf("%d with errors", s.Errors))
	}
	if s.Skipped > 0 {
		what = append(what, fmt.Sprintf("%d skipped", s.Skipped))
	}
	if what == nil {
		return nil
	}
	return fmt.Errorf("%w: of %d rows %s", ErrIncomplete, s.Rows, strings.Join(what, ", "))
}

// tally counts rows as they are written.
type tally struct {
	mu     sync.Mutex
	begun  time.Time
	s      Summary
	points downsample.Series[Point]
	past   []Point // of the last half minute
	parts  []float64
}

func (t *tally) leftOut(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.LeftOut += int64(n)
}

// written counts a window.
func (t *tally) written(w *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.s
	for i := range w.len() {
		s.Rows++
		why := w.why[i]
		spent := asSpent(why)
		switch {
		case spent != nil:
			s.Skipped++
			if s.Reasons == nil {
				s.Reasons = map[string]int64{}
			}
			if reason := spent.Error(); len(s.Reasons) < maxReasons || s.Reasons[reason] > 0 {
				s.Reasons[reason]++
			}
		case why != nil:
			s.Errors++
			if len(s.Examples) < maxExamples {
				s.Examples = append(s.Examples, Example{w.numbers[i] + 1, why})
			}
		case w.nulls[i]:
			s.Null++
		default:
			s.OK++
		}
	}
	s.BytesRead, s.BytesTotal = w.read.done, w.read.total
}

// recently is what rates are of.
const recently = 30 * time.Second

// snapshot gives the state, with rates since the snapshots before it.
func (t *tally) snapshot(usage Usage, limit *int64) Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s.Snapshot
	s.Usage = usage
	s.Elapsed = time.Since(t.begun)
	now := Point{s.Elapsed, s.Rows, usage.PromptTokens + usage.OutputTokens}
	part := 0.0
	if s.BytesTotal > 0 {
		part = float64(s.BytesRead) / float64(s.BytesTotal)
	}
	if limit != nil {
		part = max(part, float64(s.Rows)/float64(max(*limit, 1)))
	}
	t.points.Add(now)
	t.past, t.parts = append(t.past, now), append(t.parts, part)
	for len(t.past) > 2 && now.At-t.past[0].At > recently {
		t.past, t.parts = t.past[1:], t.parts[1:]
	}
	was, wasPart := Point{}, 0.0
	if len(t.past) > 1 {
		was, wasPart = t.past[0], t.parts[0]
	}
	s.Left = -1
	if took := (now.At - was.At).Seconds(); took > 0 {
		s.RowsPerSecond = float64(now.Rows-was.Rows) / took
		s.TokensPerSecond = float64(now.Tokens-was.Tokens) / took
		if part > wasPart {
			s.Left = time.Duration((1 - min(part, 1)) / (part - wasPart) * took * float64(time.Second))
		}
	}
	return s
}
