package job

import (
	"errors"
	"fmt"
	"time"
)

// Budget bounds a whole job. A nil field sets no bound; 0 allows none. Rows
// that the budget does not reach are skipped.
type Budget struct {
	Rows   *int64 // rows with answers
	Tokens *int64 // tokens of prompts and answers
	Cost   *float64
	Time   *time.Duration
	Errors *int64 // after more errors than this, no model is asked
	Sample *int64 // rows that each process asks for each function, for an estimate
}

// Price is in any currency, per million tokens.
type Price struct{ PromptPerMillion, OutputPerMillion float64 }

// Of returns the price of tokens.
func (p Price) Of(prompt, output float64) float64 {
	return (prompt*p.PromptPerMillion + output*p.OutputPerMillion) / 1e6
}

// Spent is the reason why a row was skipped: a budget is used up.
type Spent struct{ Reason string }

func (s *Spent) Error() string { return s.Reason }

// RowsSpent is the reason to skip rows after the first b.Rows.
func (b Budget) RowsSpent() *Spent {
	return &Spent{fmt.Sprintf("the budget of %d rows is used up", *b.Rows)}
}

// SampleAsked is the reason to skip rows after b.Sample.
func (b Budget) SampleAsked() *Spent {
	return &Spent{fmt.Sprintf("the sample of %d rows was asked", *b.Sample)}
}

// TokensSpent is the reason to skip rows after b.Tokens.
func (b Budget) TokensSpent() *Spent {
	return &Spent{fmt.Sprintf("the budget of %d tokens is used up", *b.Tokens)}
}

// CostSpent is the reason to skip rows after b.Cost.
func (b Budget) CostSpent() *Spent {
	return &Spent{fmt.Sprintf("the budget of %v for tokens is used up", *b.Cost)}
}

// TimeSpent is the reason to skip rows after b.Time.
func (b Budget) TimeSpent() *Spent {
	return &Spent{fmt.Sprintf("the budget of %v is used up", *b.Time)}
}

// ErrorsSpent is the reason to skip rows after more than b.Errors errors.
func (b Budget) ErrorsSpent() *Spent {
	return &Spent{fmt.Sprintf("there were more than %d errors", *b.Errors)}
}

// SkippedPrefix begins the text of a skipped row in the column of errors; the
// reason follows.
const SkippedPrefix = "skipped: "

// AsSpent returns the *Spent in err's chain, or nil. It distinguishes a skipped
// row from an error.
func AsSpent(err error) *Spent {
	var s *Spent
	if errors.As(err, &s) {
		return s
	}
	return nil
}
