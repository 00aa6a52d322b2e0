package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/secret"
)

// Budget bounds each query of a session, on all its executors together. A nil
// field sets no bound; 0 allows none. Rows that the budget does not reach are
// NULL, and the error of a try_ function says why.
//
// A query is an action on a DataFrame, a statement of SQL, or a run of a stream
// from its start to its end. Budgets need WithLedger, because executors count
// together in the directory of the ledger.
type Budget struct {
	Rows   *int64 // distinct rows that are asked; those that the ledger answers do not count
	Tokens *int64 // tokens of prompts and answers
	Cost   *float64
	Time   *time.Duration
	Errors *int64 // after more errors than this, no model is asked
	// Sample is the number of rows that each executor asks for each function; it skips the others. It
	// is for estimates, and replaces Rows.
	Sample *int64
	// PromptPerMillion and OutputPerMillion are the prices of a million tokens, in
	// the currency of Cost.
	PromptPerMillion, OutputPerMillion float64
}

func (b Budget) bounds() bool {
	return b.Rows != nil || b.Tokens != nil || b.Cost != nil || b.Time != nil || b.Errors != nil || b.Sample != nil
}

// ErrBudgetWithoutLedger reports a session with a budget and no ledger.
var ErrBudgetWithoutLedger = errors.New("a budget holds for all executors together only if they share a directory, in which they count; name one with spark.WithLedger")

// WithLedger keeps the answers of AI functions in a directory, and finds them
// there before a model is asked: in a retried task, in a replayed batch of a
// stream, and in any later query. The directory is an absolute path on a file
// system that all executors share, such as a mount of NFS or /dbfs; this program
// need not see it. Connect creates it if only the directory itself is missing.
// 'firesteel run' can use the same directory.
//
// Errors are not kept. An executor that does not see the directory, or cannot
// write to it, says so once in its log, and its answers go out nevertheless;
// with a Budget its tasks fail, or its rows are skipped.
func WithLedger(directory string) Option {
	return func(c *config) { c.ship.wanted, c.ship.ledger = true, directory }
}

// WithBudget bounds each query of the session; see Budget.
func WithBudget(b Budget) Option {
	return func(c *config) { c.ship.wanted, c.ship.budget = true, b }
}

// CheckLedger returns an error if a text cannot be the directory of a ledger.
func CheckLedger(directory string) error {
	switch scheme, rest, _ := strings.Cut(directory, ":"); {
	case scheme == "dbfs" && rest != "":
		return fmt.Errorf("%s is a URL; name the path of its mount, /dbfs/%s", directory, strings.TrimLeft(rest, "/"))
	case scheme == "file" && rest != "":
		return fmt.Errorf("%s is a URL; name the path /%s", directory, strings.TrimLeft(rest, "/"))
	case strings.Contains(directory, "://"):
		return fmt.Errorf("%s is not a path: a ledger is a directory of a file system; mount the store on all executors, and name the path of the mount", secret.Hide(directory))
	case !path.IsAbs(directory):
		return fmt.Errorf("%q is not an absolute path; name a directory that all executors see under the same path", directory)
	}
	return nil
}

// openLedger prepares the ledger on one executor, before functions are registered
// that use it.
func (s *Session) openLedger(ctx context.Context) error {
	dir, b := s.config.ship.ledger, s.config.ship.budget
	if dir == "" {
		if b.bounds() {
			return ErrBudgetWithoutLedger
		}
		return nil
	}
	if err := CheckLedger(dir); err != nil {
		return err
	}
	for _, p := range []float64{b.PromptPerMillion, b.OutputPerMillion} {
		if !(p >= 0) || math.IsInf(p, 0) {
			return errors.New("the prices of a budget must be numbers of at least 0")
		}
	}
	if b.Cost != nil && b.PromptPerMillion == 0 && b.OutputPerMillion == 0 {
		return errors.New("a budget of cost needs the prices of a million tokens")
	}
	dir = path.Clean(dir)
	if err := s.RegisterProgramFunction(ctx, bundle.PrepareLedger, StringType); err != nil {
		return err
	}
	rows, err := s.Range(0, 1, 1, 1).Select(Call(bundle.PrepareLedger, dir).Alias("prepared")).Collect(ctx)
	if err != nil {
		return fmt.Errorf("opening the ledger %s: %w", dir, err)
	}
	var p bundle.Prepared
	if len(rows) == 1 {
		text, err := Get[string](rows[0], "prepared")
		if err == nil {
			err = json.Unmarshal([]byte(text), &p)
		}
		if err != nil {
			return fmt.Errorf("opening the ledger %s: %w", dir, err)
		}
	}
	if p.Error != "" || p.ID == "" {
		return fmt.Errorf("opening the ledger on the executor %s: %s", p.Host, secret.Hide(p.Error))
	}
	s.ledger = &bundle.Ledger{
		Dir: dir, ID: p.ID,
		MaxRows: b.Rows, MaxTokens: b.Tokens, MaxCost: b.Cost, MaxTime: b.Time, MaxErrors: b.Errors, Sample: b.Sample,
		PromptPrice: b.PromptPerMillion, OutputPrice: b.OutputPerMillion,
	}
	if err := s.RegisterProgramFunction(ctx, bundle.Usage, DDL(bundle.UsageType)); err != nil {
		return err
	}
	_, err = s.runSQL(ctx, "CREATE OR REPLACE TEMPORARY VIEW ai_usage AS SELECT inline(ai_usage())", nil)
	return err
}

// Usage is what a function asked a model in a query.
type Usage struct {
	Query      string `spark:"query"`
	Function   string `spark:"function"`
	Model      string `spark:"model"`
	Rows       int64  `spark:"rows"`        // calls
	Asked      int64  `spark:"asked"`       // distinct calls that the model answered
	FromLedger int64  `spark:"from_ledger"` // calls whose answer was kept
	// Tokens are those of all requests, also of requests that failed.
	PromptTokens int64   `spark:"prompt_tokens"`
	OutputTokens int64   `spark:"output_tokens"`
	Cost         float64 `spark:"cost"` // by the prices of the Budget
	Errors       int64   `spark:"errors"`
	Skipped      int64   `spark:"skipped"` // distinct calls that the budget left without an answer
}

// Usage returns what the session's latest query asked, by function and model, or
// the query with an id: for a stream, StreamingQuery.RunID. It is empty if no
// query asked anything. The session needs WithLedger. In SQL the view ai_usage has
// the same rows.
func (s *Session) Usage(ctx context.Context, query ...string) ([]Usage, error) {
	if s.ledger == nil {
		return nil, errors.New("usage is counted in the directory of a ledger; connect with spark.WithLedger")
	}
	call := "inline(ai_usage())"
	var args []any
	if len(query) > 0 {
		call, args = "inline(ai_usage(?))", []any{query[0]}
	}
	df, err := s.runSQL(ctx, "SELECT "+call, args)
	if err != nil {
		return nil, err
	}
	return CollectAs[Usage](ctx, df)
}
