package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// A value is JSON with its objects in order.
type value struct {
	kind    jsonKind
	truth   bool
	text    string // of a string; of a number as it was written
	items   []*value
	keys    []string // of an object; items are its values
	pointer string   // where it stands in the schema, as a JSON pointer
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

// parseJSON reads a schema. An answer of a model may have equal keys in an
// object.
func parseJSON(schema string) (*value, error) { return parse(schema, false) }

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
			err = errors.New("there is more after its end")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON, at byte %d: %w", d.InputOffset(), err)
	}
	return v, nil
}

func parseValue(d *json.Decoder, pointer string, depth int, count *int, answer bool) (*value, error) {
	if depth > maxSchemaDepth {
		return nil, fmt.Errorf("it is nested more than %d deep", maxSchemaDepth)
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
					return nil, sensitive.Errorf("the key %s stands twice in one object", sensitive.Text(key))
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

// get gives an object's value, or nil.
func (v *value) get(key string) *value {
	if i := slices.Index(v.keys, key); i >= 0 {
		return v.items[i]
	}
	return nil
}

// appendTo writes the value as this package writes answers.
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

// quote writes a JSON string in the one way that answers have them: only what
// must be escaped is, with the short escapes where there are.
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

// equal compares as JSON Schema does: numbers by value, objects in any order.
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

// valid tells whether a value, from an enum or a const, meets a schema. Formats
// are not looked at. The schema's keywords were checked before.
func (c *compiler) valid(v, schema *value, depth int) (bool, error) {
	if schema.kind == boolean {
		return schema.truth, nil
	}
	if depth > maxSchemaDepth {
		return false, c.refuse(schema, "it refers to itself without end")
	}
	if err := c.spend(schema, 1); err != nil {
		return false, err
	}
	if err := c.checkKeywords(schema); err != nil {
		return false, err
	}
	within := func(v, s *value) (bool, error) { return c.valid(v, s, depth+1) }
	for i, key := range schema.keys {
		ok, err := c.validKeyword(v, schema, key, schema.items[i], within)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c *compiler) validKeyword(v, schema *value, key string, arg *value, within func(v, s *value) (bool, error)) (bool, error) {
	count := func(schemas []*value) (n int, err error) {
		for _, s := range schemas {
			ok, err := within(v, s)
			if err != nil {
				return 0, err
			}
			if ok {
				n++
			}
		}
		return n, nil
	}
	switch key {
	case "$ref":
		target, err := c.resolve(schema, arg)
		if err != nil {
			return false, err
		}
		return within(v, target)
	case "allOf":
		n, err := count(arg.items)
		return n == len(arg.items), err
	case "anyOf":
		n, err := count(arg.items)
		return n > 0, err
	case "oneOf":
		n, err := count(arg.items)
		return n == 1, err
	case "const":
		return v.equal(arg), nil
	case "enum":
		return slices.ContainsFunc(arg.items, v.equal), nil
	case "type":
		types, err := c.types(schema)
		return types&v.types() != 0, err
	}
	switch v.kind {
	case number:
		x, err := rational(v.text)
		if err != nil {
			return false, err
		}
		limit := func() (*big.Rat, error) { return rational(arg.text) }
		switch key {
		case "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum":
			l, err := limit()
			if err != nil {
				return false, err
			}
			order := x.Cmp(l)
			return order == 0 && (key == "minimum" || key == "maximum") ||
				order > 0 && strings.HasSuffix(key, "inimum") || order < 0 && strings.HasSuffix(key, "aximum"), nil
		case "multipleOf":
			l, err := limit()
			if err != nil || l.Sign() <= 0 {
				return false, err
			}
			return new(big.Rat).Quo(x, l).IsInt(), nil
		}
	case text:
		length := utf8.RuneCountInString(v.text)
		switch key {
		case "minLength", "maxLength":
			n, err := c.size(schema, key)
			return (key == "minLength") == (length > n) || length == n, err
		case "pattern":
			return c.matches(arg, v.text)
		}
	case array:
		switch key {
		case "minItems", "maxItems":
			n, err := c.size(schema, key)
			return (key == "minItems") == (len(v.items) > n) || len(v.items) == n, err
		case "uniqueItems":
			return !arg.truth || c.lenient || len(distinctItems(v.items)) == len(v.items), nil
		case "prefixItems", "items", "additionalItems":
			for i, item := range v.items {
				if s := itemOf(schema, i); s != nil {
					if ok, err := within(item, s); !ok || err != nil {
						return false, err
					}
				}
			}
		}
	case object:
		switch key {
		case "minProperties", "maxProperties":
			n, err := c.size(schema, key)
			return (key == "minProperties") == (len(v.items) > n) || len(v.items) == n, err
		case "required":
			for _, name := range arg.items {
				if v.get(name.text) == nil {
					return false, nil
				}
			}
		case "propertyNames":
			for _, name := range v.keys {
				if ok, err := within(&value{kind: text, text: name}, arg); !ok || err != nil {
					return false, err
				}
			}
		case "properties", "additionalProperties", "patternProperties":
			for i, name := range v.keys {
				all, err := c.propertiesOf(schema, name)
				if err != nil {
					return false, err
				}
				for _, s := range all {
					if ok, err := within(v.items[i], s); !ok || err != nil {
						return false, err
					}
				}
			}
		}
	}
	return true, nil
}

// itemOf is what a schema says of an array's item, or nil.
func itemOf(schema *value, i int) *value {
	if prefix := prefixOf(schema); i < len(prefix) {
		return prefix[i]
	}
	if items := schema.get("items"); items == nil || items.kind != array {
		return items
	}
	return schema.get("additionalItems")
}

// prefixOf are the schemas of an array's first items, as draft 2020-12 or
// draft 7 has them.
func prefixOf(schema *value) []*value {
	if prefix := schema.get("prefixItems"); prefix != nil {
		return prefix.items
	}
	if items := schema.get("items"); items != nil && items.kind == array {
		return items.items
	}
	return nil
}

// propertiesOf is what a schema says of an object's property.
func (c *compiler) propertiesOf(schema *value, name string) (all []*value, err error) {
	if properties := schema.get("properties"); properties != nil {
		if s := properties.get(name); s != nil {
			all = append(all, s)
		}
	}
	if patterns := schema.get("patternProperties"); patterns != nil {
		for i, expr := range patterns.keys {
			ok, err := c.matches(&value{kind: text, text: expr, pointer: patterns.items[i].pointer}, name)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, patterns.items[i])
			}
		}
	}
	if more := schema.get("additionalProperties"); len(all) == 0 && more != nil {
		all = append(all, more)
	}
	return all, nil
}

// matches tells whether a pattern matches somewhere in a text.
func (c *compiler) matches(pattern *value, s string) (bool, error) {
	m, err := c.patternMachine(pattern.text)
	if err != nil {
		return false, c.refuse(pattern, "%w", err)
	}
	quoted := quote(nil, s)
	set := m.start
	for _, b := range quoted[1 : len(quoted)-1] {
		set = m.step(set, b)
	}
	return m.accepts(set), nil
}

// distinctItems leaves out items that are equal to an earlier one.
func distinctItems(items []*value) []*value {
	var all []*value
	for _, item := range items {
		if !slices.ContainsFunc(all, item.equal) {
			all = append(all, item)
		}
	}
	return all
}
