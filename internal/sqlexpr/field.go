package sqlexpr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// field is a field of a struct, or a value of a map by its key.
func (b *binder) field(n field) (term, error) {
	of, err := b.bind(n.of)
	if err != nil {
		return term{}, err
	}
	switch t := of.t.(type) {
	case *arrow.StructType:
		if of.array == nil {
			return term{}, b.wrong(n.at(), "only a column and the result of a function have fields here; write the value itself")
		}
		return b.structField(n, of, t)
	case *arrow.MapType:
		if of.array == nil {
			return term{}, b.wrong(n.at(), "only a column and the result of a function have keys here; write the value itself")
		}
		if classOf(t.KeyType()) != text || classOf(t.ItemType()) == other {
			return term{}, b.wrong(n.at(), "values of a %s cannot be read here", sqlType(t))
		}
		array := func(r *run) *array.Map { return r.hold(of.array(r)).(*array.Map) }
		return term{at: n.at(), t: plainType(t.ItemType()), calls: of.calls,
			values: func(r *run) values { return lookup(array(r), n.name) }}, nil
	}
	return term{}, b.wrong(n.at(), "this is %s, which has no field %q; only STRUCT and MAP have fields", sqlType(of.t), n.name)
}

func (b *binder) structField(n field, of term, t *arrow.StructType) (term, error) {
	found, err := b.named(n.at(), n.name, t.Fields(), "field", "")
	if err != nil {
		return term{}, err
	}
	take := func(r *run) arrow.Array {
		parent := of.array(r)
		defer parent.Release()
		return within(r.mem, parent.(*array.Struct), found)
	}
	return term{at: n.at(), t: t.Field(found).Type, calls: of.calls,
		values: func(r *run) values { return read(r.hold(take(r))) },
		array:  take}, nil
}

// run is the evaluation over one batch.
type run struct {
	mem     memory.Allocator
	batch   arrow.RecordBatch
	answers map[*Call]arrow.Array
	held    []arrow.Array
	values  map[int]arrow.Array // columns of the batch as values, see Values
}

// written is the type of a column that holds the text of its values as in the
// file, such as files.WrittenType. Expressions see the values.
type written interface {
	ValueType() arrow.DataType
	Values(mem memory.Allocator, a arrow.Array) arrow.Array
}

// ValueType returns the type that expressions see in a column of type t.
func ValueType(t arrow.DataType) arrow.DataType {
	if w, ok := t.(written); ok {
		return w.ValueType()
	}
	return t
}

// Values returns a column's values as expressions see them: of ValueType. The
// caller releases the array.
func Values(mem memory.Allocator, a arrow.Array) arrow.Array {
	if w, ok := a.DataType().(written); ok {
		return w.Values(mem, a)
	}
	a.Retain()
	return a
}

// column returns a column of the batch as values. The run releases it.
func (r *run) column(i int) arrow.Array {
	if r.values == nil {
		r.values = map[int]arrow.Array{}
	}
	if r.values[i] == nil {
		r.values[i] = r.hold(Values(r.mem, r.batch.Column(i)))
	}
	return r.values[i]
}

// hold makes the run release an array at its end.
func (r *run) hold(a arrow.Array) arrow.Array {
	r.held = append(r.held, a)
	return a
}

func (r *run) release() {
	for _, a := range r.held {
		a.Release()
	}
	for _, a := range r.answers {
		a.Release()
	}
}
