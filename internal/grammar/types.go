package grammar

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// limit returns the greatest or the least value of a keyword in a set of
// schemas, or -1 if none has it.
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

// sizes returns the limits of min* and max*, such as minLength and maxLength for
// the suffix Length. most < 0 means no limit.
func (c *compiler) sizes(set []*value, suffix string) (least, most int, err error) {
	if least, err = c.limit(set, "min"+suffix, true); err != nil {
		return 0, 0, err
	}
	most, err = c.limit(set, "max"+suffix, false)
	return max(least, 0), most, err
}

// numbers returns the terms of the numbers that meet a set of schemas.
func (c *compiler) numbers(set []*value, integer bool) ([]term, error) {
	n := numberRange{integer: integer}
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
				return nil, c.refuse(arg, "%w", err)
			}
			lower := strings.HasSuffix(key, "inimum")
			if beyond := new(big.Rat).Abs(x).Cmp(big.NewRat(1e15, 1)) >= 0; beyond && lower == (x.Sign() > 0) && key != "multipleOf" && !c.overlapOnly {
				return nil, c.refuse(arg, "no number of at most %d digits is within the limit", maxDigits)
			}
			open := key[0] == 'e'
			switch key {
			case "multipleOf":
				if x.Sign() <= 0 {
					return nil, c.refuse(arg, "multipleOf must be greater than 0")
				}
				if !x.IsInt() || x.Cmp(big.NewRat(1000, 1)) > 0 {
					return nil, c.refuse(arg, "multipleOf is supported only for integers up to 1000")
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
		return nil, c.refuse(at, "%w", err)
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

// string returns the terms of the strings that meet a set of schemas.
func (c *compiler) string(set []*value) ([]term, error) {
	least, most, err := c.sizes(set, "Length")
	if err != nil {
		return nil, err
	}
	exprs, at, err := c.textRules(set)
	if err != nil {
		return nil, err
	}
	quotes := func(inside term) []term { return []term{concat{c.literal(`"`), inside, c.literal(`"`)}} }
	if len(exprs) == 0 {
		if c.source == nil || c.overlapOnly {
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
		return nil, c.refuse(at, "%w", err)
	}
	c.machines[known] = quotes(m)
	return c.machines[known], c.spend(at, len(m.states)/4)
}

// textRules returns the expressions of patterns and formats, and the schema
// value of the last one.
func (c *compiler) textRules(set []*value) (exprs []string, at *value, err error) {
	at = c.root
	for _, s := range set {
		for i, key := range s.keys {
			arg := s.items[i]
			expr := arg.text
			if key == "format" && !c.overlapOnly {
				if unsupportedFormats[expr] {
					return nil, nil, c.refuse(arg, "the format %s is not supported", sensitive.Text(expr))
				}
				format, known := formats[expr]
				if !known {
					continue // not in the standard
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
	return exprs, at, nil
}

// patternMachine returns the machine of the quoted text, without the quotes, of
// strings in which a pattern of the schema matches.
func (c *compiler) patternMachine(pattern string) (*machine, error) {
	m := c.patterns[pattern]
	if m == nil {
		var err error
		if m, err = quotedPattern(c.vocab, ecma(pattern), true); err != nil {
			return nil, err
		}
		c.patterns[pattern] = m
	}
	return m, nil
}

// text returns the machine of the quoted text, without the quotes, of strings of
// least to most characters in which all expressions match.
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
		sides = append(sides, determinize(m))
	}
	return limited(c.vocab, sides, least, most)
}

// limited returns the machine of the texts of least to most characters that all
// sides accept. If the automaton is too large, it lowers most. This allows fewer
// answers, but all of them meet the constraint.
func limited(v *Vocabulary, sides []recognizer, least, most int) (*machine, error) {
	if least <= 0 && most < 0 {
		return intersect(v, sides...)
	}
	m, err := intersect(v, append(slices.Clone(sides), lengths(least, most))...)
	for _, lower := range []int{512, 256, 128, 64, 32} {
		if !errors.Is(err, errTooManyStates) || lower < least {
			break
		}
		if lower < most {
			m, err = intersect(v, append(slices.Clone(sides), lengths(least, lower))...)
		}
	}
	return m, err
}

// array returns the term of the arrays that meet a set of schemas.
func (c *compiler) array(set []*value) ([]term, error) {
	least, most, err := c.sizes(set, "Items")
	if err != nil {
		return nil, err
	}
	l := &list{id: newID(), least: least, most: most, comma: c.literal(", "), end: c.literal("]")}
	longest := 0
	for _, s := range set {
		longest = max(longest, len(prefixOf(s)))
	}
	for i := 0; i <= longest; i++ {
		var schemas []*value
		for _, s := range set {
			if item := itemOf(s, i); item != nil {
				schemas = append(schemas, item)
			}
		}
		if i == 0 {
			if u, ok, err := c.uniqueItems(set, schemas, least, most); ok || err != nil {
				return []term{concat{c.literal("["), partTerm{u, 0, 0}}}, err
			}
		}
		d, err := c.def(schemas)
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
