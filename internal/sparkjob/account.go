package sparkjob

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/spark"
)

// Columns that say how a row came off, and why.
const (
	stateColumn  = ours + "state" // ok, null, error or skipped
	reasonColumn = ours + "reason"
)

// judged adds the columns that are computed, and how each row came off: with an
// error if one of its calls has one, else skipped if one has no answer, else
// NULL if a column is.
func (r *running) judged(rows *spark.DataFrame) *spark.DataFrame {
	columns := []spark.Column{spark.Col("*")}
	null := "false"
	for i, a := range r.bound.Add {
		name := fmt.Sprintf("%sadded%d", ours, i)
		columns = append(columns, spark.Expr(a.Expr.SQL(r.instead)).Alias(name))
		null += " OR " + name + " IS NULL"
	}
	rows = rows.Select(columns...)
	var errs []string
	missing := "false"
	for _, c := range r.calls {
		answer := r.answers[c.Text]
		errs = append(errs, fmt.Sprintf("if(%[1]s.result IS NULL AND %[1]s.error IS NOT NULL, concat('%[2]s: ', %[1]s.error), NULL)", answer, c.Function.Name))
		missing += " OR NOT " + r.there(c)
	}
	reason := "CAST(NULL AS STRING)"
	if errs != nil {
		reason = "coalesce(" + strings.Join(errs, ", ") + ")"
	}
	why := r.spent
	if r.reached != "" {
		spent := fmt.Sprintf("the budget of %d rows is used up", *r.Budget.Rows)
		if why == "" {
			why = spent
		}
		why = fmt.Sprintf("if(%s, '%s', '%s')", r.reached, why, spent)
	} else {
		why = "'" + why + "'"
	}
	return rows.WithColumn(reasonColumn, spark.Expr(fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN %[1]s WHEN %[2]s THEN concat('skipped: ', %[3]s) END", reason, missing, why))).
		WithColumn(stateColumn, spark.Expr(fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN 'error' WHEN %s THEN 'skipped' WHEN %s THEN 'null' ELSE 'ok' END", reason, missing, null)))
}

// output are the rows as they are to be stored.
func (r *running) output(rows *spark.DataFrame) *spark.DataFrame {
	drop := []string{stateColumn, reasonColumn, ours + "number"}
	columns := []spark.Column{spark.Col("*")}
	for i, a := range r.bound.Add {
		added := fmt.Sprintf("%sadded%d", ours, i)
		columns = append(columns, spark.Col(added).Alias(a.Name))
		drop = append(drop, added)
	}
	if r.Errors != "" {
		columns = append(columns, spark.Col(reasonColumn).Alias(r.Errors))
	}
	for _, c := range r.calls {
		drop = append(drop, r.answers[c.Text], r.there(c))
	}
	return rows.Select(columns...).Drop(drop...)
}

// maxExamples are shown of rows with errors.
const maxExamples = 20

// account counts the rows.
func (r *running) account(ctx context.Context, rows *spark.DataFrame) error {
	counted, err := rows.GroupBy(spark.Col(stateColumn).Alias("state")).Count().Collect(ctx)
	if err != nil {
		return err
	}
	s := &r.result.Summary
	for _, row := range counted {
		state, err := spark.Get[string](row, "state")
		if err != nil {
			return err
		}
		n, err := spark.Get[int64](row, "count")
		if err != nil {
			return err
		}
		s.Rows += n
		switch state {
		case "ok":
			s.OK = n
		case "null":
			s.Null = n
		case "error":
			s.Errors = n
		case "skipped":
			s.Skipped = n
		}
	}
	s.Calls = s.Rows * int64(len(r.calls))
	s.Kept = r.result.Distinct - r.result.Asked
	if s.Errors+s.Skipped == 0 {
		return nil
	}
	reasons, err := rows.Where(spark.Expr(stateColumn+" IN ('error', 'skipped')")).
		GroupBy(spark.Col(stateColumn).Alias("state"), spark.Col(reasonColumn).Alias("reason")).Count().
		OrderBy(spark.Col("count").Desc(), spark.Col("reason")).Limit(maxExamples).Collect(ctx)
	if err != nil {
		return err
	}
	for _, row := range reasons {
		var of struct {
			State  string `spark:"state"`
			Reason string `spark:"reason"`
			Count  int64  `spark:"count"`
		}
		if err := row.Scan(&of); err != nil {
			return err
		}
		if of.State == "error" {
			r.result.Failures = append(r.result.Failures, Failure{of.Count, sensitive.New(of.Reason)})
			continue
		}
		if s.Reasons == nil {
			s.Reasons = map[string]int64{}
		}
		s.Reasons[strings.TrimPrefix(of.Reason, "skipped: ")] += of.Count
	}
	return nil
}
