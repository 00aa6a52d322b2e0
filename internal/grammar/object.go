package grammar

import (
	"math/bits"
	"slices"
)

func (c *compiler) object(set []*value) ([]term, error) {
	least, most, err := c.sizes(set, "Properties")
	if err != nil {
		return nil, err
	}
	r := &record{id: newID(), least: least, most: most, colon: c.literal(": "), end: c.literal("}")}
	keys := keyRules{least: 0, most: -1, any: true}
	for _, s := range set {
		if rule := s.get("propertyNames"); rule != nil {
			if err := c.addKeyRule(&keys, rule); err != nil {
				return nil, err
			}
		}
	}
	var names []string
	seen := map[string]bool{}
	required := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, s := range set {
		if p := s.get("properties"); p != nil {
			for _, name := range p.keys {
				add(name)
			}
		}
	}
	at := c.root
	for _, s := range set {
		if list := s.get("required"); list != nil {
			at = s
			for _, name := range list.items {
				add(name.text)
				required[name.text] = true
			}
		}
	}
	for _, name := range keys.listed {
		add(name)
	}
	if r.counts = least > len(required) || most >= 0; !r.counts {
		r.least = 0
	}
	if limit := 2000; len(names) > limit || r.counts && len(names) > limit/10 {
		return nil, c.refuse(at, "too many properties: 2000 are supported, and 200 with minProperties or maxProperties")
	}
	var inner []string // as they stand between quotes
	for _, name := range names {
		d, err := c.propertyDef(set, name)
		if err != nil {
			return nil, err
		}
		quoted := string(quote(nil, name))
		inner = append(inner, quoted[1:])
		r.properties = append(r.properties, property{
			first: c.literal(quoted + ": "), next: c.literal(", " + quoted + ": "), value: d, required: required[name],
		})
	}
	if keys.any {
		if err := c.addOthers(r, set, at, inner, keys); err != nil {
			return nil, err
		}
	}
	// Keys that are not named may stand twice, so they cannot be counted.
	if len(r.others) > 0 && least > max(1, len(required)) && !c.loose {
		return nil, c.refuse(at, "minProperties is supported with additionalProperties false only")
	}
	c.records = append(c.records, r)
	r.costs = map[[2]int]int32{}
	return []term{concat{c.literal("{"), partTerm{r, 0, 1}}}, nil
}

// propertyDef is what the set says of a property of that name.
func (c *compiler) propertyDef(set []*value, name string) (*def, error) {
	var both []*value
	for _, s := range set {
		if rule := s.get("propertyNames"); rule != nil {
			ok, err := c.valid(&value{kind: text, text: name}, rule, 0)
			if err != nil {
				return nil, err
			}
			if !ok {
				both = append(both, never)
			}
		}
		all, err := c.propertiesOf(s, name)
		if err != nil {
			return nil, err
		}
		both = append(both, all...)
	}
	return c.def(both)
}

// never is the schema that nothing meets.
var never = &value{kind: boolean, id: -1 << 40}

// keyRules are what propertyNames says of keys that are not named.
type keyRules struct {
	any         bool     // there are any
	listed      []string // all keys, where any is false
	exprs       []string
	least, most int // characters; most < 0 is no limit
}

// addKeyRule adds one schema of propertyNames: a list of names, or limits of a
// string.
func (c *compiler) addKeyRule(k *keyRules, rule *value) error {
	sets, err := c.alternativesOf(rule)
	if err != nil {
		return err
	}
	var names []string
	finite := true
	for _, set := range sets {
		texts, listed, err := c.listed(set)
		if err != nil {
			return err
		}
		finite = finite && listed
		for _, t := range texts {
			v, err := parseJSON(t)
			if err == nil && v.kind == text && !slices.Contains(names, v.text) {
				names = append(names, v.text)
			}
		}
	}
	switch {
	case finite && k.any:
		k.any, k.listed = false, names
		return nil
	case !k.any || len(sets) == 1 && len(sets[0]) == 0:
		return nil // each name is looked at by itself
	case len(sets) > 1:
		return c.refuse(rule, "propertyNames with alternatives is supported for lists of names only")
	}
	for _, s := range sets[0] {
		types, err := c.types(s)
		if err != nil {
			return err
		}
		k.any = k.any && types&isString != 0
	}
	exprs, _, err := c.textRules(sets[0])
	if err != nil {
		return err
	}
	least, most, err := c.sizes(sets[0], "Length")
	if err != nil {
		return err
	}
	k.exprs = append(k.exprs, exprs...)
	k.least = max(k.least, least)
	if k.most < 0 || most >= 0 && most < k.most {
		k.most = most
	}
	return nil
}

