package udf

import (
	"context"
	"reflect"

	"github.com/apache/arrow-go/v18/arrow"
)

// Group collects the rows of a group for an aggregate function.
type Group struct {
	f    *Function
	rows reflect.Value // without rows that have a NULL which the parameters cannot hold
}

// NewGroup returns an empty group.
func (f *Function) NewGroup() *Group {
	return &Group{f: f, rows: reflect.Zero(reflect.SliceOf(f.inputs[0].elem))}
}

// Add adds rows to the group. args are columns of the given number of rows.
func (g *Group) Add(args []arrow.Array, rows int) error {
	in, _, err := g.f.decode(args, rows, skipNulls)
	switch {
	case err != nil:
		return err
	case g.rows.IsNil():
		g.rows = in[0]
	default:
		g.rows = reflect.AppendSlice(g.rows, in[0])
	}
	return nil
}

// Eval computes the value of the group as a column of one row. Call it once.
func (g *Group) Eval(ctx context.Context, s Settings) (arrow.Array, error) {
	if g.rows.Len() == 0 {
		return g.f.columnOf(s, reflect.Zero(reflect.SliceOf(g.f.returns)), 1, nil)
	}
	out, err := g.f.aggregate(ctx, g.rows)
	if err != nil {
		return nil, err
	}
	return g.f.columnOf(s, out, 1, nil)
}
