package udf

import (
	"fmt"
	"reflect"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/sqltypes"
)

// input is one slice that a function takes: of values of one parameter, or of
// structs whose fields are parameters.
type input struct {
	elem   reflect.Type
	row    []sqltypes.Field // nil for one parameter
	params []param
}

// param is a parameter: a column of arguments.
type param struct {
	name string // "" if it has none
	of   reflect.Type
}

// parametersOf takes a struct's fields as parameters.
func parametersOf[T any]() input {
	t := reflect.TypeFor[T]()
	if !isRow(t) {
		return parameterOf[T]()
	}
	in := input{elem: t}
	var err error
	if in.row, err = sqltypes.Fields(t); err != nil {
		in.params = []param{{of: t}} // of which declare says the same
		return in
	}
	for _, f := range in.row {
		in.params = append(in.params, param{f.Name, f.Type})
	}
	return in
}

func parameterOf[T any]() input {
	t := reflect.TypeFor[T]()
	return input{elem: t, params: []param{{of: t}}}
}

// nulls says what becomes of rows with a NULL that a parameter cannot hold.
type nulls int

const (
	leaveOut nulls = iota
	refuse
)

// decode makes the function's slices of columns of arguments. row gives the
// row of each element; it is nil if none was left out.
func (f *Function) decode(args []arrow.Array, rows int, n nulls) (slices []reflect.Value, row []int, err error) {
	if len(args) != len(f.params) {
		return nil, nil, fmt.Errorf("%d columns are given for its %d parameters", len(args), len(f.params))
	}
	if n == leaveOut {
		row = f.complete(args, rows)
	}
	kept := rows
	if row != nil {
		kept = len(row)
	}
	at := 0
	for _, in := range f.inputs {
		slice := reflect.MakeSlice(reflect.SliceOf(in.elem), kept, kept)
		for k, p := range in.params {
			read, err := newReader(p.of, args[at])
			if err != nil {
				return nil, nil, f.mistyped(at, args[at], err)
			}
			for i := range kept {
				from, to := i, slice.Index(i)
				if row != nil {
					from = row[i]
				}
				if in.row != nil {
					to = to.FieldByIndex(in.row[k].Index)
				}
				if err := read(from, to); err != nil {
					return nil, nil, fmt.Errorf("%s, row %d of the batch: %w", f.argument(at), from, err)
				}
			}
			at++
		}
		slices = append(slices, slice)
	}
	return slices, row, nil
}

// mistyped reports an argument whose values its parameter cannot hold.
func (f *Function) mistyped(i int, given arrow.Array, err error) error {
	p := f.params[i]
	return &ai.CallError{Function: f.name, Argument: i, Param: p.name, Expected: sqlOf(p.of), Given: columns.SQLType(given.DataType()),
		Problem: fmt.Sprintf("%s: %v", f.argument(i), err), Err: err}
}

// argument names an argument in an error.
func (f *Function) argument(i int) string {
	if name := f.params[i].name; name != "" {
		return "the argument " + name
	}
	return fmt.Sprintf("argument %d", i+1)
}

// complete lists the rows without a NULL that its parameter cannot hold, and
// is nil if that is all of them.
func (f *Function) complete(args []arrow.Array, rows int) []int {
	var strict []arrow.Array
	for i, p := range f.params {
		if !nilable(p.of) && (args[i].NullN() > 0 || args[i].DataType().ID() == arrow.NULL) {
			strict = append(strict, args[i])
		}
	}
	if len(strict) == 0 {
		return nil
	}
	row := make([]int, 0, rows)
next:
	for i := range rows {
		for _, a := range strict {
			if isNull(a, i) {
				continue next
			}
		}
		row = append(row, i)
	}
	return row
}

// fields gives the columns of a batch's struct in the order of the map
// function's parameters.
func (f *Function) fields(s *array.Struct) ([]arrow.Array, error) {
	of := s.DataType().(*arrow.StructType)
	args := make([]arrow.Array, len(f.params))
	for i, p := range f.params {
		at := fieldIndex(of, p.name)
		if at < 0 {
			return nil, fmt.Errorf("the rows have no column %s", p.name)
		}
		args[i] = s.Field(at)
	}
	return args, nil
}
