package job

import (
	"errors"
	"fmt"
	"time"
)

// Budget bounds a whole job. A nil field sets no bound; 0 allows none. Rows
// that the budget does not reach are skipped.
type Budget struct {
	Rows   *int64 // that are answered
	Tokens *int64 // of prompts and answers
	Cost   *float64
	Time   *time.Duration
	Errors *int64 // after more than these, nothing is asked any more
}

// Price is in any currency, per million tokens.
type Price struct{ PromptPerMillion, OutputPerMillion float64 }

func (p Price) of(prompt, output float64) float64 {
	return (prompt*p.PromptPerMillion + output*p.OutputPerMillion) / 1e6
}

// Spent is why a row was skipped: a budget was used up.
type Spent struct{ Reason string }

func (s *Spent) Error() string { return s.Reason }

func spentRows(n int64) *Spent {
	return &Spent{fmt.Sprintf("the budget of %d rows is used up", n)}
}

func spentTokens(n int64) *Spent {
	return &Spent{fmt.Sprintf("the budget of %d tokens is used up", n)}
}

func spentCost(c float64) *Spent {
	return &Spent{fmt.Sprintf("the budget of %v for tokens is used up", c)}
}

func spentTime(d time.Duration) *Spent {
	return &Spent{fmt.Sprintf("the budget of %v is used up", d)}
}

func spentErrors(n int64) *Spent {
	return &Spent{fmt.Sprintf("there were more than %d errors", n)}
}

// asSpent tells a skip from an error.
func asSpent(err error) *Spent {
	var s *Spent
	if errors.As(err, &s) {
		return s
	}
	return nil
}
