package columns

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
)

// Types selects the Arrow types of results.
type Types struct {
	// LargeStrings selects large_utf8, with 64-bit offsets, for STRING.
	LargeStrings bool
}

func (t Types) stringType() arrow.DataType {
	if t.LargeStrings {
		return arrow.BinaryTypes.LargeString
	}
	return arrow.BinaryTypes.String
}

// Of is the Arrow type of results of a type. Spark compares the names and the
// nullability of fields too.
func (t Types) Of(of ai.Type) arrow.DataType {
	switch of {
	case ai.String:
		return t.stringType()
	case ai.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case ai.Int:
		return arrow.PrimitiveTypes.Int32
	case ai.Long:
		return arrow.PrimitiveTypes.Int64
	case ai.Float:
		return arrow.PrimitiveTypes.Float32
	case ai.Double:
		return arrow.PrimitiveTypes.Float64
	case ai.StringArray:
		return arrow.ListOf(t.stringType())
	case ai.FloatArray:
		return arrow.ListOf(arrow.PrimitiveTypes.Float32)
	case ai.StringMap:
		return arrow.MapOf(t.stringType(), t.stringType())
	}
	if element, ok := of.Element(); ok {
		return arrow.ListOf(t.Of(element))
	}
	fields := of.Fields()
	if fields == nil {
		panic(fmt.Sprintf("columns: the type %s of a result has no Arrow type", of))
	}
	parts := make([]arrow.Field, len(fields))
	for i, f := range fields {
		parts[i] = arrow.Field{Name: f.Name, Type: t.Of(f.Type), Nullable: true}
	}
	return arrow.StructOf(parts...)
}

// NewBuilder returns a builder of a type, and a function that appends a value: nil
// for NULL, or a Go value of the type (see ai.Type). The caller releases the builder.
func (t Types) NewBuilder(mem memory.Allocator, of ai.Type) (array.Builder, func(any) error) {
	b := array.NewBuilder(mem, t.Of(of))
	return b, appender(of, b)
}

// Answers converts answers to a column of the result type of their function. The
// caller releases it.
func (t Types) Answers(mem memory.Allocator, returns ai.Type, answers []ai.Answer) (arrow.Array, error) {
	b, appendValue := t.NewBuilder(mem, returns)
	defer b.Release()
	b.Reserve(len(answers))
	if texts, ok := b.(array.StringLikeBuilder); ok {
		size := 0
		for _, answer := range answers {
			if text, ok := answer.Value.(string); ok {
				size += len(text)
			}
		}
		if err := RoomFor(texts, size); err == nil { // else the row is named
			texts.ReserveData(size)
		}
	}
	for i, answer := range answers {
		if err := appendValue(answer.Value); err != nil {
			return nil, fmt.Errorf("the answer of row %d: %w", i, err)
		}
	}
	return b.NewArray(), nil
}

func appender(t ai.Type, b array.Builder) func(any) error {
	add := adder(t, b)
	return func(v any) error {
		if v == nil {
			b.AppendNull()
			return nil
		}
		return add(v)
	}
}

// adder returns a function that appends a value that is not NULL.
func adder(t ai.Type, b array.Builder) func(any) error {
	switch b := b.(type) {
	case array.StringLikeBuilder:
		return func(v any) error {
			text, ok := v.(string)
			if !ok {
				return wrongType(t, v)
			}
			return appendText(b, text)
		}
	case *array.BooleanBuilder:
		return adding(t, b.Append)
	case *array.Int32Builder:
		return adding(t, func(v int64) { b.Append(int32(v)) })
	case *array.Int64Builder:
		return adding(t, b.Append)
	case *array.Float32Builder:
		return adding(t, func(v float64) { b.Append(float32(v)) })
	case *array.Float64Builder:
		return adding(t, b.Append)
	case *array.MapBuilder:
		key, item := b.KeyBuilder().(array.StringLikeBuilder), appender(ai.String, b.ItemBuilder())
		return func(v any) error {
			m, ok := v.(ai.Map)
			if !ok {
				return wrongType(t, v)
			}
			b.Append(true)
			for _, e := range m {
				if err := appendText(key, e.Key); err != nil {
					return err
				}
				if err := item(e.Value); err != nil {
					return err
				}
			}
			return nil
		}
	case *array.ListBuilder:
		if t == ai.FloatArray {
			values := b.ValueBuilder().(*array.Float32Builder)
			return adding(t, func(v []float32) {
				b.Append(true)
				values.AppendValues(v, nil)
			})
		}
		if element, ok := t.Element(); ok {
			add := appender(element, b.ValueBuilder())
			return func(v any) error {
				values, ok := v.([]any)
				if !ok {
					return wrongType(t, v)
				}
				b.Append(true)
				for i, value := range values {
					if err := add(value); err != nil {
						return fmt.Errorf("element %d: %w", i, err)
					}
				}
				return nil
			}
		}
		values := b.ValueBuilder().(array.StringLikeBuilder)
		return func(v any) error {
			texts, ok := v.([]string)
			if !ok {
				return wrongType(t, v)
			}
			b.Append(true)
			for _, text := range texts {
				if err := appendText(values, text); err != nil {
					return err
				}
			}
			return nil
		}
	case *array.StructBuilder:
		return structAdder(t, b)
	}
	panic(fmt.Sprintf("columns: no builder for results of type %s", t))
}

func appendText(b array.StringLikeBuilder, text string) error {
	if err := RoomFor(b, len(text)); err != nil {
		return err
	}
	b.Append(text)
	return nil
}

func structAdder(t ai.Type, b *array.StructBuilder) func(any) error {
	fields := t.Fields()
	add := make([]func(any) error, len(fields))
	for i, f := range fields {
		add[i] = appender(f.Type, b.FieldBuilder(i))
	}
	return func(v any) error {
		values, ok := v.([]any)
		if !ok || len(values) != len(fields) {
			return wrongType(t, v)
		}
		b.Append(true)
		for i, value := range values {
			if err := add[i](value); err != nil {
				return fmt.Errorf("field %s: %w", fields[i].Name, err)
			}
		}
		return nil
	}
}

// adding returns a function that appends values of one Go type.
func adding[T any](t ai.Type, add func(T)) func(any) error {
	return func(v any) error {
		of, ok := v.(T)
		if !ok {
			return wrongType(t, v)
		}
		add(of)
		return nil
	}
}

func wrongType(t ai.Type, v any) error { return fmt.Errorf("it is a %T, not %s", v, t) }
