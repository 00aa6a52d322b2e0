package onspark

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Columns of inputs and answers.
const (
	keyColumn    = "key"    // SHA-256 of the variable arguments as JSON
	answerColumn = "answer" // STRUCT of result, error, raw
)

// answerAll adds two columns for each call that has none yet: its answer, NULL
// if there is none, and whether there is one.
func (r *run) answerAll(ctx context.Context, rows query, calls []*sqlexpr.Call) (query, error) {
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

func (r *run) answer(ctx context.Context, rows query, c *sqlexpr.Call) (query, error) {
	number := len(r.calls)
	name := fmt.Sprintf("%sanswer%d", prefix, number)
	key := name + "_key"
	rows = rows.with(key, r.keySQL(c))
	reached := rows
	if r.reached != "" {
		reached = rows.where(r.reached)
	}
	distinct, err := r.cache(ctx, fmt.Sprintf("inputs%d", number), r.distinct(reached, key, c))
	if err != nil {
		return nil, err
	}
	answers, err := r.store(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := r.ask(ctx, c, distinct, answers); err != nil {
		return nil, err
	}
	r.answers[c.Text] = name
	r.calls = append(r.calls, c)

	known := answers.known().
		group([]column{{expr: keyColumn}}, column{"any_value(" + answerColumn + ")", name}, column{"true", name + "_known"}).
		project(column{keyColumn, key}, column{expr: name}, column{expr: name + "_known"})
	rows = rows.join(known, "left", key)
	answered := fmt.Sprintf("coalesce(%s_known, false)", name)
	if r.reached != "" {
		// A ledger may have answers of rows that the budget does not reach.
		answered += " AND " + r.reached
		rows = rows.with(name, fmt.Sprintf("if(%s, %s, NULL)", r.reached, name))
	}
	return rows.with(name+"_known", answered).drop(key), nil
}

// keySQL is the key of a call's input.
func (r *run) keySQL(c *sqlexpr.Call) string {
	var fields []string
	for _, a := range r.variable(c) {
		fields = append(fields, fmt.Sprintf("'%s', %s", a.name, a.expr))
	}
	if fields == nil {
		return "sha2('', 256)"
	}
	return "sha2(to_json(named_struct(" + strings.Join(fields, ", ") + ")), 256)"
}

// variable returns the arguments of a call that are not constant, over the
// columns of the rows. Argument i has the name ai.
func (r *run) variable(c *sqlexpr.Call) []column {
	var all []column
	for i, a := range c.Args {
		if !a.Constant {
			all = append(all, column{a.SQL(r.result), fmt.Sprintf("a%d", i)})
		}
	}
	return all
}

// distinct returns the distinct inputs of a call: key, arguments, and the number
// of equal rows.
func (r *run) distinct(rows query, key string, c *sqlexpr.Call) query {
	arguments := r.variable(c)
	one := []column{{"count(1)", "equal"}}
	for _, a := range arguments {
		one = append(one, column{"any_value(" + a.name + ")", a.name})
	}
	return rows.project(append([]column{{key, keyColumn}}, arguments...)...).
		group([]column{{expr: keyColumn}}, one...).
		repartition(4*r.cores, keyColumn)
}

// askSQL is the call over the columns of distinct inputs, in its try_ form, so
// that an error becomes a value.
func askSQL(c *sqlexpr.Call) string {
	name := c.Function.Name
	if c.Function.Of == nil {
		name = "try_" + name
	}
	var args []string // by position, which all versions of Spark accept
	for i, a := range c.Args {
		for len(args) <= c.Param(i) {
			args = append(args, "NULL")
		}
		at := &args[c.Param(i)]
		if *at = fmt.Sprintf("a%d", i); a.Constant {
			*at = a.SQL(func(*sqlexpr.Call) string { return "" }) // a constant has no calls
		}
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}