// maxKeyPatterns bounds the patterns of patternProperties that hold for one
// object: every combination of them is a case.
const maxKeyPatterns = 3

// addOthers adds the keys that are not named: for each combination of the
// patterns that match them, what their values are.
func (c *compiler) addOthers(r *record, set []*value, at *value, inner []string, keys keyRules) error {
	var patterns []string
	for _, s := range set {
		if p := s.get("patternProperties"); p != nil {
			for _, expr := range p.keys {
				if !slices.Contains(patterns, expr) {
					patterns = append(patterns, expr)
				}
			}
		}
	}
	if len(patterns) > maxKeyPatterns {
		return c.refuse(at, "more than %d patterns of patternProperties for one object are not supported", maxKeyPatterns)
	}
	for matched := uint(0); matched < 1<<len(patterns); matched++ {
		var both []*value
		for _, s := range set {
			some := false
			if p := s.get("patternProperties"); p != nil {
				for i, expr := range p.keys {
					if matched>>slices.Index(patterns, expr)&1 == 1 {
						both, some = append(both, p.items[i]), true
					}
				}
			}
			if p := s.get("additionalProperties"); p != nil && !some {
				both = append(both, p)
			}
		}
		if slices.ContainsFunc(both, func(s *value) bool { return s.kind == boolean && !s.truth }) {
			continue
		}
		key, err := c.otherKeys(inner, keys, patterns, matched)
		if err != nil {
			return c.refuse(at, "keys that are not named (%d patterns match): %v", bits.OnesCount(matched), err)
		}
		if key == nil {
			continue
		}
		d, err := c.def(both)
		if err != nil {
			return err
		}
		r.others = append(r.others, others{key, d})
	}
	if len(r.others) > 0 {
		r.openFirst, r.open = c.literal(`"`), c.literal(`, "`)
	}
	return nil
}

// otherKeys is the text of any key but some, with the quote that ends it, of
// those patterns of which matched has the bits; nil if there is none.
func (c *compiler) otherKeys(but []string, keys keyRules, patterns []string, matched uint) (term, error) {
	ruled := len(patterns) > 0 || len(keys.exprs) > 0 || keys.least > 0 || keys.most >= 0
	switch {
	case !ruled && len(but) == 0:
		return concat{partTerm{c.vocab.chars, 0, -1}, c.literal(`"`)}, nil
	case !ruled:
		return c.unnamedKeys(but)
	}
	sides := []recognizer{newSets(c.vocab.anyText)}
	if len(but) > 0 {
		texts := make([]string, len(but))
		for i, b := range but {
			texts[i] = b[:len(b)-1] // without the quote
		}
		sides = append(sides, newBut(texts))
	}
	for _, expr := range keys.exprs {
		m, err := quotedPattern(c.vocab, expr, true)
		if err != nil {
			return nil, err
		}
		sides = append(sides, newSets(m))
	}
	for i, expr := range patterns {
		m, err := c.patternMachine(expr)
		if err != nil {
			return nil, err
		}
		if matched>>i&1 == 1 {
			sides = append(sides, newSets(m))
		} else {
			sides = append(sides, not{newSets(m)})
		}
	}
	m, err := limited(c.vocab, sides, keys.least, keys.most)
	if err != nil || len(m.start) == 0 {
		return nil, err
	}
	return concat{m, c.literal(`"`)}, nil
}

// unnamedKeys is the text of any key but some.
func (c *compiler) unnamedKeys(but []string) (term, error) {
	end := *c.vocab.anyText
	end.states = slices.Clone(end.states)
	// The quote makes an end of each text, and of the keys to leave out.
	last := int32(len(end.states))
	for q := range end.states {
		st := &end.states[q]
		if st.accept {
			st.accept = false
			st.edges = append(slices.Clone(st.edges), span{'"', '"', last})
		}
	}
	end.states = append(end.states, state{accept: true})
	return intersect(c.vocab, newSets(&end), newBut(but))
}
