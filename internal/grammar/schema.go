package grammar

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// A compiler turns a JSON Schema into terms. It works on sets of schemas that
// all hold for one value: allOf, $ref and the schemas of a property that
// several of them name are nothing but larger sets.
type compiler struct {
	vocab  *Vocabulary
	root   *value
	source *source // what free strings are pieces of; nil for any text
	// loose is for deciding whether schemas exclude each other: formats, which
	// say nothing to most validators, and the source are left out, and oneOf
	// is anyOf.
	loose bool
	// repeats: some arrays may hold equal items though they must not, which
	// Finish mends; lenient: such values are valid.
	repeats, lenient bool
	work             *int

	checked               map[*value]bool
	anchors               map[string]*value
	alternatives          map[*value][][]*value
	active                map[*value]bool
	defs                  map[string]*def
	all                   []*def
	records               []*record
	solved, solvedRecords int
	words                 map[string]*literal
	machines              map[string][]term   // by what they are for
	patterns              map[string]*machine // by their expressions
}

func newCompiler(v *Vocabulary, root *value, source *source) *compiler {
	return &compiler{
		vocab: v, root: root, source: source, work: new(int), checked: map[*value]bool{}, words: map[string]*literal{}, machines: map[string][]term{}, patterns: map[string]*machine{},
		alternatives: map[*value][][]*value{}, active: map[*value]bool{}, defs: map[string]*def{},
	}
}

const (
	// maxWork bounds the schemas that are looked at, again and again included.
	maxWork         = 200_000
	maxAlternatives = 256
	maxOneOf        = 64
)

func (c *compiler) spend(at *value, n int) error {
	if *c.work += n; *c.work > maxWork {
		return c.refuse(at, "the schema is too complicated: its alternatives, in all combinations, are too many")
	}
	return nil
}

func (c *compiler) literal(text string) *literal {
	l, ok := c.words[text]
	if !ok {
		l = newLiteral(c.vocab, text)
		c.words[text] = l
	}
	return l
}

// solve finds the costs of the defs that are new. Those before them refer to
// none of the new ones.
func (c *compiler) solve() error {
	const maxRounds = 500
	for round, changed := 0, true; changed; round++ {
		if round > maxRounds {
			return c.refuse(c.root, "the schema is too complicated: it refers to itself in too many ways")
		}
		changed = false
		for _, r := range c.records[c.solvedRecords:] {
			r.costs = map[[2]int]int32{}
		}
		// What a def refers to mostly stands after it.
		for _, d := range slices.Backward(c.all[c.solved:]) {
			changed = d.recompute() || changed
		}
	}
	c.solved, c.solvedRecords = len(c.all), len(c.records)
	return nil
}

// alternativesOf gives the sets of plain schemas, of which one must hold: what
// is left when references are followed and alternatives are chosen.
func (c *compiler) alternativesOf(s *value) ([][]*value, error) {
	if s.kind == boolean {
		if s.truth {
			return [][]*value{nil}, nil
		}
		return nil, nil
	}
	if known, ok := c.alternatives[s]; ok {
		return known, nil
	}
	if c.active[s] {
		return nil, c.refuse(s, "it refers to itself without end")
	}
	if err := c.checkKeywords(s); err != nil {
		return nil, err
	}
	c.active[s] = true
	defer delete(c.active, s)
	// A schema that says nothing by itself is left out, so that equal sets are
	// seen to be equal.
	sets := [][]*value{nil}
	for _, key := range s.keys {
		if _, matters := keywords[key]; matters && !joins[key] {
			sets[0] = []*value{s}
		}
	}
	var err error
	and := func(more [][]*value) {
		if err == nil {
			sets, err = c.cross(s, sets, more)
		}
	}
	for i, key := range s.keys {
		arg := s.items[i]
		switch key {
		case "$ref":
			target, e := c.resolve(s, arg)
			if e != nil {
				return nil, e
			}
			more, e := c.alternativesOf(target)
			if e != nil {
				return nil, e
			}
			and(more)
		case "allOf":
			for _, sub := range arg.items {
				more, e := c.alternativesOf(sub)
				if e != nil {
					return nil, e
				}
				and(more)
			}
		case "anyOf", "oneOf":
			var union [][]*value
			for _, sub := range arg.items {
				more, e := c.alternativesOf(sub)
				if e != nil {
					return nil, e
				}
				union = append(union, more...)
			}
			if key == "oneOf" && !c.loose {
				if e := c.checkApart(s, arg); e != nil {
					return nil, e
				}
			}
			and(union)
		}
	}
	if err != nil {
		return nil, err
	}
	c.alternatives[s] = sets
	return sets, nil
}

// joins are the keywords that bring in other schemas for the same value.
var joins = map[string]bool{"$ref": true, "allOf": true, "anyOf": true, "oneOf": true}

// cross joins each set of one side with each of the other.
func (c *compiler) cross(at *value, left, right [][]*value) ([][]*value, error) {
	if len(left)*len(right) > maxAlternatives {
		return nil, c.refuse(at, "its alternatives come to more than %d", maxAlternatives)
	}
	var all [][]*value
	for _, l := range left {
		for _, r := range right {
			if err := c.spend(at, 1+len(l)+len(r)); err != nil {
				return nil, err
			}
			set := slices.Clone(l)
			for _, s := range r {
				if !slices.Contains(set, s) {
					set = append(set, s)
				}
			}
			all = append(all, set)
		}
	}
	return all, nil
}

