package grammar

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// types is a set of JSON types. Integers and other numbers are separate types.
type types uint8

const (
	isNull types = 1 << iota
	isBoolean
	isInteger
	isFraction
	isString
	isArray
	isObject
	isAny = isNull | isBoolean | isInteger | isFraction | isString | isArray | isObject
)

var typeNames = map[string]types{
	"null": isNull, "boolean": isBoolean, "integer": isInteger, "number": isInteger | isFraction,
	"string": isString, "array": isArray, "object": isObject,
}

func (v *value) types() types {
	switch v.kind {
	case null:
		return isNull
	case boolean:
		return isBoolean
	case text:
		return isString
	case array:
		return isArray
	case object:
		return isObject
	}
	if r, err := rational(v.text); err == nil && r.IsInt() {
		return isInteger
	}
	return isFraction
}

// keywords maps each supported keyword to the check of its value, which returns
// the problem or "".
var keywords = map[string]func(*value) string{
	"type":                 typeValue,
	"const":                anyValue,
	"enum":                 wants(array),
	"properties":           objectOfSchemas,
	"required":             arrayOfStrings,
	"additionalProperties": schemaValue,
	"minProperties":        sizeValue,
	"maxProperties":        sizeValue,
	"prefixItems":          arrayOfSchemas,
	"items":                itemsValue,
	"additionalItems":      schemaValue,
	"propertyNames":        schemaValue,
	"patternProperties":    objectOfSchemas,
	"uniqueItems":          wants(boolean),
	"minItems":             sizeValue,
	"maxItems":             sizeValue,
	"minLength":            sizeValue,
	"maxLength":            sizeValue,
	"pattern":              wants(text),
	"format":               wants(text),
	"minimum":              wants(number),
	"maximum":              wants(number),
	"exclusiveMinimum":     wants(number),
	"exclusiveMaximum":     wants(number),
	"multipleOf":           wants(number),
	"anyOf":                arrayOfSchemas,
	"oneOf":                arrayOfSchemas,
	"allOf":                arrayOfSchemas,
	"$ref":                 wants(text),
}

// annotations are keywords that do not affect validity.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "example": true, "examples": true, "deprecated": true,
	"readOnly": true, "writeOnly": true, "$comment": true, "$schema": true, "$defs": true, "definitions": true,
	"$anchor": true, "contentEncoding": true, "contentMediaType": true, "contentSchema": true,
	"$vocabulary": true, "externalDocs": true, "discriminator": true,
}

func anyValue(*value) string { return "" }

func wants(kind jsonKind) func(*value) string {
	return func(v *value) string {
		if v.kind != kind {
			return "must be " + kind.String()
		}
		return ""
	}
}

func schemaValue(v *value) string {
	if v.kind != object && v.kind != boolean {
		return "must be a schema: an object, true or false"
	}
	return ""
}

// itemsValue checks the value of items. Before draft 2020-12 it may be a list of
// schemas, which has the meaning of prefixItems.
func itemsValue(v *value) string {
	if v.kind == array {
		return each(v, schemaValue)
	}
	return schemaValue(v)
}

func arrayOfSchemas(v *value) string {
	if v.kind != array || len(v.items) == 0 {
		return "must be a non-empty array of schemas"
	}
	return each(v, schemaValue)
}

func objectOfSchemas(v *value) string {
	if v.kind != object {
		return "must be an object of schemas"
	}
	return each(v, schemaValue)
}

func arrayOfStrings(v *value) string {
	if v.kind != array {
		return "must be an array of strings"
	}
	return each(v, wants(text))
}

func typeValue(v *value) string {
	known := func(v *value) string {
		if _, ok := typeNames[v.text]; v.kind != text || !ok {
			return "must be null, boolean, object, array, number, integer or string, or an array of these"
		}
		return ""
	}
	if v.kind == array {
		return each(v, known)
	}
	return known(v)
}

func sizeValue(v *value) string {
	if n, ok := asSize(v); !ok || n < 0 {
		return "must be an integer from 0 to 1000000000"
	}
	return ""
}

// asSize returns the value of an integer of at most 1e9.
func asSize(v *value) (int, bool) {
	if v.kind != number {
		return 0, false
	}
	r, err := rational(v.text)
	if err != nil || !r.IsInt() || !r.Num().IsInt64() || r.Num().Int64() > 1e9 {
		return 0, false
	}
	return int(r.Num().Int64()), true
}

func each(v *value, check func(*value) string) string {
	for _, item := range v.items {
		if problem := check(item); problem != "" {
			return problem
		}
	}
	return ""
}

