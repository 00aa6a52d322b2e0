package sqlexpr

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
)

// bitsOf returns the width of an integer type.
func bitsOf(t arrow.DataType) int { return t.(arrow.FixedWidthDataType).BitWidth() }

func tooLarge(what string, width int) {
	class := "ARITHMETIC_OVERFLOW"
	if width < 32 {
		class = "BINARY_ARITHMETIC_OVERFLOW"
	}
	fail(class, "%s does not fit %s; convert an operand to a wider type first, as in BIGINT", what, map[int]string{8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT"}[width])
}

func fitting(v int64, width int, what string) int64 {
	if width < 64 && (v < -1<<(width-1) || v > 1<<(width-1)-1) {
		tooLarge(what, width)
	}
	return v
}

func add(x, y int64, width int) int64 {
	sum := x + y
	if (x^sum)&(y^sum) < 0 {
		tooLarge("the sum", width)
	}
	return fitting(sum, width, "the sum")
}

func subtract(x, y int64, width int) int64 {
	d := x - y
	if (x^y)&(x^d) < 0 {
		tooLarge("the difference", width)
	}
	return fitting(d, width, "the difference")
}

func multiply(x, y int64, width int, what string) int64 {
	hi, lo := bits.Mul64(uint64(max(x, -x)), uint64(max(y, -y))) // of the least integer, both are 2^63
	negative := x < 0 != (y < 0)
	if hi != 0 || lo > 1<<63 || lo == 1<<63 && !negative {
		tooLarge(what, width)
	}
	p := int64(lo)
	if negative {
		p = -p
	}
	return fitting(p, width, what)
}

// decimalType bounds a precision and a scale as Spark does: fraction digits are dropped down to 6 to keep the digits before the point.
func decimalType(precision, scale int32) *arrow.Decimal128Type {
	if precision > maxPrecision {
		scale = max(maxPrecision-(precision-scale), min(scale, 6))
		precision = maxPrecision
	}
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}
}

// digitsOf returns the precision and scale of a number as a DECIMAL. Those of an integer in the text are those of its digits.
func digitsOf(t term) (precision, scale int32) {
	if d, ok := t.t.(arrow.DecimalType); ok {
		return d.GetPrecision(), d.GetScale()
	}
	if t.literal {
		n := t.value().(int64)
		return int32(len(new(big.Int).Abs(big.NewInt(n)).String())), 0
	}
	return map[int]int32{8: 3, 16: 5, 32: 10, 64: 20}[bitsOf(t.t)], 0
}

// rescale rounds half up, away from zero.
func (d decimal) rescale(scale int32) decimal {
	if scale >= d.scale {
		return decimal{new(big.Int).Mul(d.unscaled, pow10(scale-d.scale)), scale}
	}
	return decimal{quotient(d.unscaled, pow10(d.scale-scale)), scale}
}

// quotient rounds half up, away from zero.
func quotient(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(b) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign()*b.Sign())))
	}
	return q
}

// within returns the value in a type, rounded; ok is false if it has too many digits.
func (d decimal) within(t arrow.DecimalType) (decimal, bool) {
	d = d.rescale(t.GetScale())
	return d, d.unscaled.CmpAbs(pow10(t.GetPrecision())) < 0
}

