package ai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// storedAnswer is an answer as a ledger stores it by its Identity: JSON of
//
// {"value": V, "raw": TEXT, "note": TEXT, "cut": BOOLEAN}
//
// in which all but value are omitted if they are empty. V is null for NULL, a
// text, a number or a boolean for these types, and a list for an ARRAY. A MAP is a
// list of [key, value], a STRUCT the list of the values of its fields.
type storedAnswer struct {
	Value json.RawMessage `json:"value"`
	Raw   string          `json:"raw,omitempty"`
	Note  string          `json:"note,omitempty"`
	Cut   bool            `json:"cut,omitempty"`
}

// Keep encodes an answer for a ledger; Kept decodes it. ok is false for an error,
// and for an answer that JSON does not represent exactly. The encoding is the same
// for a function and its try_ function.
func (f *Function) Keep(a Answer) (text []byte, ok bool) {
	if a.Err != nil || !utf8.ValidString(a.Raw) || !utf8.ValidString(a.Note) {
		return nil, false
	}
	plain := f
	if f.Of != nil {
		plain = f.Of
		if parts, ok := a.Value.([]any); ok {
			a.Value = parts[0]
		}
	}
	value, err := encodeValue(plain.Returns, a.Value)
	if err != nil {
		return nil, false
	}
	text, err = json.Marshal(storedAnswer{value, a.Raw, a.Note, a.Cut})
	// JSON changes invalid UTF-8.
	return text, err == nil && !bytes.Contains(value, []byte(`\ufffd`))
}

// Kept decodes an answer that Keep encoded.
func (f *Function) Kept(text []byte) (Answer, error) {
	plain := f
	if f.Of != nil {
		plain = f.Of
	}
	var k storedAnswer
	err := unmarshalStrict(text, &k)
	var value any
	if err == nil {
		value, err = decodeValue(plain.Returns, k.Value)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("a stored answer of %s: %w", plain.Name, err)
	}
	a := Answer{Value: value, Raw: k.Raw, Note: k.Note, Cut: k.Cut}
	if f.Of != nil {
		a.Value = structOf(a)
	}
	return a, nil
}

func unmarshalStrict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return sensitive.JSON(err)
	}
	if d.InputOffset() != int64(len(text)) {
		return fmt.Errorf("unexpected text after its end")
	}
	return nil
}

func encodeValue(t Type, v any) (json.RawMessage, error) {
	switch v := v.(type) {
	case Map:
		pairs := make([][2]any, len(v))
		for i, e := range v {
			pairs[i] = [2]any{e.Key, e.Value}
		}
		return json.Marshal(pairs)
	case []any:
		types, err := t.partTypes(len(v))
		if err != nil {
			return nil, err
		}
		all := make([]json.RawMessage, len(v))
		for i, of := range v {
			if all[i], err = encodeValue(types[i], of); err != nil {
				return nil, err
			}
		}
		return json.Marshal(all)
	}
	return json.Marshal(v)
}

func decodeValue(t Type, text json.RawMessage) (any, error) {
	if len(text) == 0 {
		return nil, fmt.Errorf("it has no value")
	}
	if string(text) == "null" {
		return nil, nil
	}
	switch t {
	case String:
		return read[string](text)
	case Boolean:
		return read[bool](text)
	case Int, Long:
		return read[int64](text)
	case Float, Double:
		return read[float64](text)
	case StringArray:
		return read[[]string](text)
	case FloatArray:
		return read[[]float32](text)
	case StringMap:
		pairs, err := read[[][]*string](text)
		if err != nil {
			return nil, err
		}
		m := make(Map, len(pairs.([][]*string)))
		for i, p := range pairs.([][]*string) {
			if len(p) != 2 || p[0] == nil {
				return nil, fmt.Errorf("entry %d of its map is not a pair of key and value", i+1)
			}
			m[i].Key = *p[0]
			if p[1] != nil {
				m[i].Value = *p[1]
			}
		}
		return m, nil
	}
	list, err := read[[]json.RawMessage](text)
	if err != nil {
		return nil, err
	}
	parts := list.([]json.RawMessage)
	types, err := t.partTypes(len(parts))
	if err != nil {
		return nil, err
	}
	values := make([]any, len(parts))
	for i, part := range parts {
		if values[i], err = decodeValue(types[i], part); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// partTypes returns the types of the n fields of a STRUCT, or of the n elements of an ARRAY.
func (t Type) partTypes(n int) ([]Type, error) {
	types := make([]Type, n)
	if element, ok := t.Element(); ok {
		for i := range types {
			types[i] = element
		}
		return types, nil
	}
	fields := t.Fields()
	if len(fields) != n {
		return nil, fmt.Errorf("it has %d values, not %d", n, len(fields))
	}
	for i, f := range fields {
		types[i] = f.Type
	}
	return types, nil
}

// read decodes JSON as a T.
func read[T any](text json.RawMessage) (any, error) {
	var v T
	err := unmarshalStrict(text, &v)
	return v, err
}
