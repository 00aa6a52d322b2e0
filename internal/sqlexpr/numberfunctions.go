package sqlexpr

import (
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
)

// numberFunctions are Spark's functions of numbers, by their names.
func numberFunctions() map[string]plain {
	return map[string]plain{
		"abs":          {"abs(number)", 1, 1, bindAbs},
		"sign signum":  {"sign(number)", 1, 1, overDouble(sign)},
		"sqrt":         {"sqrt(number)", 1, 1, overDouble(math.Sqrt)},
		"ceil ceiling": {"ceil(number)", 1, 1, bindWhole(math.Ceil, 1)},
		"floor":        {"floor(number)", 1, 1, bindWhole(math.Floor, -1)},
		"round":        {"round(number[, digits])", 1, 2, bindRound},
		"mod": {"mod(number, divisor)", 2, 2, func(b *binder, n call, args []term) (term, error) {
			return b.arithTerms(arith{n.place, "%", nil, nil}, args[0], args[1])
		}},
	}
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// number converts a text to DOUBLE, and rejects what is no number.
func (b *binder) number(n call, of term) (term, error) {
	switch c := classOf(of.t); {
	case isNumber(c):
		return of, nil
	case c == text, c == void:
		return b.castTo(of.at, of, arrow.PrimitiveTypes.Float64, false)
	}
	return term{}, b.wrong(of.at, "this is %s, but %s takes a number", sqlType(of.t), n.name)
}

func overDouble(f func(float64) float64) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		of, err := b.number(n, args[0])
		return of.mapped(n.at(), arrow.PrimitiveTypes.Float64, notNull(func(v any) any { return f(asFloat(v)) })), err
	}
}

func bindAbs(b *binder, n call, args []term) (term, error) {
	of, err := b.number(n, args[0])
	if err != nil {
		return term{}, err
	}
	return of.mapped(n.at(), of.t, notNull(func(v any) any {
		switch v := v.(type) {
		case int64:
			if v < 0 {
				return subtract(0, v, bitsOf(of.t))
			}
		case float64:
			return math.Abs(v)
		case decimal:
			return decimal{new(big.Int).Abs(v.unscaled), v.scale}
		}
		return v
	})), nil
}

// bindWhole is floor or ceil; up is 1 to round to the greater number, and -1 to the smaller one.
func bindWhole(f func(float64) float64, up int) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		of, err := b.number(n, args[0])
		if err != nil {
			return term{}, err
		}
		if d, ok := of.t.(arrow.DecimalType); ok {
			t := &arrow.Decimal128Type{Precision: min(maxPrecision, d.GetPrecision()-d.GetScale()+1), Scale: 0}
			if d.GetScale() == 0 {
				t.Precision = d.GetPrecision()
			}
			return of.mapped(n.at(), t, notNull(func(v any) any {
				q, r := new(big.Int).QuoRem(v.(decimal).unscaled, pow10(v.(decimal).scale), new(big.Int))
				if r.Sign() == up {
					q.Add(q, big.NewInt(int64(up)))
				}
				return decimal{q, 0}.as(t)
			})), nil
		}
		return of.mapped(n.at(), arrow.PrimitiveTypes.Int64, notNull(func(v any) any {
			if n, ok := v.(int64); ok {
				return n
			}
			x := f(v.(float64))
			if math.IsNaN(x) || x >= math.MaxInt64 || x < math.MinInt64 {
				tooLarge("the number", 64)
			}
			return int64(x)
		})), nil
	}
}

// bindRound rounds half up, away from zero.
func bindRound(b *binder, n call, args []term) (term, error) {
	of, err := b.number(n, args[0])
	if err != nil {
		return term{}, err
	}
	places := int64(0)
	if len(args) > 1 {
		v, err := b.constantValue(args[1])
		if err != nil {
			return term{}, err
		}
		k, ok := v.(int64)
		if !args[1].constant || !ok || k < 0 || k > maxPrecision {
			return term{}, b.wrong(args[1].at, "the number of digits of round must be a number from 0 to %d here", maxPrecision)
		}
		places = k
	}
	switch t := of.t.(type) {
	case arrow.DecimalType:
		scale := min(t.GetScale(), int32(places))
		to := decimalType(t.GetPrecision()-t.GetScale()+1+scale, scale)
		return of.mapped(n.at(), to, notNull(func(v any) any { return v.(decimal).rescale(scale).as(to) })), nil
	}
	if classOf(of.t) == integer {
		return of, nil
	}
	width := bitsOf(of.t)
	return of.mapped(n.at(), of.t, notNull(func(v any) any {
		f := v.(float64)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return f
		}
		d, ok := parseDecimal(floatText(f, width))
		if !ok {
			return f
		}
		r := d.rescale(int32(places)).float()
		if width == 32 {
			return float64(float32(r))
		}
		return r
	})), nil
}
