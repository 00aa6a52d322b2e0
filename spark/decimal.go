package spark

import (
	"fmt"
	"math/big"
	"strings"
)

// Decimal is the exact number Unscaled / 10^Scale: a value of Spark's DECIMAL.
type Decimal struct {
	Unscaled *big.Int
	Scale    int
}

// ParseDecimal reads a number such as "-12.50", keeping its zeros.
func ParseDecimal(s string) (Decimal, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || strings.ContainsAny(fraction, "+-_") || strings.Contains(whole, "_") {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", s)
	}
	d := Decimal{n, len(fraction)}
	if d.precision() > maxPrecision {
		return Decimal{}, fmt.Errorf("%q has more than %d digits", s, maxPrecision)
	}
	return d, nil
}

// maxPrecision is the most digits that Spark's DECIMAL has.
const maxPrecision = 38

func (d Decimal) String() string {
	if d.Unscaled == nil {
		return "0"
	}
	digits := new(big.Int).Abs(d.Unscaled).String()
	if d.Scale > 0 {
		if missing := d.Scale + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		digits = digits[:len(digits)-d.Scale] + "." + digits[len(digits)-d.Scale:]
	}
	if d.Unscaled.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// Float64 is the nearest float64.
func (d Decimal) Float64() float64 {
	if d.Unscaled == nil {
		return 0
	}
	divisor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil)
	f, _ := new(big.Rat).SetFrac(d.Unscaled, divisor).Float64()
	return f
}

func (d Decimal) precision() int {
	if d.Unscaled == nil {
		return max(1, d.Scale)
	}
	return max(len(new(big.Int).Abs(d.Unscaled).String()), d.Scale)
}
