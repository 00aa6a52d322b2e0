package job

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/firesteel/firesteel/ai"
)

// Usage counts what a job asked its models.
type Usage struct {
	Requests, PromptTokens, OutputTokens int64
	Cost                                 float64 // by Plan.Price
}

// Snapshot is the state of a job. Rows = OK + Null + Errors + Skipped.
type Snapshot struct {
	Rows    int64 // rows of the output so far
	OK      int64 // every computed column has a value
	Null    int64 // a computed column is NULL, without an error
	Errors  int64 // the row could not be read, or a call failed
	Skipped int64 // a budget did not reach the row
	// LeftOut counts the rows that the sample and the condition removed. Spark
	// does not count them.
	LeftOut int64

	Usage
	// Calls counts the calls of functions, one for each row. ByRules of them
	// needed no model, Equal had the arguments of another call of this job, and
	// Kept had an answer before the job began.
	Calls, ByRules, Equal, Kept int64
	// Refused counts the calls that a budget left without an answer.
	Refused int64
	// Smaller and Larger count the calls with the option escalate_to that this job answered: those of which the
	// smaller model was sure enough, and those that the larger one was asked.
	Smaller, Larger int64
	// Asking counts the calls that a model is answering now.
	Asking int64

	BytesRead, BytesTotal int64 // of the input; 0 if unknown
	Elapsed               time.Duration
	// RowsPerSecond and TokensPerSecond are rates over the last half minute.
	RowsPerSecond, TokensPerSecond float64
	Left                           time.Duration // estimate of the remaining time; negative if unknown
}

// Distinct counts the calls with distinct arguments that needed a model.
func (s *Snapshot) Distinct() int64 { return s.Calls - s.ByRules - s.Equal }

// Asked counts the calls that a model answered in this job.
func (s *Snapshot) Asked() int64 { return s.Distinct() - s.Kept - s.Refused }

// Stages counts the answers of each model of a cascade.
func Stages(answers []ai.Answer) (smaller, larger int64) {
	for _, a := range answers {
		switch a.Stage {
		case ai.Smaller:
			smaller++
		case ai.Larger:
			larger++
		}
	}
	return smaller, larger
}

// Unread counts the parts of a table of which no row meets the condition, so that they were not read.
type Unread struct {
	Files, OfFiles   int // whole files, by the names of their folders
	Groups, OfGroups int // row groups of the other files, by their statistics
}

// Plus returns the sum.
func (u Unread) Plus(o Unread) Unread {
	return Unread{u.Files + o.Files, u.OfFiles + o.OfFiles, u.Groups + o.Groups, u.OfGroups + o.OfGroups}
}

// String is empty if everything was read.
func (u Unread) String() string {
	var parts []string
	if u.Files > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d files", u.Files, u.OfFiles))
	}
	if u.Groups > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d row groups", u.Groups, u.OfGroups))
	}
	return strings.Join(parts, " and ")
}

// Summary is the result of a job. Its rates are over the whole job.
type Summary struct {
	Snapshot
	Unread Unread
	// Reasons counts the skipped rows by reason.
	Reasons map[string]int64
	// Examples are some of the errors: in this process the first ones, on Spark
	// the most frequent ones.
	Examples []Example
	// Points are snapshots of the whole job at about equal intervals, some
	// hundred at most. On Spark there are none.
	Points []Point
	// Waves counts the waves in which Spark computed answers.
	Waves int
}

// Example is an error of rows.
type Example struct {
	// Row is the row with the error, counted from 1 over the rows of the file; 0
	// on Spark, which does not number rows.
	Row  int64
	Rows int64 // number of rows with the error; 1 if Row is known
	Err  error
}

// Point counts what was done at a time after the begin of the job.
type Point struct {
	At           time.Duration
	Rows, Tokens int64
}

// MaxExamples bounds Summary.Examples.
const MaxExamples = 20

// ErrIncomplete means that rows have errors or were skipped.
var ErrIncomplete = errors.New("not all rows have an answer")

// Err returns ErrIncomplete with the counts, and nil if all rows have an answer.
func (s *Summary) Err() error {
	var counts []string
	if s.Errors > 0 {
		counts = append(counts, fmt.Sprintf("%d with errors", s.Errors))
	}
	if s.Skipped > 0 {
		counts = append(counts, fmt.Sprintf("%d skipped", s.Skipped))
	}
	if counts == nil {
		return nil
	}
	return fmt.Errorf("%w: of %d rows %s", ErrIncomplete, s.Rows, strings.Join(counts, ", "))
}
