package grammar

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// limit gives the greatest, or least, of a keyword's numbers in a set.
func (c *compiler) limit(set []*value, key string, greatest bool) (int, error) {
	limit := -1
	for _, s := range set {
		n, err := c.size(s, key)
		if err != nil {
			return 0, err
		}
		if n >= 0 && (limit < 0 || greatest == (n > limit)) {
			limit = n
		}
	}
	return limit, nil
}

// sizes gives the limits of a size; most < 0 is no limit.
func (c *compiler) sizes(set []*value, what string) (least, most int, err error) {
	if least, err = c.limit(set, "min"+what, true); err != nil {
		return 0, 0, err
	}
	most, err = c.limit(set, "max"+what, false)
	return max(least, 0), most, err
}

func (c *compiler) numbers(set []*value, integer bool) ([]term, error) {
	n := numbers{integer: integer}
	text := func(limit *big.Rat) string {
		if limit == nil {
			return "none"
		}
		return limit.RatString()
	}
	at := c.root
	for _, s := range set {
		for i, key := range s.keys {
			arg := s.items[i]
			switch key {
			case "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf":
			default:
				continue
			}
			at = arg
			x, err := rational(arg.text)
			if err != nil {
				return nil, c.refuse(arg, err.Error())
			}
			lower := strings.HasSuffix(key, "inimum")
			if beyond := new(big.Rat).Abs(x).Cmp(big.NewRat(1e15, 1)) >= 0; beyond && lower == (x.Sign() > 0) && key != "multipleOf" && !c.loose {
				return nil, c.refuse(arg, fmt.Sprintf("numbers have up to %d digits, none of which meets it", maxDigits))
			}
			open := key[0] == 'e'
			switch key {
			case "multipleOf":
				if x.Sign() <= 0 {
					return nil, c.refuse(arg, "multipleOf must be greater than 0")
				}
				if !x.IsInt() || x.Cmp(big.NewRat(1000, 1)) > 0 {
					return nil, c.refuse(arg, "multipleOf is supported for whole numbers up to 1000 only")
				}
				n.integer = true
				n.multiples = append(n.multiples, x.Num().Int64())
			case "minimum", "exclusiveMinimum":
				if n.least == nil || x.Cmp(n.least) > 0 || x.Cmp(n.least) == 0 && open {
					n.least, n.leastOpen = x, open
				}
			default:
				if n.most == nil || x.Cmp(n.most) < 0 || x.Cmp(n.most) == 0 && open {
					n.most, n.mostOpen = x, open
				}
			}
		}
	}
	known := fmt.Sprint("number ", n.integer, text(n.least), n.leastOpen, text(n.most), n.mostOpen, n.multiples)
	if terms, ok := c.machines[known]; ok {
		return terms, nil
	}
	plain, minus, err := n.machines(c.vocab)
	if err != nil {
		return nil, c.refuse(at, err.Error())
	}
	var terms []term
	if plain != nil {
		terms = append(terms, plain)
		err = c.spend(at, len(plain.states)/4)
	}
	if minus != nil && err == nil {
		terms = append(terms, concat{c.literal("-"), minus})
		err = c.spend(at, len(minus.states)/4)
	}
	c.machines[known] = terms
	return terms, err
}

func (c *compiler) string(set []*value) ([]term, error) {
	least, most, err := c.sizes(set, "Length")
	if err != nil {
		return nil, err
	}
	var exprs []string
	at := c.root
	for _, s := range set {
		for i, key := range s.keys {
			arg := s.items[i]
			expr := arg.text
			if key == "format" && !c.loose {
				if unsupportedFormats[expr] {
					return nil, c.refuse(arg, fmt.Sprintf("the format %q is not supported", expr))
				}
				format, known := formats[expr]
				if !known {
					continue // says nothing
				}
				expr = `\A(?:` + format + `)\z`
			} else if key == "pattern" {
				expr = ecma(expr)
			} else {
				continue
			}
			at = arg
			if !slices.Contains(exprs, expr) {
				exprs = append(exprs, expr)
			}
		}
	}
	quotes := func(inside term) []term { return []term{concat{c.literal(`"`), inside, c.literal(`"`)}} }
	if len(exprs) == 0 {
		if c.source == nil || c.loose {
			return quotes(partTerm{c.vocab.chars, least, most}), nil
		}
		p := c.source.pieces(least, most)
		if p.cost(0, 0) >= impossible {
			return nil, nil
		}
		return quotes(partTerm{p, 0, 0}), nil
	}
	known := fmt.Sprintf("string %d %d %q", least, most, exprs)
	if terms, ok := c.machines[known]; ok {
		return terms, nil
	}
	m, err := c.text(exprs, least, most)
	if err != nil {
		return nil, c.refuse(at, err.Error())
	}
	c.machines[known] = quotes(m)
	return c.machines[known], c.spend(at, len(m.states)/4)
}

