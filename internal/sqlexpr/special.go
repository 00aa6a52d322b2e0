package sqlexpr

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// cast parses what follows CAST or TRY_CAST.
func (p *parser) cast(at place, try bool) (node, error) {
	p.take()
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	of, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AS", "and a type in CAST"); err != nil {
		return nil, err
	}
	to, err := p.typeName()
	if err != nil {
		return nil, err
	}
	return cast{at, of, to, try}, p.expect(")", "after the type in CAST")
}

// typeName parses a type, such as DECIMAL(10, 2).
func (p *parser) typeName() (arrow.DataType, error) {
	l := p.take()
	if l.kind != word {
		return nil, p.wrong(l, fmt.Sprintf("expected a type, not %s", l))
	}
	var numbers []int32
	if p.peek().is("(") {
		p.take()
		for {
			n := p.take()
			v, err := strconv.ParseInt(n.value, 10, 32)
			if n.kind != number || err != nil {
				return nil, p.wrong(n, "expected a number of digits, as in DECIMAL(10, 2)")
			}
			numbers = append(numbers, int32(v))
			if p.accept(")") {
				break
			}
			if err := p.expect(",", "or ) in the type"); err != nil {
				return nil, err
			}
		}
	}
	t, ok := typeNamed(strings.ToUpper(l.value), numbers)
	if !ok {
		return nil, p.wrong(l, "this type is not supported here; write BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, DATE, TIMESTAMP or TIMESTAMP_NTZ")
	}
	return t, nil
}

// extract parses EXTRACT(unit FROM value) as the function of the unit.
func (p *parser) extract(at place) (node, error) {
	p.take()
	unit := p.take()
	name := strings.ToLower(unit.value)
	if unit.kind != word || !timeParts[name] {
		return nil, p.wrong(unit, "expected YEAR, QUARTER, MONTH, WEEK, DAY, DAYOFWEEK, HOUR or MINUTE in EXTRACT")
	}
	if err := p.expect("FROM", "after the unit in EXTRACT"); err != nil {
		return nil, err
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer p.up()
	of, err := p.expression()
	if err != nil {
		return nil, err
	}
	if name == "week" {
		name = "weekofyear"
	}
	return call{place: at, name: name, args: []argument{{place: place(of.at()), value: of}}}, p.expect(")", "to close EXTRACT")
}

// timeParts are the units of EXTRACT, which are functions too, except week.
var timeParts = map[string]bool{"year": true, "quarter": true, "month": true, "week": true, "day": true, "dayofweek": true, "hour": true, "minute": true}

// spanUnits are months or microseconds of the units of intervals.
var spanUnits = map[string]struct {
	months, micros int64
}{
	"YEAR": {months: 12}, "MONTH": {months: 1}, "WEEK": {micros: 7 * microsOfDay}, "DAY": {micros: microsOfDay},
	"HOUR": {micros: 3600 * microsOfSecond}, "MINUTE": {micros: 60 * microsOfSecond}, "SECOND": {micros: microsOfSecond},
	"MILLISECOND": {micros: 1000}, "MICROSECOND": {micros: 1},
}

// interval parses what follows INTERVAL: numbers with units.
func (p *parser) interval(at place) (node, error) {
	result := interval{place: at, days: true}
	months, times := false, false
	for {
		negative := p.accept("-")
		l := p.take()
		text := strings.TrimSpace(l.value)
		unit := p.take()
		of, ok := spanUnits[strings.TrimSuffix(strings.ToUpper(unit.value), "S")]
		if unit.kind != word || !ok {
			return nil, p.wrong(unit, "expected a unit after the number of INTERVAL, as in INTERVAL 3 DAYS")
		}
		if p.peek().is("TO") {
			return nil, p.wrong(p.peek(), "write one unit, or several numbers with units, as in INTERVAL 1 DAY 2 HOURS")
		}
		d, ok := parseDecimal(text)
		if !ok || strings.ContainsAny(text, "eE") || d.scale > 0 && !strings.HasPrefix(strings.ToUpper(unit.value), "SECOND") {
			return nil, p.wrong(l, "expected a whole number, as in INTERVAL 3 DAYS")
		}
		if negative {
			d.unscaled.Neg(d.unscaled)
		}
		n := new(big.Int).Mul(d.unscaled, big.NewInt(of.months+of.micros))
		n.Quo(n, pow10(d.scale))
		if !n.IsInt64() || n.CmpAbs(big.NewInt(1<<61)) > 0 {
			return nil, p.wrong(l, "the interval is too long")
		}
		if of.months > 0 {
			months = true
			result.months += n.Int64()
		} else {
			times = true
			result.micros += n.Int64()
			result.days = result.days && of.micros >= microsOfDay
		}
		if months && times {
			return nil, p.wrong(unit, "an interval has years and months, or days and smaller units, but not both; add two intervals to the value")
		}
		if result.micros > 1<<61 || result.micros < -1<<61 || result.months > 1<<31-1 || result.months < -1<<31 {
			return nil, p.wrong(l, "the interval is too long")
		}
		if next := p.peek(); next.kind != number && next.kind != textValue {
			return result, nil
		}
	}
}
