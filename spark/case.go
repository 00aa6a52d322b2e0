package spark

import (
	"fmt"
	"slices"
)

// Case is an unfinished CASE expression. Otherwise completes it to a Column.
type Case struct{ branches []any }

// When starts a CASE expression with a first branch: value for rows in which
// condition is true. Values are as in Lit.
//
//	spark.When(spark.Col("stars").Lt(3), "bad").When(spark.Col("stars").Eq(3), "fair").Otherwise("good")
//
// Spark computes functions that run in a worker, such as AI functions, for all
// rows, whatever their branch.
func When(condition Column, value any) Case { return Case{}.When(condition, value) }

// When adds a branch for rows in which no earlier condition is true.
func (c Case) When(condition Column, value any) Case {
	return Case{append(slices.Clip(c.branches), condition, value)}
}

// Otherwise completes the CASE expression with the value for rows in which no
// condition is true; nil is NULL.
func (c Case) Otherwise(value any) Column {
	if len(c.branches) == 0 {
		return Column{err: fmt.Errorf("an empty spark.Case was used; make one with spark.When")}
	}
	return Call("when", append(slices.Clip(c.branches), value)...)
}
