package sqlexpr

import (
	"github.com/apache/arrow-go/v18/arrow"
)

func (b *binder) compare(n compare) (term, error) {
	terms, err := b.all([]node{n.left, n.right})
	if err != nil {
		return term{}, err
	}
	return b.comparing(n.at(), n.op, terms[0], terms[1])
}

func (b *binder) comparing(at int, op string, left, right term) (term, error) {
	if err := b.compared(at, &left, &right); err != nil {
		return term{}, err
	}
	result := combined(at, arrow.FixedWidthTypes.Boolean, []term{left, right}, func(v []values, i int) any {
		x, y := v[0](i), v[1](i)
		if x == nil || y == nil {
			if op == "<=>" {
				return x == nil && y == nil
			}
			return nil
		}
		c := order(x, y)
		switch op {
		case "<>":
			return c != 0
		case "<":
			return c < 0
		case "<=":
			return c <= 0
		case ">":
			return c > 0
		case ">=":
			return c >= 0
		}
		return c == 0
	})
	result.judge = judgeCompare(op, left, right)
	return result, nil
}

// in is true if the list has the value, and NULL if it does not but has a NULL.
func (b *binder) in(n in) (term, error) {
	terms, err := b.all(append([]node{n.of}, n.list...))
	if err != nil {
		return term{}, err
	}
	pointers := make([]*term, len(terms))
	for i := range terms {
		pointers[i] = &terms[i]
	}
	if err := b.compared(n.at(), pointers...); err != nil {
		return term{}, err
	}
	double := false // if one is DOUBLE, all are compared as DOUBLE
	for _, t := range terms {
		double = double || classOf(t.t) == float
	}
	result := combined(n.at(), arrow.FixedWidthTypes.Boolean, terms, func(v []values, i int) any {
		x := v[0](i)
		if x == nil {
			return nil
		}
		if double {
			x = asFloat(x)
		}
		var result any = false
		for _, of := range v[1:] {
			switch y := of(i); {
			case y == nil:
				result = nil
			case order(x, y) == 0:
				return true
			}
		}
		return result
	})
	result.judge = judgeIn(terms)
	return result, nil
}

func (b *binder) choice(n choice) (term, error) {
	when, err := b.all(n.when)
	if err != nil {
		return term{}, err
	}
	if n.of != nil {
		of, err := b.bind(n.of)
		if err != nil {
			return term{}, err
		}
		for k := range when {
			if when[k], err = b.comparing(when[k].at, "=", of, when[k]); err != nil {
				return term{}, err
			}
		}
	}
	then, err := b.all(n.then)
	if err != nil {
		return term{}, err
	}
	if n.otherwise != nil {
		otherwise, err := b.bind(n.otherwise)
		if err != nil {
			return term{}, err
		}
		then = append(then, otherwise)
	}
	return b.chosen(n.at(), when, then)
}

// chosen is then[k] for the first when[k] that is true, or else the last of then if
// it has no when, or else NULL.
func (b *binder) chosen(at int, when, then []term) (term, error) {
	for _, w := range when {
		if err := b.condition(w); err != nil {
			return term{}, err
		}
	}
	t, err := b.common(at, then)
	if err != nil {
		return term{}, err
	}
	return combined(at, t, append(append([]term{}, when...), then...), func(v []values, i int) any {
		results := v[len(when):]
		for k := range when {
			if v[k](i) == true {
				return results[k](i)
			}
		}
		if len(results) > len(when) {
			return results[len(when)](i)
		}
		return nil
	}), nil
}

// like matches whole texts.
func (b *binder) like(n like) (term, error) {
	terms, err := b.all([]node{n.of, n.pattern})
	if err != nil {
		return term{}, err
	}
	of, pattern := terms[0], terms[1]
	written, known, err := b.patternOf(of, pattern, "LIKE")
	if err != nil {
		return term{}, err
	}
	if !known {
		return of.mapped(n.at(), arrow.FixedWidthTypes.Boolean, func(any) any { return nil }), nil
	}
	if n.fold {
		written = lowerText(written)
	}
	p, err := likePattern(written, n.escape)
	if err != nil {
		return term{}, b.wrong(pattern.at, "%v", err)
	}
	if n.fold {
		return of.mapped(n.at(), arrow.FixedWidthTypes.Boolean, notNull(func(v any) any { return p.matches(lowerText(v.(string))) })), nil
	}
	result := of.mapped(n.at(), arrow.FixedWidthTypes.Boolean, func(v any) any {
		if v == nil {
			return nil
		}
		return p.matches(v.(string))
	})
	result.judge = judgeLike(of, p)
	return result, nil
}

// patternOf checks the operands of LIKE and RLIKE. known is false if the pattern is NULL.
func (b *binder) patternOf(of, pattern term, op string) (written string, known bool, err error) {
	if c := classOf(of.t); c != text && c != void {
		return "", false, b.wrong(of.at, "this is %s, but %s takes a text; convert it by CAST(... AS STRING)", sqlType(of.t), op)
	}
	if c := classOf(pattern.t); !pattern.constant || c != text && c != void {
		return "", false, b.wrong(pattern.at, "the pattern of %s must be a text in quotes here", op)
	}
	v, err := b.constantValue(pattern)
	if err != nil || v == nil {
		return "", false, err
	}
	return v.(string), true, nil
}

// matches is RLIKE.
func (b *binder) matches(n matches) (term, error) {
	terms, err := b.all([]node{n.of, n.pattern})
	if err != nil {
		return term{}, err
	}
	return b.matching(n.at(), terms[0], terms[1], "RLIKE")
}

func (b *binder) matching(at int, of, pattern term, op string) (term, error) {
	written, known, err := b.patternOf(of, pattern, op)
	if err != nil {
		return term{}, err
	}
	if !known {
		return of.mapped(at, arrow.FixedWidthTypes.Boolean, func(any) any { return nil }), nil
	}
	re, err := compileJava(written)
	if err != nil {
		return term{}, b.wrong(pattern.at, "%v", err)
	}
	return of.mapped(at, arrow.FixedWidthTypes.Boolean, notNull(func(v any) any { return re.matches(v.(string)) })), nil
}
