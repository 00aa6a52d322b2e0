package sqlexpr

import (
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Bounds are what is known of the values of a column in a part of a table.
type Bounds struct {
	Rows  int64 // 0 if it is not known
	Nulls int64 // -1 if it is not known
	// Range has two values of the column's type: no value is less than the first or greater than the second, except NaN. Nil if
	// it is not known.
	Range arrow.Array
}

// outcomes is a set of values that a condition may have in the rows of a part.
type outcomes struct{ yes, no, null bool }

var anyOutcome = outcomes{true, true, true}

// judge returns at least the values that a condition may have, from the bounds of columns.
type judge func(bounds func(column int) Bounds) outcomes

func (t term) outcomes(bounds func(int) Bounds) outcomes {
	if t.judge == nil {
		return anyOutcome
	}
	return t.judge(bounds)
}

// Excludes reports whether the condition is true for no row of a part of the table. Calls of functions of package ai do not
// count: a condition that is false without them is false.
func (b *Bound) Excludes(bounds func(column string) Bounds) bool {
	fields := b.of.schema.Fields()
	of := func(i int) Bounds { return bounds(fields[i].Name) }
	for _, c := range b.conditions {
		if !c.outcomes(of).yes {
			return true
		}
	}
	return false
}

// CanExclude reports whether the bounds of columns can show that the condition is true for no row.
func (b *Bound) CanExclude() bool {
	for _, c := range b.conditions {
		if c.judge != nil {
			return true
		}
	}
	return false
}

func judgeNot(of term) judge {
	if of.judge == nil {
		return nil
	}
	return func(b func(int) Bounds) outcomes {
		o := of.judge(b)
		return outcomes{o.no, o.yes, o.null}
	}
}

func judgeLogic(or bool, of []term) judge {
	known := false
	for _, t := range of {
		known = known || t.judge != nil
	}
	if !known {
		return nil
	}
	return func(b func(int) Bounds) outcomes {
		// deciding is true if one operand decides, and rest if no operand does.
		deciding, allRest, allOpen, anyNull := false, true, true, false
		for _, t := range of {
			o := t.outcomes(b)
			if or {
				o.yes, o.no = o.no, o.yes
			}
			deciding = deciding || o.no
			allRest = allRest && o.yes
			allOpen = allOpen && (o.yes || o.null)
			anyNull = anyNull || o.null
		}
		o := outcomes{yes: allRest, no: deciding, null: anyNull && allOpen}
		if or {
			o.yes, o.no = o.no, o.yes
		}
		return o
	}
}

func judgeTrue(of term, truth bool) judge {
	if of.judge == nil {
		return nil
	}
	return func(b func(int) Bounds) outcomes {
		o := of.judge(b)
		if truth {
			return outcomes{yes: o.yes, no: o.no || o.null}
		}
		return outcomes{yes: o.no, no: o.yes || o.null}
	}
}

func judgeNull(of term) judge {
	if of.column == 0 {
		return nil
	}
	return func(b func(int) Bounds) outcomes {
		some, only := of.bounds(b).nulls()
		return outcomes{yes: some, no: !only}
	}
}

func (t term) bounds(of func(int) Bounds) Bounds { return of(t.column - 1) }

// nulls reports whether some values may be NULL, and whether all are.
func (b Bounds) nulls() (some, all bool) {
	return b.Nulls != 0, b.Rows > 0 && b.Nulls >= b.Rows
}

// signs is the set of results of a comparison of a column's values that are not NULL with a constant.
type signs struct{ less, equal, greater bool }

func (b Bounds) compared(with any, isFloat bool) signs {
	anySign := signs{true, true, true}
	if _, all := b.nulls(); all {
		return signs{}
	}
	if b.Range == nil || b.Range.Len() != 2 || b.Range.NullN() > 0 {
		return anySign
	}
	of := read(b.Range)
	least, most := of(0), of(1)
	if f, ok := with.(float64); isNaN(least) || isNaN(most) || ok && math.IsNaN(f) {
		return anySign
	}
	low, high := order(least, with), order(most, with)
	if low > 0 && high < 0 || order(least, most) > 0 {
		return anySign // not bounds
	}
	// NaN is greater than other numbers, and statistics do not state it.
	return signs{less: low < 0, equal: low <= 0 && high >= 0, greater: high > 0 || isFloat}
}

func isNaN(v any) bool {
	f, ok := v.(float64)
	return ok && math.IsNaN(f)
}

// judgeCompare judges a comparison of a column with a constant.
func judgeCompare(op string, left, right term) judge {
	if left.constant && right.column != 0 {
		left, right = right, left
		if other, ok := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[op]; ok {
			op = other
		}
	}
	if left.column == 0 || !right.constant {
		return nil
	}
	with, isFloat := right.value(), classOf(left.t) == float
	return func(b func(int) Bounds) outcomes {
		of := left.bounds(b)
		some, all := of.nulls()
		if with == nil {
			if op == "<=>" {
				return outcomes{yes: some, no: !all}
			}
			return outcomes{null: true}
		}
		s := of.compared(with, isFloat)
		o := outcomes{null: some}
		switch op {
		case "=", "<=>":
			o.yes, o.no = s.equal, s.less || s.greater
		case "<>":
			o.yes, o.no = s.less || s.greater, s.equal
		case "<":
			o.yes, o.no = s.less, s.equal || s.greater
		case "<=":
			o.yes, o.no = s.less || s.equal, s.greater
		case ">":
			o.yes, o.no = s.greater, s.less || s.equal
		case ">=":
			o.yes, o.no = s.greater || s.equal, s.less
		}
		if op == "<=>" {
			o.no, o.null = o.no || some, false
		}
		return o
	}
}

// judgeIn judges IN with a list of constants, the first term being the value.
func judgeIn(terms []term) judge {
	if terms[0].column == 0 {
		return nil
	}
	for _, t := range terms[1:] {
		if !t.constant || classOf(t.t) == float && classOf(terms[0].t) != float { // which is compared as DOUBLE with all
			return nil
		}
	}
	equal := make([]term, len(terms)-1)
	for i, t := range terms[1:] {
		equal[i] = term{judge: judgeCompare("=", terms[0], t)}
	}
	return judgeLogic(true, equal)
}

// judgeLike judges LIKE by the characters before the first wildcard.
func judgeLike(of term, p pattern) judge {
	var prefix strings.Builder
	for _, r := range p {
		if r < 0 {
			break
		}
		prefix.WriteRune(r)
	}
	return judgePrefix(of, prefix.String())
}

// judgePrefix judges conditions that are true only for texts with a prefix.
func judgePrefix(of term, prefix string) judge {
	if of.column == 0 {
		return nil
	}
	return func(b func(int) Bounds) outcomes {
		bounds := of.bounds(b)
		some, all := bounds.nulls()
		o := outcomes{yes: !all, no: !all, null: some}
		if all || bounds.Range == nil || bounds.Range.Len() != 2 || bounds.Range.NullN() > 0 {
			return o
		}
		values := read(bounds.Range)
		least, most := values(0).(string), values(1).(string)
		if least <= most {
			o.yes = least[:min(len(least), len(prefix))] <= prefix && most >= prefix
		}
		return o
	}
}
