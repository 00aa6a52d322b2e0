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

// input is a slice that a declared function takes: of the values of one parameter,
// or of structs whose fields are the parameters.
type input struct {
	elem   reflect.Type
	fields []sqltypes.Field // of the struct; nil for one parameter
	params []param
}

// param is a parameter.
type param struct {
	name string // "" for a parameter without a name
	of   reflect.Type
}

// parametersOf returns the fields of a struct as parameters, and any other type as
// one parameter.
func parametersOf[T any]() input {
	t := reflect.TypeFor[T]()
	if !isRow(t) {
		return parameterOf[T]()
	}
	in := input{elem: t}
	var err error
	if in.fields, err = sqltypes.Fields(t); err != nil {
		in.params = []param{{of: t}} // declare reports the error
		return in
	}
	for _, f := range in.fields {
		in.params = append(in.params, param{f.Name, f.Type})
	}
	return in
}

func parameterOf[T any]() input {
	t := reflect.TypeFor[T]()
	return input{elem: t, params: []param{{of: t}}}
}

// nullMode is how decode handles rows with a NULL that a parameter cannot hold.
type nullMode int

const (
	skipNulls nullMode = iota
	refuseNulls
)

// decode converts columns of arguments to the slices of the declared function. row
// is the row of each element, or nil if no row was skipped.
func (f *Function) decode(args []arrow.Array, rows int, mode nullMode) (slices []reflect.Value, row []int, err error) {
	if len(args) != len(f.params) {
		return nil, nil, fmt.Errorf("the number of columns is %d, but the number of parameters is %d", len(args), len(f.params))
	}
	if mode == skipNulls {
		row = f.completeRows(args, rows)
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
				if in.fields != nil {
					to = to.FieldByIndex(in.fields[k].Index)
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

// mistyped reports an argument with values that its parameter cannot hold.
func (f *Function) mistyped(i int, given arrow.Array, err error) error {
	p := f.params[i]
	return &ai.CallError{Function: f.name, Argument: i, Param: p.name, Expected: sqlOf(p.of), Given: columns.SQLType(given.DataType()),
		Problem: fmt.Sprintf("%s: %v", f.argument(i), err), Err: err}
}

// argument names an argument for errors.
func (f *Function) argument(i int) string {
	if name := f.params[i].name; name != "" {
		return "the argument " + name
	}
	return fmt.Sprintf("argument %d", i+1)
}

// completeRows lists the rows without a NULL that a parameter cannot hold. It
// returns nil for all rows.
func (f *Function) completeRows(args []arrow.Array, rows int) []int {
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

// fields returns the columns of the parameters of a map function in a batch of
// structs.
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
