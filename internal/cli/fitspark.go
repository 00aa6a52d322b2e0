package cli

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/fit"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// fittedRow is what leaves the executors of a row.
type fittedRow struct {
	Label  *string   `spark:"label"`
	Blank  bool      `spark:"blank"`
	Vector []float32 `spark:"vector"`
}

// sparkRows returns the rows of a query, with vectors that its executors compute.
func (s *fitSource) sparkRows(ctx context.Context, feature string) ([]fit.Row, error) {
	if feature != string(llm.Embed) {
		return nil, usagef("with --remote, the vectors are those of the session's embedder; name another one by --model embed=REFERENCE")
	}
	if err := s.describeEmbedder(ctx); err != nil {
		return nil, err
	}
	df, err := s.vectorQuery(ctx)
	if err != nil {
		return nil, err
	}
	defer s.queries.end()
	collected, err := spark.CollectAs[fittedRow](ctx, df)
	if err != nil {
		return nil, err
	}
	var rows []fit.Row
	labelled := 0
	for _, r := range collected {
		row := fit.Row{Vector: r.Vector}
		ok, err := row.ReadLabel(llm.PredictionKind(s.flags.predicts), r.Label, s.flags.separator)
		if err != nil {
			return nil, err
		}
		if ok {
			labelled++
		}
		switch {
		case !ok:
			s.unlabelled++
		case r.Blank:
			s.noText++
		case r.Vector == nil:
			s.failed++
		default:
			rows = append(rows, row)
		}
	}
	if labelled == 0 {
		return nil, &eval.NoLabelsError{Rows: len(collected)}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("none of the %d rows with a label has a text that could be embedded; the executors' logs have the reasons", labelled)
	}
	return rows, nil
}

// describeEmbedder sets the description of the session's embedder.
func (s *fitSource) describeEmbedder(ctx context.Context) error {
	set, err := s.flags.ship.set()
	if err != nil {
		return err
	}
	set, i, err := set.WithDefault(llm.Embed)
	if err != nil {
		return err
	}
	o, err := s.flags.ship.modelOptions(fetch.NewProgress(s.err))
	if err != nil {
		return err
	}
	found, err := models.Resolve(ctx, set[i].Reference, o)
	if err != nil {
		return models.ForDefault(llm.Embed, set[i].Reference, err)
	}
	if len(s.flags.ship.models) > 0 {
		s.reference = set[i].Reference.String()
	}
	s.embedder = embedderOf(llm.Embed, found.Info)
	return nil
}

// vectorQuery is the query of labels and vectors. Rows without a label have no vector.
func (s *fitSource) vectorQuery(ctx context.Context) (*spark.DataFrame, error) {
	query := s.flags.query
	if query == "" {
		query = "SELECT * FROM " + s.flags.table
	}
	df, err := s.session.SQL(ctx, query)
	if err != nil {
		return nil, err
	}
	schema, err := df.Schema(ctx)
	if err != nil {
		return nil, err
	}
	column := func(name, role string) (string, error) {
		i, err := eval.FindColumn(schema.Names(), name, role)
		if err != nil {
			return "", evalHint(evalFlags{}, err)
		}
		quoted := sqltypes.QuoteName(schema.Names()[i])
		if strings.HasPrefix(strings.ToUpper(fmt.Sprint(schema.Fields[i].Type)), "ARRAY") {
			quoted = "to_json(" + quoted + ")"
		}
		return "CAST(" + quoted + " AS STRING)", nil
	}
	input, err := column(s.flags.input, "input")
	if err != nil {
		return nil, err
	}
	label, err := column(s.flags.label, "label")
	if err != nil {
		return nil, err
	}
	if s.flags.limit != nil {
		df = df.Limit(int(min(*s.flags.limit, math.MaxInt32)))
	}
	return df.Select(spark.Expr(label).Alias("label"), spark.Expr("coalesce(trim("+input+"), '') = ''").Alias("blank"),
		spark.Call("ai_embed", spark.Expr("CASE WHEN "+label+" IS NOT NULL THEN "+input+" END")).Alias("vector")), nil
}
