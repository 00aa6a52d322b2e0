package grammar

import (
	"fmt"
	"math/bits"
	"slices"
)

// uniqueList is the rest of an array of different items from a small set of
// values. Bit i of n is set if value i was written.
type uniqueList struct {
	id          uint64
	values      []*literal
	least, most int // most < 0: no limit
	comma, end  *literal
}

// maxUnique bounds the number of values, because each has a bit of an int.
const maxUnique = 62

func (u *uniqueList) expand(s *space, _, n int) *node {
	var alts []*node
	count := bits.OnesCount(uint(n))
	if count >= u.least {
		alts = append(alts, u.end.node(s))
	}
	if u.most < 0 || count < u.most {
		for i, v := range u.values {
			if n>>i&1 == 1 {
				continue
			}
			item := s.sequence(v.node(s), s.part(u, 0, n|1<<i))
			if n != 0 {
				item = s.sequence(u.comma.node(s), item)
			}
			alts = append(alts, item)
		}
	}
	return s.either(alts...)
}

func (u *uniqueList) cost(_, n int) int32 {
	left := u.least - bits.OnesCount(uint(n))
	if u.most >= 0 && u.least > u.most {
		return impossible
	}
	if left <= 0 {
		return u.end.cost()
	}
	var costs []int32
	for i, v := range u.values {
		if n>>i&1 == 0 {
			costs = append(costs, v.cost())
		}
	}
	if len(costs) < left {
		return impossible
	}
	slices.Sort(costs)
	cost := u.end.cost()
	for _, c := range costs[:left] {
		cost = plus(cost, c)
	}
	commas := left
	if n == 0 {
		commas--
	}
	return plus(cost, times(commas, u.comma.cost()))
}

func (u *uniqueList) nullable(_, _ int) bool { return false }
func (u *uniqueList) height() int32          { return 1 }
func (u *uniqueList) partID() uint64         { return u.id }

// uniqueItems returns the array of a set whose items must be different. ok is
// false if its items have too many possible values; Finish then removes
// duplicates.
func (c *compiler) uniqueItems(set, items []*value, least, most int) (l *uniqueList, ok bool, err error) {
	unique := slices.ContainsFunc(set, func(s *value) bool {
		u := s.get("uniqueItems")
		return u != nil && u.truth
	})
	if !unique {
		return nil, false, nil
	}
	values, finite, err := c.finite(items)
	if err != nil {
		return nil, false, err
	}
	if !finite || len(values) > maxUnique || slices.ContainsFunc(set, func(s *value) bool { return prefixOf(s) != nil }) {
		c.needsFinish = c.needsFinish || !c.overlapOnly
		return nil, false, nil
	}
	l = &uniqueList{id: newID(), least: least, most: most, comma: c.literal(", "), end: c.literal("]")}
	for _, text := range values {
		l.values = append(l.values, c.literal(text))
	}
	return l, true, nil
}

// finite returns the values that a set of schemas allows, as JSON, if they are
// listed or are null and booleans.
func (c *compiler) finite(set []*value) (values []string, finite bool, err error) {
	sets := [][]*value{nil}
	for _, s := range set {
		more, err := c.alternativesOf(s)
		if err != nil {
			return nil, false, err
		}
		if sets, err = c.cross(s, sets, more); err != nil {
			return nil, false, err
		}
	}
	for _, plain := range sets {
		texts, listed, err := c.listed(plain)
		if err != nil {
			return nil, false, err
		}
		if !listed {
			allowed := isAny
			for _, s := range plain {
				t, err := c.types(s)
				if err != nil {
					return nil, false, err
				}
				allowed &= t
			}
			if allowed&^(isNull|isBoolean) != 0 {
				return nil, false, nil
			}
			if allowed&isNull != 0 {
				texts = append(texts, "null")
			}
			if allowed&isBoolean != 0 {
				texts = append(texts, "true", "false")
			}
		}
		for _, t := range texts {
			if !slices.Contains(values, t) {
				values = append(values, t)
			}
		}
	}
	return values, true, nil
}

// Finish applies the restrictions that the automaton does not check: it removes
// duplicate items of arrays with uniqueItems. It returns an error if too few
// items remain.
func (g *Grammar) Finish(answer string) (string, error) {
	if g.finisher == nil {
		return answer, nil
	}
	v, err := parse(answer, true)
	if err != nil {
		return "", err
	}
	g.mu.Lock() // the compiler caches results
	defer g.mu.Unlock()
	c := g.finisher
	*c.work, c.allowDuplicates = 0, true
	if err := c.distinct(v, c.root, 0); err != nil {
		return "", err
	}
	return string(v.appendTo(nil)), nil
}

// Finish is [Grammar.Finish] of the state's Grammar.
func (s State) Finish(answer string) (string, error) { return s.g.Finish(answer) }

// distinct removes duplicate items within v where schema has uniqueItems.
func (c *compiler) distinct(v, schema *value, depth int) error {
	if schema == nil || schema.kind == boolean || depth > maxSchemaDepth {
		return nil
	}
	for i, key := range schema.keys {
		arg := schema.items[i]
		switch key {
		case "$ref":
			target, err := c.resolve(schema, arg)
			if err != nil {
				return err
			}
			if err := c.distinct(v, target, depth+1); err != nil {
				return err
			}
		case "allOf", "anyOf", "oneOf":
			for _, sub := range arg.items {
				ok, err := c.valid(v, sub, 0)
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				if err := c.distinct(v, sub, depth+1); err != nil {
					return err
				}
			}
		}
	}
	switch v.kind {
	case array:
		for i, item := range v.items {
			if err := c.distinct(item, itemOf(schema, i), depth+1); err != nil {
				return err
			}
		}
		if u := schema.get("uniqueItems"); u == nil || !u.truth {
			return nil
		}
		v.items = distinctItems(v.items)
		least, err := c.size(schema, "minItems")
		if err == nil && len(v.items) < least {
			err = fmt.Errorf("the answer has %d different items, but the schema requires %d at #%s", len(v.items), least, schema.pointer)
		}
		return err
	case object:
		for i, name := range v.keys {
			all, err := c.propertiesOf(schema, name)
			if err != nil {
				return err
			}
			for _, s := range all {
				if err := c.distinct(v.items[i], s, depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
