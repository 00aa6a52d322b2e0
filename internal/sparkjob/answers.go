package sparkjob

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/spark"
)

// Columns of inputs and answers.
const (
	keyColumn    = "key"    // SHA-256 of the arguments that vary, as JSON
	answerColumn = "answer" // STRUCT of result, error, raw
)

// answerAll adds a column to rows for each call that has none yet: its answer,
// NULL where there is none, and whether it is there.
func (r *running) answerAll(ctx context.Context, rows *spark.DataFrame, calls []*sqlexpr.Call) (*spark.DataFrame, error) {
	for _, c := range calls {
		if r.answers[c.Text] != "" {
			continue
		}
		var err error
		if rows, err = r.answer(ctx, rows, c); err != nil {
			return nil, fmt.Errorf("%s: %w", sqlexpr.Mask(c.Text), err)
		}
	}
	return rows, nil
}

func (r *running) answer(ctx context.Context, rows *spark.DataFrame, c *sqlexpr.Call) (*spark.DataFrame, error) {
	column := fmt.Sprintf("%sanswer%d", ours, len(r.calls))
	key := column + "_key"
	var named, inputs []string
	for i, a := range c.Args {
		if !a.Constant {
			named = append(named, fmt.Sprintf("'a%d', %s", i, a.SQL(r.instead)))
			inputs = append(inputs, fmt.Sprintf("a%d", i))
		}
	}
	hash := "sha2('', 256)"
	if len(named) > 0 {
		hash = "sha2(to_json(named_struct(" + strings.Join(named, ", ") + ")), 256)"
	}
	rows = rows.WithColumn(key, spark.Expr(hash))

	asked := rows
	if r.reached != "" {
		asked = asked.Where(spark.Expr(r.reached))
	}
	columns := []spark.Column{spark.Col(key).Alias(keyColumn)}
	for i, a := range c.Args {
		if !a.Constant {
			columns = append(columns, spark.Expr(a.SQL(r.instead)).Alias(fmt.Sprintf("a%d", i)))
		}
	}
	distinct := asked.Select(columns...)
	one := []spark.Column{spark.Expr("count(1)").Alias("equal")}
	for _, in := range inputs {
		one = append(one, spark.Expr("any_value("+in+")").Alias(in))
	}
	distinct = distinct.GroupBy(spark.Col(keyColumn)).Agg(one...).Repartition(4*r.cores, spark.Col(keyColumn))
	distinct, err := r.keep(ctx, fmt.Sprintf("inputs%d", len(r.calls)), distinct)
	if err != nil {
		return nil, err
	}
	answers, err := r.store(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := r.waves(ctx, c, distinct, answers); err != nil {
		return nil, err
	}
	r.answers[c.Text] = column
	r.calls = append(r.calls, c)
	known := answers.known().GroupBy(spark.Col(keyColumn)).
		Agg(spark.Expr("any_value("+answerColumn+")").Alias(column), spark.Expr("true").Alias(column+"_there")).
		Select(spark.Col(keyColumn).Alias(key), spark.Col(column), spark.Col(column+"_there"))
	rows = rows.JoinUsing(known, "left", key)
	there := fmt.Sprintf("coalesce(%s_there, false)", column)
	if r.reached != "" {
		there += " AND " + r.reached // a ledger may know more
		rows = rows.WithColumn(column, spark.Expr(fmt.Sprintf("if(%s, %s, NULL)", r.reached, column)))
	}
	return rows.WithColumn(column+"_there", spark.Expr(there)).Drop(key), nil
}

// asking is the call as SQL over the columns of inputs, in its form that gives
// errors.
func asking(c *sqlexpr.Call) string {
	name := c.Function.Name
	if c.Function.Of == nil {
		name = "try_" + name
	}
	var args []string // by their places, which all versions of Spark take
	for i, a := range c.Args {
		for len(args) <= c.Param(i) {
			args = append(args, "NULL")
		}
		at := &args[c.Param(i)]
		if *at = fmt.Sprintf("a%d", i); a.Constant {
			*at = a.SQL(func(*sqlexpr.Call) string { return "" }) // there is none in it
		}
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}
