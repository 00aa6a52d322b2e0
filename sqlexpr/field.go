package sqlexpr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// field reaches into a struct, or into a map by its key.
func (b *binder) field(n field) (term, error) {
	of, err := b.bind(n.of)
	if err != nil {
		return term{}, err
	}
	switch t := of.t.(type) {
	case *arrow.StructType:
		if of.array == nil {
			return term{}, b.wrong(n.at(), "a field is taken of a column or of a function's result here; write the value itself")
		}
		return b.structField(n, of, t)
	case *arrow.MapType:
		if of.array == nil {
			return term{}, b.wrong(n.at(), "a key is taken of a column or of a function's result here; write the value itself")
		}
		if classOf(t.KeyType()) != text || classOf(t.ItemType()) == other {
			return term{}, b.wrong(n.at(), "of a %s no value is taken here", sqlType(t))
		}
		array := func(r *run) *array.Map { return r.hold(of.array(r)).(*array.Map) }
		return term{at: n.at(), t: plainType(t.ItemType()), calls: of.calls,
			values: func(r *run) values { return lookup(array(r), n.name) }}, nil
	}
	return term{}, b.wrong(n.at(), "this is %s, which has no field %q; only a STRUCT and a MAP do", sqlType(of.t), n.name)
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
}

// hold keeps an array until the run's end.
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
