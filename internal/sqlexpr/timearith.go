package sqlexpr

import "github.com/apache/arrow-go/v18/arrow"

// typed is a constant with its type, such as TIMESTAMP'2026-01-31 12:00:00'.
func (b *binder) typed(n typed) (term, error) {
	to := map[string]arrow.DataType{"DATE": arrow.FixedWidthTypes.Date32, "TIMESTAMP": timestampType, "TIMESTAMP_LTZ": timestampType, "TIMESTAMP_NTZ": timestampNTZType}[n.kind]
	return b.castTo(n.at(), constantTerm(n.at(), n.value, arrow.BinaryTypes.String), to, false)
}

// timeArith is + or - of dates, timestamps, intervals and days.
func (b *binder) timeArith(n arith, x, y term) (term, error) {
	cx, cy := classOf(x.t), classOf(y.t)
	wrong := func() error {
		return b.wrong(n.at(), "%s and %s cannot be computed by %s here", sqlType(x.t), sqlType(y.t), n.op)
	}
	if n.op != "+" && n.op != "-" {
		return term{}, wrong()
	}
	if n.op == "+" && (cy == date || cy == instant) && cx != date && cx != instant {
		x, y, cx, cy = y, x, cy, cx
	}
	sign := int64(1)
	if n.op == "-" {
		sign = -1
	}
	operands := []term{micros(x), micros(y)}
	switch {
	case cx == date && cy == integer && bitsOf(y.t) <= 32:
		return both(n.at(), arrow.FixedWidthTypes.Date32, operands, func(d, k any) any { return day32(d.(int64) + sign*k.(int64)) }), nil
	case cx == date && cy == span && y.t == monthSpan:
		return both(n.at(), arrow.FixedWidthTypes.Date32, operands, func(d, k any) any { return day32(addMonths(d.(int64), sign*k.(int64))) }), nil
	case cx == date && cy == span && y.t == daySpan:
		return both(n.at(), arrow.FixedWidthTypes.Date32, operands, func(d, k any) any { return day32(d.(int64) + sign*(k.(int64)/microsOfDay)) }), nil
	case cx == date && cy == span:
		return both(n.at(), timestampType, operands, func(d, k any) any { return add(multiply(d.(int64), microsOfDay, 64, "the date"), sign*k.(int64), 64) }), nil
	case cx == instant && cy == span && y.t == monthSpan:
		return both(n.at(), operands[0].t, operands, func(at, k any) any {
			days := floorDiv(at.(int64), microsOfDay)
			return add(addMonths(days, sign*k.(int64))*microsOfDay, at.(int64)-days*microsOfDay, 64)
		}), nil
	case cx == instant && cy == span:
		return both(n.at(), operands[0].t, operands, func(at, k any) any { return add(at.(int64), sign*k.(int64), 64) }), nil
	case cx == span && cy == span && (x.t == monthSpan) == (y.t == monthSpan):
		t := x.t
		if y.t != t {
			t = timeSpan
		}
		return both(n.at(), t, operands, func(a, c any) any { return add(a.(int64), sign*c.(int64), 64) }), nil
	case n.op == "-" && cx == date && (cy == date || cy == text):
		to, err := b.castTo(y.at, y, arrow.FixedWidthTypes.Date32, false)
		return both(n.at(), daySpan, []term{x, to}, func(a, c any) any { return (a.(int64) - c.(int64)) * microsOfDay }), err
	case n.op == "-" && (cx == instant || cx == date) && (cy == instant || cy == date):
		for i := range operands {
			var err error
			if operands[i], err = b.castTo(n.at(), operands[i], timestampType, false); err != nil {
				return term{}, err
			}
		}
		return both(n.at(), timeSpan, operands, func(a, c any) any { return subtract(a.(int64), c.(int64), 64) }), nil
	}
	return term{}, wrong()
}

// day32 checks that a date is in the range of DATE.
func day32(days int64) int64 { return fitting(days, 32, "the date in days") }
