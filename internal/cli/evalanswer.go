package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// answerer asks a model: in this process, or on Spark.
type answerer interface {
	// answer gives a value (see eval.Task.Read) or an error for each input; the
	// input is the function's first argument and the others are the same for
	// all rows. step is told how many rows are done.
	answer(ctx context.Context, f *ai.Function, inputs []*string, others []any, step func(done int)) ([]any, []error, error)
	model() string
}

// localAnswerer runs the model in this process; the model is nil where rules
// alone answer.
type localAnswerer struct{ llm.Model }

// chunk is how many rows are asked at once: enough for the engine to order
// them, few enough to show how it goes.
const chunk = 32

func (l localAnswerer) answer(ctx context.Context, f *ai.Function, inputs []*string, others []any, step func(int)) ([]any, []error, error) {
	values, failures := make([]any, 0, len(inputs)), make([]error, 0, len(inputs))
	source := func(context.Context, string) (llm.Model, error) { return l.Model, nil }
	for from := 0; from < len(inputs); from += chunk {
		part := inputs[from:min(len(inputs), from+chunk)]
		rows := make([]ai.Row, len(part))
		for i, input := range part {
			rows[i] = append(make(ai.Row, 0, 1+len(others)), nil)
			if input != nil {
				rows[i][0] = *input
			}
			rows[i] = append(rows[i], others...)
		}
		answers, err := f.Eval(ctx, source, rows)
		if err != nil {
			return nil, nil, err
		}
		for _, a := range answers {
			values, failures = append(values, plainValue(a.Value, f.Returns)), append(failures, a.Err)
		}
		step(from + len(part))
	}
	return values, failures, nil
}

func (l localAnswerer) model() string {
	if l.Model == nil {
		return "rules, without a model"
	}
	return l.Info().Name
}

// plainValue turns an answer into what encoding/json would make of it.
func plainValue(v any, t ai.Type) any {
	switch v := v.(type) {
	case ai.Map:
		m := make(map[string]any, len(v))
		for _, e := range v {
			m[e.Key] = e.Value
		}
		return m
	case []any:
		fields := t.Fields()
		m := make(map[string]any, len(v))
		for i, f := range fields {
			if i < len(v) {
				m[f.Name] = plainValue(v[i], f.Type)
			}
		}
		return m
	case float32:
		return float64(v)
	case spark.Row:
		m := make(map[string]any, v.Len())
		for i, name := range v.Names() {
			m[name] = plainValue(v.At(i), t)
		}
		return m
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, inner := range v {
			m[fmt.Sprint(k)] = plainValue(inner, t)
		}
		return m
	}
	return v
}

// sparkAnswerer runs the model as a function of Spark.
type sparkAnswerer struct {
	*spark.Session
	reference string
	tasks     int
}

// sparkInput is a row that is sent to Spark.
type sparkInput struct {
	ID    int64   `spark:"id"`
	Input *string `spark:"input"`
}

func (s *sparkAnswerer) answer(ctx context.Context, f *ai.Function, inputs []*string, others []any, step func(int)) ([]any, []error, error) {
	rows := make([]sparkInput, len(inputs))
	for i, input := range inputs {
		rows[i] = sparkInput{int64(i), input}
	}
	df, err := s.CreateDataFrame(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	if s.tasks == 0 {
		if s.tasks, err = s.parallelism(ctx); err != nil {
			return nil, nil, err
		}
	}
	name := f.Name
	if tried, err := ai.Lookup("try_" + f.Name); err == nil {
		name = tried.Name // tells a row's error instead of NULL
	}
	arguments := []any{spark.Col("input")}
	for len(others) > 0 && others[len(others)-1] == nil {
		others = others[:len(others)-1]
	}
	arguments = append(arguments, others...)
	answered, err := df.Repartition(max(1, min(s.tasks, len(rows)))).
		Select(spark.Col("id"), spark.Call(name, arguments...).Alias("answer")).Collect(ctx)
	if err != nil {
		return nil, nil, err
	}
	values := make([]any, len(inputs))
	for _, row := range answered {
		id, err := spark.Get[int64](row, "id")
		if err != nil || id < 0 || id >= int64(len(values)) {
			return nil, nil, sensitive.Errorf("Spark gave back a row that it was not sent: %s", sensitive.Of(row))
		}
		values[id] = plainValue(row.At(1), ai.Type{})
	}
	if len(answered) != len(inputs) {
		return nil, nil, fmt.Errorf("Spark gave back %d rows of %d", len(answered), len(inputs))
	}
	step(len(inputs))
	return values, make([]error, len(inputs)), nil
}

// parallelism is how many tasks the cluster would run at once.
func (s *sparkAnswerer) parallelism(ctx context.Context) (int, error) {
	df, err := s.SQL(ctx, "SELECT count(DISTINCT p) AS n FROM (SELECT spark_partition_id() AS p FROM range(100000))")
	if err != nil {
		return 0, err
	}
	rows, err := df.Collect(ctx)
	if err != nil || len(rows) != 1 {
		return 1, err
	}
	n, _ := spark.Get[int64](rows[0], "n")
	return int(n), nil
}

func (s *sparkAnswerer) model() string { return s.reference + " on Spark " + s.Version() }

// collectLabelled reads the rows of a query of Spark.
func collectLabelled(ctx context.Context, session *spark.Session, query string, s dataSource) ([]labelledRow, error) {
	df, err := session.SQL(ctx, query)
	if err != nil {
		return nil, err
	}
	schema, err := df.Schema(ctx)
	if err != nil {
		return nil, err
	}
	var columns []spark.Column
	for _, c := range []struct{ name, flag, as string }{{s.input, "--input", "input"}, {s.label, "--label", "label"}} {
		i, err := columnOf(schema.Names(), c.name, c.flag, false)
		if err != nil {
			return nil, err
		}
		// What is no text travels as JSON, and numbers as they are written.
		quoted := "`" + strings.ReplaceAll(schema.Names()[i], "`", "``") + "`"
		kind := fmt.Sprint(schema.Fields[i].Type)
		for _, nested := range []string{"ARRAY", "MAP", "STRUCT"} {
			if strings.HasPrefix(strings.ToUpper(kind), nested) {
				quoted = "to_json(" + quoted + ")"
			}
		}
		columns = append(columns, spark.Expr("CAST("+quoted+" AS STRING)").Alias(c.as))
	}
	df = df.Select(columns...)
	if s.limit != nil {
		df = df.Limit(int(min(*s.limit, 1<<30)))
	}
	type row struct {
		Input *string `spark:"input"`
		Label *string `spark:"label"`
	}
	collected, err := spark.CollectAs[row](ctx, df)
	if err != nil {
		return nil, err
	}
	rows := make([]labelledRow, len(collected))
	for i, r := range collected {
		rows[i] = labelledRow{i + 1, r.Input, r.Label}
	}
	return rows, nil
}
