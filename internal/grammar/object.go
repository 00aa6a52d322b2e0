package grammar

import (
	"math/bits"
	"slices"
)

// object returns the term of the objects that meet a set of schemas.
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
		return nil, c.refuse(at, "too many properties: at most 2000 are supported, and 200 with minProperties or maxProperties")
	}
	var quotedNames []string // with the closing quote, without the opening one
	for _, name := range names {
		d, err := c.propertyDef(set, name)
		if err != nil {
			return nil, err
		}
		quoted := string(quote(nil, name))
		quotedNames = append(quotedNames, quoted[1:])
		r.properties = append(r.properties, property{
			first: c.literal(quoted + ": "), next: c.literal(", " + quoted + ": "), value: d, required: required[name],
		})
	}
	if keys.any {
		if err := c.addOtherKeys(r, set, at, quotedNames, keys); err != nil {
			return nil, err
		}
	}
	// Keys without a name in the schema may repeat, so they cannot be counted.
	if len(r.others) > 0 && least > max(1, len(required)) && !c.overlapOnly {
		return nil, c.refuse(at, "minProperties is supported only with additionalProperties false")
	}
	c.records = append(c.records, r)
	r.costs = map[[2]int]int32{}
	return []term{concat{c.literal("{"), partTerm{r, 0, 1}}}, nil
}

// propertyDef returns the definition of the value of a property.
func (c *compiler) propertyDef(set []*value, name string) (*def, error) {
	var both []*value
	for _, s := range set {
		if rule := s.get("propertyNames"); rule != nil {
			ok, err := c.valid(&value{kind: text, text: name}, rule, 0)
			if err != nil {
				return nil, err
			}
			if !ok {
				both = append(both, falseSchema)
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

// falseSchema is the schema that no value meets.
var falseSchema = &value{kind: boolean, id: -1 << 40}

// keyRules are the restrictions of propertyNames on keys without a name in
// properties or required.
type keyRules struct {
	any         bool     // such keys are allowed
	listed      []string // all allowed keys, if any is false
	exprs       []string
	least, most int // limits of the length in characters; most < 0 means no limit
}

// addKeyRule adds a schema of propertyNames to k. The schema is a list of names,
// or restricts strings.
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
		return nil // propertyDef checks each name
	case len(sets) > 1:
		return c.refuse(rule, "propertyNames with alternatives is supported only for lists of names")
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

// maxKeyPatterns bounds the patterns of patternProperties that apply to one
// object, because each combination of them is a separate case.
const maxKeyPatterns = 3

// addOtherKeys adds the keys without a name in the schema: for each combination
// of patterns that match a key, the definition of its value.
func (c *compiler) addOtherKeys(r *record, set []*value, at *value, quotedNames []string, keys keyRules) error {
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
		key, err := c.otherKeys(quotedNames, keys, patterns, matched)
		if err != nil {
			return c.refuse(at, "other keys, with %d matching patterns: %w", bits.OnesCount(matched), err)
		}
		if key == nil {
			continue
		}
		d, err := c.def(both)
		if err != nil {
			return err
		}
		r.others = append(r.others, otherKey{key, d})
	}
	if len(r.others) > 0 {
		r.openFirst, r.open = c.literal(`"`), c.literal(`, "`)
	}
	return nil
}

// otherKeys returns the term of all keys, with the closing quote, that are not in
// excluded and match exactly the patterns whose bits are set in matched. It is
// nil if there is no such key.
func (c *compiler) otherKeys(excluded []string, keys keyRules, patterns []string, matched uint) (term, error) {
	restricted := len(patterns) > 0 || len(keys.exprs) > 0 || keys.least > 0 || keys.most >= 0
	switch {
	case !restricted && len(excluded) == 0:
		return concat{partTerm{c.vocab.chars, 0, -1}, c.literal(`"`)}, nil
	case !restricted:
		return c.keysExcept(excluded)
	}
	sides := []recognizer{determinize(c.vocab.anyText)}
	if len(excluded) > 0 {
		texts := make([]string, len(excluded))
		for i, name := range excluded {
			texts[i] = name[:len(name)-1] // without the quote
		}
		sides = append(sides, newExclusion(texts))
	}
	for _, expr := range keys.exprs {
		m, err := quotedPattern(c.vocab, expr, true)
		if err != nil {
			return nil, err
		}
		sides = append(sides, determinize(m))
	}
	for i, expr := range patterns {
		m, err := c.patternMachine(expr)
		if err != nil {
			return nil, err
		}
		if matched>>i&1 == 1 {
			sides = append(sides, determinize(m))
		} else {
			sides = append(sides, complement{determinize(m)})
		}
	}
	m, err := limited(c.vocab, sides, keys.least, keys.most)
	if err != nil || len(m.start) == 0 {
		return nil, err
	}
	return concat{m, c.literal(`"`)}, nil
}

// keysExcept returns the machine of all keys, with the closing quote, that are
// not in excluded.
func (c *compiler) keysExcept(excluded []string) (term, error) {
	end := *c.vocab.anyText
	end.states = slices.Clone(end.states)
	// The quote ends each text, and each excluded key.
	last := int32(len(end.states))
	for q := range end.states {
		st := &end.states[q]
		if st.accept {
			st.accept = false
			st.edges = append(slices.Clone(st.edges), span{'"', '"', last})
		}
	}
	end.states = append(end.states, state{accept: true})
	return intersect(c.vocab, determinize(&end), newExclusion(excluded))
}