// A SchemaError reports a part of a schema that is invalid or not supported.
type SchemaError struct {
	Pointer string // JSON pointer into the schema
	Problem error
}

func (e *SchemaError) Error() string { return fmt.Sprintf("schema at #%s: %v", e.Pointer, e.Problem) }
func (e *SchemaError) Unwrap() error { return e.Problem }

// refuse returns a SchemaError at a part of the schema.
func (c *compiler) refuse(at *value, format string, args ...any) error {
	return &SchemaError{at.pointer, sensitive.Errorf(format, args...)}
}

// checkKeywords returns an error if s has an unsupported keyword that may affect
// validity, or a keyword with an invalid value.
func (c *compiler) checkKeywords(s *value) error {
	if c.checked[s] {
		return nil
	}
	if items := s.get("items"); items != nil && items.kind == array && s.get("prefixItems") != nil {
		return c.refuse(items, "items is a list of schemas, as in draft 7, and cannot be combined with prefixItems")
	}
	for i, key := range s.keys {
		if check, ok := keywords[key]; ok {
			if problem := check(s.items[i]); problem != "" {
				return c.refuse(s.items[i], "%s %s", key, problem)
			}
			continue
		}
		switch {
		case annotations[key] || strings.HasPrefix(key, "x-"):
		case key == "$id" && s == c.root:
		case key == "nullable":
			return c.refuse(s.items[i], `nullable is not a keyword of JSON Schema; write "type": ["string", "null"]`)
		default:
			return c.refuse(s.items[i], "the keyword %q is not supported", key)
		}
	}
	c.checked[s] = true
	return nil
}

// types returns the types that the keyword "type" allows.
func (c *compiler) types(s *value) (types, error) {
	t := s.get("type")
	if t == nil {
		return isAny, nil
	}
	if t.kind == text {
		return typeNames[t.text], nil
	}
	var all types
	for _, item := range t.items {
		all |= typeNames[item.text]
	}
	return all, nil
}

// size returns the value of a keyword, or -1 if s does not have it.
func (c *compiler) size(s *value, key string) (int, error) {
	v := s.get(key)
	if v == nil {
		return -1, nil
	}
	n, ok := asSize(v)
	if !ok {
		return 0, c.refuse(v, "%s %s", key, sizeValue(v))
	}
	return n, nil
}

// resolve returns the schema that $ref refers to, within the root schema.
func (c *compiler) resolve(s, ref *value) (*value, error) {
	path, err := url.PathUnescape(ref.text)
	local, ok := strings.CutPrefix(path, "#")
	if err != nil || !ok {
		return nil, c.refuse(ref, "$ref %s is not supported: a reference must be within the schema, as #/$defs/name", sensitive.Text(ref.text))
	}
	if local != "" && local[0] != '/' {
		if c.anchors == nil {
			c.anchors = map[string]*value{}
			c.findAnchors(c.root)
		}
		if target := c.anchors[local]; target != nil {
			return target, nil
		}
		return nil, c.refuse(ref, "$ref %s does not exist in the schema", sensitive.Text(ref.text))
	}
	at := c.root
	for i, key := range strings.Split(local, "/") {
		if i == 0 {
			continue
		}
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		var next *value
		switch at.kind {
		case object:
			next = at.get(key)
		case array:
			if n, err := strconv.Atoi(key); err == nil && n >= 0 && n < len(at.items) {
				next = at.items[n]
			}
		}
		if next == nil {
			return nil, c.refuse(ref, "$ref %s does not exist in the schema", sensitive.Text(ref.text))
		}
		at = next
		if at.get("$id") != nil {
			return nil, c.refuse(at, `the keyword "$id" is supported only at the root`)
		}
	}
	if problem := schemaValue(at); problem != "" {
		return nil, c.refuse(ref, "the target of $ref %s %s", sensitive.Text(ref.text), problem)
	}
	return at, nil
}

func (c *compiler) findAnchors(v *value) {
	if v.kind == object {
		if v != c.root && v.get("$id") != nil {
			return
		}
		if a := v.get("$anchor"); a != nil && a.kind == text && c.anchors[a.text] == nil {
			c.anchors[a.text] = v
		}
	}
	for i, item := range v.items {
		if v.kind == object && (v.keys[i] == "const" || v.keys[i] == "enum" || v.keys[i] == "default" || v.keys[i] == "examples") {
			continue
		}
		c.findAnchors(item)
	}
}
