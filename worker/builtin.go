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
	"github.com/firesteel/firesteel/internal/registry"
)

// builtinPrefix is the prefix of the names of built-in functions.
const builtinPrefix = "firesteel_"

func (s *scope) newStringBuilder() array.StringLikeBuilder {
	return array.NewBuilder(s.mem, s.results.Of(ai.String)).(array.StringLikeBuilder)
}

func init() {
	err := registry.Functions.Add(registry.Entry{Name: bundle.Echo, Function: echo{}}, registry.Entry{Name: bundle.Info, Function: info{}},
		registry.Entry{Name: bundle.Install, Function: installFunction{}}, registry.Entry{Name: bundle.PrepareLedger, Function: prepareLedger{}},
		registry.Entry{Name: bundle.Usage, Function: usageFunction{}})
	if err != nil {
		panic(err)
	}
}

// echo returns its argument as text; see bundle.Echo.
type echo struct{}

func (echo) name() string { return bundle.Echo }

func (echo) bind(args []argument) ([]int, error) {
	return bindColumns(ai.Signature{Function: bundle.Echo, Params: []ai.Param{{Name: "value"}}}, args)
}

// returns is nil because a text keeps its own type.
func (echo) returns(*scope) arrow.DataType { return nil }

func (echo) eval(_ context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	switch args[0].DataType().ID() {
	case arrow.STRING, arrow.LARGE_STRING:
		args[0].Retain()
		return args[0], nil
	}
	text, err := columns.Text(args[0])
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

// info returns a processInfo as JSON; see bundle.Info.
type info struct{}

func (info) name() string { return bundle.Info }

func (info) bind(args []argument) ([]int, error) {
	return bindColumns(ai.Signature{Function: bundle.Info, Variadic: true}, args)
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