// checkApart refuses a oneOf of which two alternatives may hold at once.
func (c *compiler) checkApart(s, oneOf *value) error {
	if len(oneOf.items) > maxOneOf {
		return c.refuse(oneOf, "oneOf with more than %d alternatives is not supported", maxOneOf)
	}
	apart := newCompiler(c.vocab, c.root, nil)
	apart.loose, apart.work, apart.checked, apart.words = true, c.work, c.checked, c.words
	// What stands beside oneOf holds too: its types and properties, say.
	beside := &value{kind: object, pointer: s.pointer, id: -s.id}
	for i, key := range s.keys {
		if !joins[key] {
			beside.keys = append(beside.keys, key)
			beside.items = append(beside.items, s.items[i])
		}
	}
	for i, a := range oneOf.items {
		for j, b := range oneOf.items[:i] {
			d, err := apart.def([]*value{beside, a, b})
			if err != nil {
				return err
			}
			if err := apart.solve(); err != nil {
				return err
			}
			if d.now < impossible {
				return c.refuse(oneOf, "alternatives %d and %d of oneOf may hold at once; say anyOf, or tell them apart by their types or by a required property with different const or enum", j, i)
			}
		}
	}
	return nil
}

// def gives what a set of schemas allows together.
func (c *compiler) def(set []*value) (*def, error) {
	set = slices.Clone(set)
	set = slices.DeleteFunc(set, func(s *value) bool { return s.kind == boolean && s.truth })
	d, known := c.defOf(setKey('d', set))
	if known {
		return d, nil
	}
	at := c.root
	if len(set) > 0 {
		at = set[0]
	}
	if err := c.spend(at, 10); err != nil {
		return nil, err
	}
	sets := [][]*value{nil}
	for _, s := range set {
		more, err := c.alternativesOf(s)
		if err != nil {
			return nil, err
		}
		if sets, err = c.cross(s, sets, more); err != nil {
			return nil, err
		}
	}
	for _, plain := range sets {
		p, err := c.plain(at, plain)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(d.alts, p.term()) {
			d.alts = append(d.alts, p.term())
		}
	}
	return d, nil
}

// defOf gives the definition of a key, and whether it was begun before: one
// that is not known is to be filled in, and may refer to itself meanwhile.
func (c *compiler) defOf(key string) (d *def, known bool) {
	if d, known = c.defs[key]; !known {
		d = &def{id: newID(), now: impossible}
		c.defs[key] = d
		c.all = append(c.all, d)
	}
	return d, known
}

// setKey tells sets of schemas apart.
func setKey(kind byte, set []*value) string {
	key := []byte{kind}
	for i, s := range set {
		if !slices.Contains(set[:i], s) {
			key = binary.AppendVarint(key, int64(s.id))
		}
	}
	return string(key)
}

// plain gives what plain schemas allow together: schemas whose references were
// followed and whose alternatives were chosen. At is where errors are told.
func (c *compiler) plain(at *value, set []*value) (*def, error) {
	d, known := c.defOf(setKey('p', set))
	if known {
		return d, nil
	}
	var err error
	d.alts, err = c.terms(at, set)
	return d, err
}

// terms gives what plain schemas allow, type by type.
func (c *compiler) terms(at *value, set []*value) ([]term, error) {
	allowed := isAny
	for _, s := range set {
		if err := c.spend(s, 1+len(s.keys)); err != nil {
			return nil, err
		}
		t, err := c.types(s)
		if err != nil {
			return nil, err
		}
		allowed &= t
	}
	values, listed, err := c.listed(set)
	if err != nil {
		return nil, err
	}
	if listed {
		if len(values) == 1 {
			return []term{c.literal(values[0])}, nil
		}
		m, err := literalSet(c.vocab, values)
		if err != nil {
			return nil, c.refuse(at, "enum: %w", err)
		}
		return []term{m}, c.spend(at, len(m.states)/4)
	}
	var terms []term
	add := func(t types, make func(set []*value) ([]term, error)) {
		if err != nil || allowed&t == 0 {
			return
		}
		var more []term
		more, err = make(set)
		terms = append(terms, more...)
	}
	add(isObject, c.object)
	add(isArray, c.array)
	add(isString, c.string)
	add(isInteger|isFraction, func(set []*value) ([]term, error) { return c.numbers(set, allowed&isFraction == 0) })
	add(isBoolean, func([]*value) ([]term, error) { return []term{c.literal("true"), c.literal("false")}, nil })
	add(isNull, func([]*value) ([]term, error) { return []term{c.literal("null")}, nil })
	return terms, err
}

// listed gives the values of enum and const that the whole set allows, as JSON.
func (c *compiler) listed(set []*value) (texts []string, listed bool, err error) {
	var values []*value
	for _, s := range set {
		if v := s.get("const"); v != nil {
			values, listed = []*value{v}, true
		} else if v := s.get("enum"); v != nil && !listed {
			values, listed = v.items, true
		}
	}
	for _, v := range values {
		ok := true
		for _, s := range set {
			if ok, err = c.valid(v, s, 0); err != nil {
				return nil, false, err
			}
			if !ok {
				break
			}
		}
		if !ok {
			continue
		}
		if err := c.checkNumbers(v); err != nil {
			return nil, false, err
		}
		if t := string(v.appendTo(nil)); !slices.Contains(texts, t) {
			texts = append(texts, t)
		}
	}
	return texts, listed, nil
}

// checkNumbers refuses values that Go and others cannot read.
func (c *compiler) checkNumbers(v *value) error {
	if v.kind == number {
		if _, err := strconv.ParseFloat(v.text, 64); err != nil {
			return c.refuse(v, "a number out of range")
		}
	}
	for _, item := range v.items {
		if err := c.checkNumbers(item); err != nil {
			return err
		}
	}
	return nil
}
