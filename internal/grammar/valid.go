package grammar

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// valid reports whether a value of enum or const, or an answer, meets a schema.
// It ignores formats.
func (c *compiler) valid(v, schema *value, depth int) (bool, error) {
	if schema.kind == boolean {
		return schema.truth, nil
	}
	if depth > maxSchemaDepth {
		return false, c.refuse(schema, "the schema refers to itself without end")
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
			return !arg.truth || c.allowDuplicates || len(distinctItems(v.items)) == len(v.items), nil
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

// itemOf returns the schema of item i of an array, or nil.
func itemOf(schema *value, i int) *value {
	if prefix := prefixOf(schema); i < len(prefix) {
		return prefix[i]
	}
	if items := schema.get("items"); items == nil || items.kind != array {
		return items
	}
	return schema.get("additionalItems")
}

// prefixOf returns the schemas of the first items of an array, in the form of
// draft 2020-12 or of draft 7.
func prefixOf(schema *value) []*value {
	if prefix := schema.get("prefixItems"); prefix != nil {
		return prefix.items
	}
	if items := schema.get("items"); items != nil && items.kind == array {
		return items.items
	}
	return nil
}

// propertiesOf returns the schemas of a property of an object.
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

// matches reports whether a pattern matches in any part of a text.
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

// distinctItems returns the items without those that are equal to an earlier
// one.
func distinctItems(items []*value) []*value {
	var all []*value
	for _, item := range items {
		if !slices.ContainsFunc(all, item.equal) {
			all = append(all, item)
		}
	}
	return all
}
