package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// A value is a JSON value. Objects keep the order of their keys.
type value struct {
	kind    jsonKind
	truth   bool
	text    string // a string, or a number as it was written
	items   []*value
	keys    []string // the keys of an object; items are the values
	pointer string   // JSON pointer to the value in the schema
	id      int
}

type jsonKind uint8

const (
	null jsonKind = iota
	boolean
	number
	text
	array
	object
)

func (k jsonKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

const (
	maxSchemaBytes = 1 << 20
	maxSchemaDepth = 200
)

// parseJSON parses a schema.
func parseJSON(schema string) (*value, error) { return parse(schema, false) }

// parse parses a schema, or the answer of a model, which may have equal keys in
// one object.
func parse(schema string, answer bool) (*value, error) {
	if len(schema) > maxSchemaBytes {
		return nil, fmt.Errorf("the schema has %d bytes; the limit is %d", len(schema), maxSchemaBytes)
	}
	if !utf8.ValidString(schema) {
		return nil, errors.New("the schema is not UTF-8")
	}
	d := json.NewDecoder(strings.NewReader(schema))
	d.UseNumber()
	count := 0
	v, err := parseValue(d, "", 0, &count, answer)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("unexpected text after its end")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON, at byte %d: %w", d.InputOffset(), err)
	}
	return v, nil
}

func parseValue(d *json.Decoder, pointer string, depth int, count *int, answer bool) (*value, error) {
	if depth > maxSchemaDepth {
		return nil, fmt.Errorf("it has more than %d levels of nesting", maxSchemaDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, sensitive.JSON(err)
	}
	*count++
	v := &value{pointer: pointer, id: *count}
	switch t := t.(type) {
	case nil:
		v.kind = null
	case bool:
		v.kind, v.truth = boolean, t
	case json.Number:
		v.kind, v.text = number, t.String()
	case string:
		v.kind, v.text = text, t
	case json.Delim:
		v.kind = array
		seen := map[string]bool{}
		if t == '{' {
			v.kind = object
		}
		for i := 0; d.More(); i++ {
			key := strconv.Itoa(i)
			if v.kind == object {
				k, err := d.Token()
				if err != nil {
					return nil, sensitive.JSON(err)
				}
				key = k.(string)
				if seen[key] && !answer {
					return nil, sensitive.Errorf("one object has the key %s twice", sensitive.Text(key))
				}
				seen[key] = true
				v.keys = append(v.keys, key)
			}
			item, err := parseValue(d, pointer+"/"+pointerEscapes.Replace(key), depth+1, count, answer)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
		if _, err := d.Token(); err != nil {
			return nil, sensitive.JSON(err)
		}
	}
	return v, nil
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// get returns the value of a key of an object, or nil.
func (v *value) get(key string) *value {
	if i := slices.Index(v.keys, key); i >= 0 {
		return v.items[i]
	}
	return nil
}

// appendTo appends the value in the form of answers.
func (v *value) appendTo(out []byte) []byte {
	switch v.kind {
	case null:
		return append(out, "null"...)
	case boolean:
		return strconv.AppendBool(out, v.truth)
	case number:
		return append(out, v.text...)
	case text:
		return quote(out, v.text)
	}
	brackets := "[]"
	if v.kind == object {
		brackets = "{}"
	}
	out = append(out, brackets[0])
	for i, item := range v.items {
		if i > 0 {
			out = append(out, ", "...)
		}
		if v.kind == object {
			out = append(quote(out, v.keys[i]), ": "...)
		}
		out = item.appendTo(out)
	}
	return append(out, brackets[1])
}

// quote appends a JSON string in the form of answers: it escapes only the
// characters that JSON requires, with the short escapes where they exist.
func quote(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		out = quoteRune(out, r)
	}
	return append(out, '"')
}

func quoteRune(out []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(out, '\\', byte(r))
	case r >= ' ':
		return utf8.AppendRune(out, r)
	}
	if i := strings.IndexByte("\b\f\n\r\t", byte(r)); i >= 0 {
		return append(out, '\\', "bfnrt"[i])
	}
	return fmt.Appendf(out, `\u%04x`, r)
}

// equal compares values as JSON Schema does: numbers by value, objects in any
// order.
func (v *value) equal(w *value) bool {
	if v.kind != w.kind || len(v.items) != len(w.items) {
		return false
	}
	switch v.kind {
	case boolean:
		return v.truth == w.truth
	case number:
		a, errA := rational(v.text)
		b, errB := rational(w.text)
		return errA == nil && errB == nil && a.Cmp(b) == 0
	case text:
		return v.text == w.text
	case object:
		for i, key := range v.keys {
			other := w.get(key)
			if other == nil || !v.items[i].equal(other) {
				return false
			}
		}
		return true
	}
	return slices.EqualFunc(v.items, w.items, (*value).equal)
}
