package onspark

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// Columns of a row's outcome.
const (
	stateColumn  = prefix + "state" // ok, null, error or skipped
	reasonColumn = prefix + "reason"
)

func addedColumn(i int) string { return fmt.Sprintf("%sadded%d", prefix, i) }

// compute adds the computed columns and the outcome of each row: an error if a
// call failed, else skipped if the budget of rows does not reach the row or a
// call has no answer, else NULL if a computed column is NULL.
func (r *run) compute(rows query) query {
	columns := []column{{expr: "*"}}
	null, missing := "false", "false"
	if r.reached != "" {
		missing = "NOT " + r.reached
	}
	for i, a := range r.Add {
		value := a.Expr.SQL(r.result)
		if r.reached != "" {
			value = fmt.Sprintf("if(%s, %s, NULL)", r.reached, value)
		}
		columns = append(columns, column{value, addedColumn(i)})
		null += " OR " + addedColumn(i) + " IS NULL"
	}
	rows = rows.project(columns...)
	var errs []string
	for _, c := range r.calls {
		errs = append(errs, fmt.Sprintf("if(%[1]s.result IS NULL AND %[1]s.error IS NOT NULL, concat('%[2]s: ', %[1]s.error), NULL)", r.answers[c.Text], c.Function.Name))
		missing += " OR NOT " + r.answered(c)
	}
	reason := "CAST(NULL AS STRING)"
	if errs != nil {
		reason = "coalesce(" + strings.Join(errs, ", ") + ")"
	}
	return rows.
		with(reasonColumn, fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN %[1]s WHEN %[2]s THEN concat('%[3]s', %[4]s) END", reason, missing, job.SkippedPrefix, r.skipReason())).
		with(stateColumn, fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN 'error' WHEN %s THEN 'skipped' WHEN %s THEN 'null' ELSE 'ok' END", reason, missing, null))
}

// skipReason is the SQL of the reason why a row without an answer was skipped.
func (r *run) skipReason() string {
	switch {
	case r.reached == "" && r.spent == nil:
		return "''" // no row is skipped
	case r.reached == "":
		return quote(r.spent.Reason)
	case r.spent == nil:
		return quote(r.Budget.RowsSpent().Reason)
	}
	return fmt.Sprintf("if(%s, %s, %s)", r.reached, quote(r.spent.Reason), quote(r.Budget.RowsSpent().Reason))
}

// output returns the rows as they are to be stored.
func (r *run) output(rows query) query {
	drop := []string{stateColumn, reasonColumn, numberColumn}
	columns := []column{{expr: "*"}}
	for i, a := range r.Add {
		columns = append(columns, column{addedColumn(i), a.Name})
		drop = append(drop, addedColumn(i))
	}
	if r.Errors != "" {
		columns = append(columns, column{reasonColumn, r.Errors})
	}
	for _, c := range r.calls {
		drop = append(drop, r.answers[c.Text], r.answered(c))
	}
	return rows.project(columns...).drop(drop...)
}

// count counts the rows by outcome, and the most frequent reasons.
func (r *run) count(ctx context.Context, rows query) error {
	s := &r.summary
	byState := []column{{stateColumn, "state"}}
	counted, err := rows.group(byState, column{"count(1)", "count"}).rows(ctx)
	if err != nil {
		return err
	}
	for _, row := range counted {
		n := integer(row, "count")
		s.Rows += n
		switch text(row, "state") {
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
	if s.Errors+s.Skipped == 0 {
		return nil
	}
	reasons, err := rows.where(stateColumn+" IN ('error', 'skipped')").
		group(append(byState, column{reasonColumn, "reason"}), column{"count(1)", "count"}).
		orderBy(order{name: "state", desc: true}, order{name: "count", desc: true}, order{name: "reason"}).limit(job.MaxExamples).rows(ctx)
	if err != nil {
		return err
	}
	for _, row := range reasons {
		reason, n := text(row, "reason"), integer(row, "count")
		if text(row, "state") == "error" {
			s.Examples = append(s.Examples, job.Example{Rows: n, Err: sensitive.New(reason)})
			continue
		}
		if s.Reasons == nil {
			s.Reasons = map[string]int64{}
		}
		s.Reasons[strings.TrimPrefix(reason, job.SkippedPrefix)] += n
	}
	return nil
}