// text is the machine of the insides of strings of from least to most
// characters in which all the expressions match.
func (c *compiler) text(exprs []string, least, most int) (*machine, error) {
	var sides []recognizer
	for _, expr := range exprs {
		m, err := quotedPattern(c.vocab, expr, true)
		if err != nil {
			return nil, err
		}
		if len(exprs) == 1 && least == 0 && most < 0 {
			return m, nil
		}
		sides = append(sides, newSets(m))
	}
	if least > 0 || most >= 0 {
		sides = append(sides, lengths(least, most))
	}
	return intersect(c.vocab, sides...)
}

func (c *compiler) array(set []*value) ([]term, error) {
	least, most, err := c.sizes(set, "Items")
	if err != nil {
		return nil, err
	}
	l := &list{id: newID(), least: least, most: most, comma: c.literal(", "), end: c.literal("]")}
	longest := 0
	for _, s := range set {
		if prefix := s.get("prefixItems"); prefix != nil {
			longest = max(longest, len(prefix.items))
		}
	}
	for i := 0; i <= longest; i++ {
		var both []*value
		for _, s := range set {
			if item := itemOf(s, i); item != nil {
				both = append(both, item)
			}
		}
		d, err := c.def(both)
		if err != nil {
			return nil, err
		}
		if i == longest {
			l.items = d
		} else {
			l.prefix = append(l.prefix, d)
		}
	}
	return []term{concat{c.literal("["), partTerm{l, 0, 0}}}, nil
}

func (c *compiler) object(set []*value) ([]term, error) {
	least, most, err := c.sizes(set, "Properties")
	if err != nil {
		return nil, err
	}
	r := &record{id: newID(), least: least, most: most, colon: c.literal(": "), end: c.literal("}")}
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
	if r.counts = least > len(required) || most >= 0; !r.counts {
		r.least = 0
	}
	if limit := 2000; len(names) > limit || r.counts && len(names) > limit/10 {
		return nil, c.refuse(at, "too many properties: 2000 are supported, and 200 with minProperties or maxProperties")
	}
	var inner []string // as they stand between quotes
	for _, name := range names {
		var both []*value
		for _, s := range set {
			if p := propertyOf(s, name); p != nil {
				both = append(both, p)
			}
		}
		d, err := c.def(both)
		if err != nil {
			return nil, err
		}
		quoted := string(quote(nil, name))
		inner = append(inner, quoted[1:])
		r.properties = append(r.properties, property{
			first: c.literal(quoted + ": "), next: c.literal(", " + quoted + ": "), value: d, required: required[name],
		})
	}
	var others []*value
	for _, s := range set {
		if p := s.get("additionalProperties"); p != nil {
			others = append(others, p)
		}
	}
	if !slices.ContainsFunc(others, func(s *value) bool { return s.kind == boolean && !s.truth }) {
		if r.others, err = c.def(others); err != nil {
			return nil, err
		}
		r.openFirst, r.open = c.literal(`"`), c.literal(`, "`)
		if r.key, err = c.otherKeys(inner); err != nil {
			return nil, c.refuse(at, "additionalProperties: "+err.Error())
		}
		// Keys that are not named may stand twice, so they cannot be counted.
		if least > max(1, len(required)) && !c.loose {
			return nil, c.refuse(at, "minProperties is supported with additionalProperties false only")
		}
	}
	c.records = append(c.records, r)
	r.costs = map[[2]int]int32{}
	return []term{concat{c.literal("{"), partTerm{r, 0, 1}}}, nil
}

// otherKeys is the text of any key but some, with the quote that ends it.
func (c *compiler) otherKeys(but []string) (term, error) {
	if len(but) == 0 {
		return concat{partTerm{c.vocab.chars, 0, -1}, c.literal(`"`)}, nil
	}
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
