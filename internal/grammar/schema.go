package grammar

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// A compiler compiles a JSON Schema to terms. It works on sets of schemas that
// all apply to one value: allOf, $ref, and several schemas for one property
// become larger sets.
type compiler struct {
	vocab  *Vocabulary
	root   *value
	source *source // free strings are pieces of it; nil allows any text
	// overlapOnly is set to decide whether schemas exclude each other. The
	// compiler then ignores formats, which most validators do not check, and
	// the source, and treats oneOf as anyOf.
	overlapOnly bool
	// needsFinish is set if the terms allow equal items in an array with
	// uniqueItems, which Finish then removes. allowDuplicates makes such arrays
	// valid.
	needsFinish, allowDuplicates bool
	work                         *int // see maxWork

	checked               map[*value]bool
	anchors               map[string]*value
	alternatives          map[*value][][]*value
	active                map[*value]bool
	defs                  map[string]*def
	all                   []*def
	records               []*record
	solved, solvedRecords int
	words                 map[string]*literal
	machines              map[string][]term   // by the restrictions of a number or string
	patterns              map[string]*machine // by expression
}

func newCompiler(v *Vocabulary, root *value, source *source) *compiler {
	return &compiler{
		vocab: v, root: root, source: source, work: new(int), checked: map[*value]bool{}, words: map[string]*literal{}, machines: map[string][]term{}, patterns: map[string]*machine{},
		alternatives: map[*value][][]*value{}, active: map[*value]bool{}, defs: map[string]*def{},
	}
}

const (
	// maxWork bounds the work of a compilation, in schemas that are examined.
	maxWork         = 200_000
	maxAlternatives = 256
	maxOneOf        = 64
)

// spend adds n to the work of the compilation. It returns an error at maxWork.
func (c *compiler) spend(at *value, n int) error {
	if *c.work += n; *c.work > maxWork {
		return c.refuse(at, "the schema is too complicated: it has too many combinations of alternatives")
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

// solve computes the costs of the defs that were added since the last call.
// Older defs do not refer to them.
func (c *compiler) solve() error {
	const maxRounds = 500
	for round, changed := 0, true; changed; round++ {
		if round > maxRounds {
			return c.refuse(c.root, "the schema is too complicated: it has too many references to itself")
		}
		changed = false
		for _, r := range c.records[c.solvedRecords:] {
			r.costs = map[[2]int]int32{}
		}
		// Most references are to later defs.
		for _, d := range slices.Backward(c.all[c.solved:]) {
			changed = d.recompute() || changed
		}
	}
	c.solved, c.solvedRecords = len(c.all), len(c.records)
	return nil
}

// alternativesOf follows the references of s and expands its alternatives. It
// returns sets of plain schemas; s holds if all schemas of one set hold.
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
		return nil, c.refuse(s, "the schema refers to itself without end")
	}
	if err := c.checkKeywords(s); err != nil {
		return nil, err
	}
	c.active[s] = true
	defer delete(c.active, s)
	// A schema without assertions of its own is left out, so that equal sets
	// compare equal.
	sets := [][]*value{nil}
	for _, key := range s.keys {
		if _, known := keywords[key]; known && !applicators[key] {
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
			if key == "oneOf" && !c.overlapOnly {
				if e := c.checkDisjoint(s, arg); e != nil {
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

// applicators are the keywords that apply other schemas to the same value.
var applicators = map[string]bool{"$ref": true, "allOf": true, "anyOf": true, "oneOf": true}

// cross returns the union of each set of left with each set of right.
func (c *compiler) cross(at *value, left, right [][]*value) ([][]*value, error) {
	if len(left)*len(right) > maxAlternatives {
		return nil, c.refuse(at, "the schema has more than %d combinations of alternatives", maxAlternatives)
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

// checkDisjoint returns an error if two alternatives of oneOf may hold for one
// value.
func (c *compiler) checkDisjoint(s, oneOf *value) error {
	if len(oneOf.items) > maxOneOf {
		return c.refuse(oneOf, "oneOf with more than %d alternatives is not supported", maxOneOf)
	}
	overlap := newCompiler(c.vocab, c.root, nil)
	overlap.overlapOnly, overlap.work, overlap.checked, overlap.words = true, c.work, c.checked, c.words
	// The other keywords of s apply too, such as type and properties.
	siblings := &value{kind: object, pointer: s.pointer, id: -s.id}
	for i, key := range s.keys {
		if !applicators[key] {
			siblings.keys = append(siblings.keys, key)
			siblings.items = append(siblings.items, s.items[i])
		}
	}
	for i, a := range oneOf.items {
		for j, b := range oneOf.items[:i] {
			d, err := overlap.def([]*value{siblings, a, b})
			if err != nil {
				return err
			}
			if err := overlap.solve(); err != nil {
				return err
			}
			if d.currentCost < impossible {
				return c.refuse(oneOf, "alternatives %d and %d of oneOf may hold at once; use anyOf, or make them exclusive by type or by a required property with different const or enum", j, i)
			}
		}
	}
	return nil
}

// def returns the definition of the values that meet all schemas of a set.
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

// defOf returns the definition of a key and whether it existed. The caller fills
// in a new definition, which may refer to itself.
func (c *compiler) defOf(key string) (d *def, known bool) {
	if d, known = c.defs[key]; !known {
		d = &def{id: newID(), currentCost: impossible}
		c.defs[key] = d
		c.all = append(c.all, d)
	}
	return d, known
}

// setKey returns a key that is different for different sets of schemas.
func setKey(kind byte, set []*value) string {
	key := []byte{kind}
	for i, s := range set {
		if !slices.Contains(set[:i], s) {
			key = binary.AppendVarint(key, int64(s.id))
		}
	}
	return string(key)
}

// plain returns the definition of the values that meet all plain schemas of a
// set (see alternativesOf). Errors point to at.
func (c *compiler) plain(at *value, set []*value) (*def, error) {
	d, known := c.defOf(setKey('p', set))
	if known {
		return d, nil
	}
	var err error
	d.alts, err = c.terms(at, set)
	return d, err
}

// terms returns the values that meet all plain schemas of a set, by type.
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

// listed returns the values of enum and const that meet all schemas of a set, as
// JSON. listed is false if the set has neither keyword.
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

// checkNumbers returns an error if a number in v is out of the range of float64.
func (c *compiler) checkNumbers(v *value) error {
	if v.kind == number {
		if _, err := strconv.ParseFloat(v.text, 64); err != nil {
			return c.refuse(v, "the number is out of range")
		}
	}
	for _, item := range v.items {
		if err := c.checkNumbers(item); err != nil {
			return err
		}
	}
	return nil
}
