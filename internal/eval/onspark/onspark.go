// Package onspark evaluates functions on Spark: it reads labelled rows from a query
// and asks a function of the session for the rows.
package onspark

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/eval"
	jobs "github.com/firesteel/firesteel/internal/job/onspark"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// Asker asks the model of a session. It implements eval.Asker.
type Asker struct {
	Session *spark.Session
	// Reference returns the reference of the model of a role.
	Reference func(llm.ModelRole) string

	asked []ai.Ask // by the last call of Ask
	tasks int      // that the cluster runs at once; 0 before the first call of Ask
}

type inputRow struct {
	ID     int64   `spark:"id"`
	Input  *string `spark:"input"`
	Second *string `spark:"second"`
}

// Ask implements eval.Asker. It calls the try_ function, whose struct has the error
// of a row.
func (a *Asker) Ask(ctx context.Context, f *ai.Function, inputs [][]*string, call *ai.Binding, step func(int)) ([]any, []error, error) {
	a.asked = f.Asks(call.Constants())
	rows := make([]inputRow, len(inputs[0]))
	for i, input := range inputs[0] {
		rows[i] = inputRow{ID: int64(i), Input: input}
		if len(inputs) > 1 {
			rows[i].Second = inputs[1][i]
		}
	}
	df, err := a.Session.CreateDataFrame(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	if a.tasks == 0 {
		if a.tasks, err = jobs.Parallelism(ctx, a.Session); err != nil {
			return nil, nil, err
		}
	}
	name := f.Name
	if tried, err := ai.Lookup("try_" + f.Name); err == nil {
		name = tried.Name
	}
	answered, err := df.Repartition(max(1, min(a.tasks, len(rows)))).
		Select(spark.Col("id"), spark.Call(name, arguments(call, len(inputs))...).Alias("answer")).Collect(ctx)
	if err != nil {
		return nil, nil, err
	}
	values := make([]any, len(rows))
	for _, row := range answered {
		id, err := spark.Get[int64](row, "id")
		if err != nil || id < 0 || id >= int64(len(values)) {
			return nil, nil, sensitive.Errorf("Spark returned a row that was not sent: %s", sensitive.Of(row))
		}
		values[id] = decoded(row.At(1))
	}
	if len(answered) != len(rows) {
		return nil, nil, fmt.Errorf("Spark returned %d rows for %d", len(answered), len(rows))
	}
	step(len(rows))
	return values, make([]error, len(rows)), nil
}

// arguments are the columns of inputs, one or two, and the constants, without those
// that are left out at the end.
func arguments(call *ai.Binding, columns int) []any {
	args := []any(call.Constants())
	args[0] = spark.Col("input")
	if columns > 1 {
		args[1] = spark.Col("second")
	}
	for args[len(args)-1] == nil {
		args = args[:len(args)-1]
	}
	return args
}

// Model implements eval.Asker.
func (a *Asker) Model() string {
	names := make([]string, len(a.asked))
	for i, asked := range a.asked {
		names[i] = a.Reference(asked.Role)
	}
	if len(names) == 0 {
		names = []string{"rules"}
	}
	return strings.Join(names, ", ") + " on Spark " + a.Session.Version()
}

// decoded converts a value of Spark to what encoding/json decodes.
func decoded(v any) any {
	switch v := v.(type) {
	case float32:
		return float64(v)
	case spark.Row:
		m := make(map[string]any, v.Len())
		for i, name := range v.Names() {
			m[name] = decoded(v.At(i))
		}
		return m
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, inner := range v {
			m[fmt.Sprint(k)] = decoded(inner)
		}
		return m
	}
	return v
}

// Rows reads labelled rows from a query: the columns input, label and, unless it is
// empty, second; at most limit rows unless it is nil. Numbers become text as Spark casts them; arrays, maps and
// structs become JSON. If a column does not exist, the error is an
// *eval.ColumnError.
func Rows(ctx context.Context, session *spark.Session, query, input, label, second string, limit *int64) ([]eval.Row, error) {
	df, err := session.SQL(ctx, query)
	if err != nil {
		return nil, err
	}
	schema, err := df.Schema(ctx)
	if err != nil {
		return nil, err
	}
	var columns []spark.Column
	for _, c := range []struct{ name, role string }{{input, "input"}, {label, "label"}, {second, "second"}} {
		if c.name == "" {
			columns = append(columns, spark.Expr("CAST(NULL AS STRING)").Alias(c.role))
			continue
		}
		i, err := eval.FindColumn(schema.Names(), c.name, c.role)
		if err != nil {
			return nil, err
		}
		quoted := sqltypes.QuoteName(schema.Names()[i])
		of := strings.ToUpper(fmt.Sprint(schema.Fields[i].Type))
		for _, nested := range []string{"ARRAY", "MAP", "STRUCT"} {
			if strings.HasPrefix(of, nested) {
				quoted = "to_json(" + quoted + ")"
			}
		}
		columns = append(columns, spark.Expr("CAST("+quoted+" AS STRING)").Alias(c.role))
	}
	df = df.Select(columns...)
	if limit != nil {
		df = df.Limit(int(min(*limit, math.MaxInt32)))
	}
	type labelledRow struct {
		Input  *string `spark:"input"`
		Label  *string `spark:"label"`
		Second *string `spark:"second"`
	}
	collected, err := spark.CollectAs[labelledRow](ctx, df)
	if err != nil {
		return nil, err
	}
	rows := make([]eval.Row, len(collected))
	for i, r := range collected {
		rows[i] = eval.Row{Number: i + 1, Input: r.Input, Label: r.Label, Second: r.Second}
	}
	return rows, nil
}
