package udf

import (
	"context"
	"reflect"

	"github.com/apache/arrow-go/v18/arrow"
)

// Group gathers the rows of a group for a function of Aggregate.
type Group struct {
	f    *Function
	rows reflect.Value // without those that have a NULL the function cannot hold
}

// NewGroup begins a group.
func (f *Function) NewGroup() *Group {
	return &Group{f: f, rows: reflect.Zero(reflect.SliceOf(f.inputs[0].elem))}
}

// Add takes further rows of the group: rows rows of the columns args.
func (g *Group) Add(args []arrow.Array, rows int) error {
	in, _, err := g.f.decode(args, rows, leaveOut)
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

// Eval gives the group's value, as a column of one row. It is called once.
func (g *Group) Eval(ctx context.Context, s Settings) (arrow.Array, error) {
	if g.rows.Len() == 0 { // nothing to ask
		return g.f.columnOf(s, reflect.Zero(reflect.SliceOf(g.f.returns)), 1, nil)
	}
	out, err := g.f.aggregate(ctx, g.rows)
	if err != nil {
		return nil, err
	}
	return g.f.columnOf(s, out, 1, nil)
}