func (d decimal) as(t arrow.DecimalType) decimal {
	v, ok := d.within(t)
	if !ok {
		fail("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "the number does not fit DECIMAL(%d,%d)", t.GetPrecision(), t.GetScale())
	}
	return v
}

// arith is +, -, *, /, % or div.
func (b *binder) arith(n arith) (term, error) {
	terms, err := b.all([]node{n.left, n.right})
	if err != nil {
		return term{}, err
	}
	return b.arithTerms(n, terms[0], terms[1])
}

func (b *binder) arithTerms(n arith, x, y term) (term, error) {
	cx, cy := classOf(x.t), classOf(y.t)
	if isTime(cx) || isTime(cy) {
		return b.timeArith(n, x, y)
	}
	if cx == text && cy == text {
		return term{}, b.wrong(n.at(), "both are STRING, but %s takes numbers; convert one by CAST", n.op)
	}
	for i, t := range []*term{&x, &y} {
		c, with := []class{cx, cy}[i], []class{cy, cx}[i]
		switch {
		case isNumber(c):
		case c == void || c == text:
			var to arrow.DataType = arrow.PrimitiveTypes.Float64
			switch {
			case c == void && isNumber(with):
				to = plainType([]term{y, x}[i].t)
			case with == integer || n.op == "div":
				to = arrow.PrimitiveTypes.Int64
			}
			var err error
			if *t, err = b.castTo(t.at, *t, to, false); err != nil {
				return term{}, err
			}
		default:
			return term{}, b.wrong(t.at, "this is %s, but %s takes numbers", sqlType(t.t), n.op)
		}
	}
	return b.numbers(n, x, y)
}

func (b *binder) numbers(n arith, x, y term) (term, error) {
	operands := []term{x, y}
	cx, cy := classOf(x.t), classOf(y.t)
	switch {
	case n.op == "div" && (cx == float || cy == float):
		return term{}, b.wrong(n.at(), "div takes integers and decimals; use / and CAST(... AS BIGINT)")
	case cx == float || cy == float || n.op == "/" && cx == integer && cy == integer:
		var t arrow.DataType = arrow.PrimitiveTypes.Float64
		if x.t.ID() == arrow.FLOAT32 && y.t.ID() == arrow.FLOAT32 && n.op != "/" {
			t = arrow.PrimitiveTypes.Float32
		}
		return both(n.at(), t, operands, func(a, c any) any {
			v := floats(n.op, asFloat(a), asFloat(c))
			if t.ID() == arrow.FLOAT32 {
				return float64(float32(v))
			}
			return v
		}), nil
	case cx == integer && cy == integer:
		t := x.t
		if bitsOf(y.t) > bitsOf(t) {
			t = y.t
		}
		if n.op == "div" {
			t = arrow.PrimitiveTypes.Int64
		}
		width := bitsOf(t)
		return both(n.at(), t, operands, func(a, c any) any { return integers(n.op, a.(int64), c.(int64), width) }), nil
	}
	return b.decimals(n, x, y)
}

// both computes a value from two values that are not NULL.
func both(at int, t arrow.DataType, operands []term, f func(x, y any) any) term {
	return combined(at, t, operands, func(v []values, i int) any {
		x := v[0](i)
		if x == nil {
			return nil
		}
		y := v[1](i)
		if y == nil {
			return nil
		}
		return f(x, y)
	})
}

func byZero(op string) {
	if op == "%" {
		fail("REMAINDER_BY_ZERO", "the remainder of a division by zero; NULLIF(divisor, 0) gives NULL instead")
	}
	fail("DIVIDE_BY_ZERO", "a division by zero; NULLIF(divisor, 0) gives NULL instead")
}

func floats(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	if y == 0 {
		byZero(op)
	}
	if op == "/" {
		return x / y
	}
	return math.Mod(x, y)
}

func integers(op string, x, y int64, width int) int64 {
	switch op {
	case "+":
		return add(x, y, width)
	case "-":
		return subtract(x, y, width)
	case "*":
		return multiply(x, y, width, "the product")
	}
	if y == 0 {
		byZero(op)
	}
	if op == "%" {
		if y == -1 {
			return 0
		}
		return x % y
	}
	if y == -1 {
		return subtract(0, x, 64)
	}
	return x / y
}

func (b *binder) decimals(n arith, x, y term) (term, error) {
	p1, s1 := digitsOf(x)
	p2, s2 := digitsOf(y)
	var t *arrow.Decimal128Type
	switch n.op {
	case "+", "-":
		scale := max(s1, s2)
		t = decimalType(max(p1-s1, p2-s2)+scale+1, scale)
	case "*":
		t = decimalType(p1+p2+1, s1+s2)
	case "/":
		scale := max(6, s1+p2+1)
		t = decimalType(p1-s1+s2+scale, scale)
	case "%":
		scale := max(s1, s2)
		t = decimalType(min(p1-s1, p2-s2)+scale, scale)
	case "div":
		return both(n.at(), arrow.PrimitiveTypes.Int64, []term{x, y}, func(a, c any) any {
			v, w := asDecimal(a), asDecimal(c)
			if w.unscaled.Sign() == 0 {
				byZero(n.op)
			}
			scale := max(v.scale, w.scale)
			q := new(big.Int).Quo(v.rescale(scale).unscaled, w.rescale(scale).unscaled)
			if !q.IsInt64() {
				tooLarge("the quotient", 64)
			}
			return q.Int64()
		}), nil
	}
	return both(n.at(), t, []term{x, y}, func(a, c any) any { return decimalResult(n.op, asDecimal(a), asDecimal(c)).as(t) }), nil
}

// quotientScale is the scale to which Spark rounds a quotient before it rounds it to the scale of the type.
const quotientScale = 38

func decimalResult(op string, x, y decimal) decimal {
	scale := max(x.scale, y.scale)
	switch op {
	case "+":
		return decimal{new(big.Int).Add(x.rescale(scale).unscaled, y.rescale(scale).unscaled), scale}
	case "-":
		return decimal{new(big.Int).Sub(x.rescale(scale).unscaled, y.rescale(scale).unscaled), scale}
	case "*":
		return decimal{new(big.Int).Mul(x.unscaled, y.unscaled), x.scale + y.scale}
	}
	if y.unscaled.Sign() == 0 {
		byZero(op)
	}
	if op == "%" {
		return decimal{new(big.Int).Rem(x.rescale(scale).unscaled, y.rescale(scale).unscaled), scale}
	}
	a, b := x.rescale(scale).unscaled, y.rescale(scale).unscaled
	return decimal{quotient(new(big.Int).Mul(a, pow10(quotientScale)), b), quotientScale}
}

// negate is -value.
func (b *binder) negate(n negate) (term, error) {
	of, err := b.bind(n.of)
	if err != nil {
		return term{}, err
	}
	if n.plus {
		if c := classOf(of.t); !isNumber(c) && c != void {
			return term{}, b.wrong(n.at(), "this is %s, but + takes a number", sqlType(of.t))
		}
		return of, nil
	}
	switch classOf(of.t) {
	case integer:
		width := bitsOf(of.t)
		return of.mapped(n.at(), of.t, notNull(func(v any) any { return subtract(0, v.(int64), width) })), nil
	case float:
		return of.mapped(n.at(), of.t, notNull(func(v any) any { return -v.(float64) })), nil
	case exact:
		return of.mapped(n.at(), of.t, notNull(func(v any) any {
			d := v.(decimal)
			return decimal{new(big.Int).Neg(d.unscaled), d.scale}
		})), nil
	case span:
		return of.mapped(n.at(), of.t, notNull(func(v any) any { return subtract(0, v.(int64), 64) })), nil
	case void:
		return of, nil
	}
	return term{}, b.wrong(n.at(), "this is %s, but - takes a number", sqlType(of.t))
}

// notNull applies a function to values that are not NULL.
func notNull(f func(any) any) func(any) any {
	return func(v any) any {
		if v == nil {
			return nil
		}
		return f(v)
	}
}
