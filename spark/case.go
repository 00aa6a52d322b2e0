package spark

import (
	"fmt"
	"slices"
)

// Case is CASE WHEN with the branches so far; Otherwise makes it a Column.
type Case struct{ branches []any }

// When starts a CASE: value where condition is true. Values are as in Lit.
//
//	spark.When(spark.Col("stars").Lt(3), "bad").When(spark.Col("stars").Eq(3), "fair").Otherwise("good")
//
// Functions that run in a worker, and so all that ask a model, are computed
// for all rows, whatever branch they stand in.
func When(condition Column, value any) Case { return Case{}.When(condition, value) }

// When adds a branch, for rows of which no condition before is true.
func (c Case) When(condition Column, value any) Case {
	return Case{append(slices.Clip(c.branches), condition, value)}
}

// Otherwise is the value of rows of which no condition is true; nil is NULL.
func (c Case) Otherwise(value any) Column {
	if len(c.branches) == 0 {
		return Column{err: fmt.Errorf("an empty spark.Case was used; make one with spark.When")}
	}
	return Call("when", append(slices.Clip(c.branches), value)...)
}
