package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/ledger"
	"github.com/firesteel/firesteel/internal/usage"
)

// prepareLedger makes a directory a ledger; see bundle.PrepareLedger.
type prepareLedger struct{}

func (prepareLedger) name() string { return bundle.PrepareLedger }

func (prepareLedger) bind(args []argument) ([]int, error) {
	return bindColumns(ai.Signature{Function: bundle.PrepareLedger, Params: []ai.Param{{Name: "directory"}}}, args)
}

func (prepareLedger) returns(s *scope) arrow.DataType { return s.results.Of(ai.String) }

func (prepareLedger) eval(ctx context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	text, err := columns.Text(args[0])
	if err != nil {
		return nil, err
	}
	answers := make([]ai.Answer, rows)
	for i := range rows {
		var p bundle.Prepared
		p.Host, _ = os.Hostname() // "" if the system does not give one
		if p.ID, err = ledger.Prepare(ctx, text(i)); err != nil {
			var untrusted *privatefile.UntrustedError
			if errors.As(err, &untrusted) {
				err = fmt.Errorf("%w (spark.executorEnv.%s sets it for executors)", err, privatefile.TrustVariable)
			}
			p.Error = err.Error()
		}
		answer, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		answers[i].Value = string(answer)
	}
	return s.results.Answers(s.mem, ai.String, answers)
}

// usageFunction returns the usage of a query; see bundle.Usage.
type usageFunction struct{}

// usageType is bundle.UsageType.
var usageType = ai.Array(ai.Struct(
	ai.Field{Name: "query", Type: ai.String}, ai.Field{Name: "function", Type: ai.String}, ai.Field{Name: "model", Type: ai.String},
	ai.Field{Name: "rows", Type: ai.Long}, ai.Field{Name: "asked", Type: ai.Long}, ai.Field{Name: "from_ledger", Type: ai.Long},
	ai.Field{Name: "prompt_tokens", Type: ai.Long}, ai.Field{Name: "output_tokens", Type: ai.Long}, ai.Field{Name: "cost", Type: ai.Double},
	ai.Field{Name: "errors", Type: ai.Long}, ai.Field{Name: "skipped", Type: ai.Long},
))

func (usageFunction) name() string { return bundle.Usage }

func (usageFunction) bind(args []argument) ([]int, error) {
	return bindColumns(ai.Signature{Function: bundle.Usage, Params: []ai.Param{{Name: "query", Optional: true}}}, args)
}

func (usageFunction) returns(s *scope) arrow.DataType { return s.results.Of(usageType) }

func (usageFunction) eval(_ context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	if s.ledger == nil {
		return nil, errors.New("usage is counted in the directory of a ledger, and the session has none; open it with one (spark.WithLedger)")
	}
	text := func(int) string { return "" }
	if len(args) > 0 {
		var err error
		if text, err = columns.Text(args[0]); err != nil {
			return nil, err
		}
	}
	o := s.ledger.options
	if err := ledger.CheckShared(o.Dir, o.ID); err != nil {
		return nil, onHost(err)
	}
	answers := make([]ai.Answer, rows)
	for i := range rows {
		report, err := usage.Latest(o.Dir, s.ledger.session, text(i))
		if err != nil {
			return nil, onHost(err)
		}
		list := []any{}
		for _, u := range report.Uses {
			list = append(list, []any{report.Query, u.Function, u.Model, u.Rows, u.Asked, u.Kept, u.Prompt, u.Output, u.Cost, u.Errors, u.Skipped})
		}
		answers[i].Value = list
	}
	return s.results.Answers(s.mem, usageType, answers)
}
