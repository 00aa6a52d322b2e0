package files

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// jsonColumn checks a JSON value that is not null and appends it to b unless b is
// nil.
type jsonColumn func(b array.Builder, value []byte) error

// errChanged reports that a type cannot represent a value exactly.
var errChanged = errors.New("the type cannot represent the value")

// jsonColumnOf returns a parser for a type. A given type accepts every value that
// can be converted, an inferred type only values that it represents exactly.
func jsonColumnOf(t arrow.DataType, given bool) jsonColumn {
	switch t := t.(type) {
	case *arrow.ListType:
		return jsonList(t)
	case *arrow.StructType:
		return jsonStruct(t)
	}
	of := scalarOf(t)
	if t.ID() == arrow.STRING {
		return func(b array.Builder, value []byte) error {
			if value[0] == '"' {
				return of(b, appendUnquoted(nil, value))
			}
			return of(b, value)
		}
	}
	quoted := t.ID() == arrow.TIMESTAMP || t.ID() == arrow.DATE32 || t.ID() == arrow.BINARY
	return func(b array.Builder, value []byte) error {
		text := value
		if value[0] == '"' {
			text = appendUnquoted(nil, value)
		}
		switch c := value[0]; {
		case c == '{', c == '[', c != '"' && quoted, c == '"' && !given && (t.ID() != arrow.FLOAT64 || !nonFinite(text)):
			return sensitive.Errorf("%s is not a valid %s", sensitive.Text(value), typeName(t))
		case !given && !keeps(t, text):
			return sensitive.Errorf("%s cannot be represented exactly as %s", sensitive.Text(value), typeName(t))
		}
		return of(b, text)
	}
}

func jsonList(t *arrow.ListType) jsonColumn {
	element := jsonColumnOf(t.Elem(), false)
	return func(b array.Builder, value []byte) error {
		if value[0] != '[' {
			return sensitive.Errorf("%s is not a list", sensitive.Text(value))
		}
		if b == nil {
			return elements(value, func(v []byte) error {
				if v[0] == 'n' {
					return nil
				}
				return element(nil, v)
			})
		}
		list := b.(*array.ListBuilder)
		list.Append(true)
		return elements(value, func(v []byte) error { appendJSON(list.ValueBuilder(), element, v); return nil })
	}
}

func jsonStruct(t *arrow.StructType) jsonColumn {
	fields := make([]jsonColumn, t.NumFields())
	for i, f := range t.Fields() {
		fields[i] = jsonColumnOf(f.Type, false)
	}
	return func(b array.Builder, value []byte) error {
		if value[0] != '{' {
			return sensitive.Errorf("%s is not an object", sensitive.Text(value))
		}
		values := make([][]byte, len(fields))
		err := members(value, func(name string, v []byte) error {
			i, ok := t.FieldIdx(name)
			switch {
			case !ok:
				return fmt.Errorf("unknown key %q in the object", name)
			case values[i] != nil:
				return fmt.Errorf("duplicate key %q in the object", name)
			}
			if b == nil && v[0] != 'n' {
				if err := fields[i](nil, v); err != nil {
					return fmt.Errorf("member %s: %w", name, err)
				}
			}
			values[i] = v
			return nil
		})
		if err != nil || b == nil {
			return err
		}
		of := b.(*array.StructBuilder)
		of.Append(true)
		for i, v := range values {
			appendJSON(of.FieldBuilder(i), fields[i], v)
		}
		return nil
	}
}

// appendJSON appends a value that was checked.
func appendJSON(b array.Builder, column jsonColumn, value []byte) {
	if value == nil || value[0] == 'n' {
		b.AppendNull()
		return
	}
	column(b, value)
}
