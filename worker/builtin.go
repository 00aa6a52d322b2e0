package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/columns"
)

// builtinPrefix heads the names of the functions that every worker has.
const builtinPrefix = "firesteel_"

func (s *scope) newStringBuilder() array.StringLikeBuilder {
	return array.NewBuilder(s.mem, s.results.Of(ai.String)).(array.StringLikeBuilder)
}

func builtin(name string) evaluator {
	switch name {
	case bundle.Echo:
		return echo{}
	case bundle.Info:
		return info{}
	case bundle.Install:
		return installFunction{}
	}
	return nil
}

type echo struct{}

func (echo) name() string { return bundle.Echo }

func (echo) bind(args []argument) ([]int, error) {
	bound, err := bindArguments(bundle.Echo, []string{"value"}, args)
	if err == nil && len(bound) != 1 {
		err = fmt.Errorf("%s takes 1 argument, not %d", bundle.Echo, len(bound))
	}
	return bound, err
}

// returns is not known: a text stays of its own type.
func (echo) returns(*scope) arrow.DataType { return nil }

func (echo) eval(_ context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	switch args[0].DataType().ID() {
	case arrow.STRING, arrow.LARGE_STRING:
		args[0].Retain()
		return args[0], nil
	}
	text, err := columns.Text(ai.Param{Name: "value", Type: ai.String}, args[0])
	if err != nil {
		return nil, err
	}
	b := s.newStringBuilder()
	defer b.Release()
	b.Reserve(rows)
	for i := range rows {
		if columns.IsNull(args[0], i) {
			b.AppendNull()
		} else {
			value := text(i)
			if err := columns.RoomFor(b, len(value)); err != nil {
				return nil, fmt.Errorf("row %d: %w", i, err)
			}
			b.Append(value)
		}
	}
	return b.NewArray(), nil
}

type info struct{}

func (info) name() string { return bundle.Info }

func (info) bind(args []argument) ([]int, error) {
	all := make([]int, len(args))
	for i, a := range args {
		all[i] = a.column
	}
	return all, nil
}

func (info) returns(s *scope) arrow.DataType { return s.results.Of(ai.String) }

func (info) eval(_ context.Context, s *scope, _ []arrow.Array, rows int) (arrow.Array, error) {
	text, err := json.Marshal(s.info())
	if err != nil {
		return nil, err
	}
	b := s.newStringBuilder()
	defer b.Release()
	b.Reserve(rows)
	for range rows {
		b.Append(string(text))
	}
	return b.NewArray(), nil
}
