// Package sqltypes maps Go types and names to those of tables: the fields of a
// struct to columns, Decimal to DECIMAL, and names to quoted identifiers.
package sqltypes

import (
	"math/big"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// Decimal is the exact number Unscaled / 10^Scale, a value of Spark's DECIMAL.
type Decimal struct {
	Unscaled *big.Int
	Scale    int
}

// ParseDecimal reads a number such as "-12.50". Trailing zeros count for the scale.
func ParseDecimal(s string) (Decimal, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || strings.ContainsAny(fraction, "+-_") || strings.Contains(whole, "_") {
		return Decimal{}, sensitive.Errorf("%s is not a decimal number", sensitive.Text(s))
	}
	d := Decimal{n, len(fraction)}
	if d.Precision() > MaxPrecision {
		return Decimal{}, sensitive.Errorf("%s has more than %d digits", sensitive.Text(s), MaxPrecision)
	}
	return d, nil
}

// MaxPrecision is the largest number of digits of Spark's DECIMAL.
const MaxPrecision = 38

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

// Float64 returns the nearest float64.
func (d Decimal) Float64() float64 {
	if d.Unscaled == nil {
		return 0
	}
	divisor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil)
	f, _ := new(big.Rat).SetFrac(d.Unscaled, divisor).Float64()
	return f
}

// Precision is the number of digits of the smallest DECIMAL that holds d.
func (d Decimal) Precision() int {
	if d.Unscaled == nil {
		return max(1, d.Scale)
	}
	return max(len(new(big.Int).Abs(d.Unscaled).String()), d.Scale)
}

// Rescale returns Unscaled for DECIMAL(precision, scale), or an error if that type
// cannot hold d.
func (d Decimal) Rescale(precision, scale int) (*big.Int, error) {
	if d.Unscaled == nil {
		return new(big.Int), nil
	}
	n := new(big.Int).Set(d.Unscaled)
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale-d.Scale, d.Scale-scale))), nil)
	if d.Scale <= scale {
		n.Mul(n, power)
	} else if _, rest := n.QuoRem(n, power, new(big.Int)); rest.Sign() != 0 {
		return nil, sensitive.Errorf("%s has more than %d digits after the point", sensitive.Of(d), scale)
	}
	if len(new(big.Int).Abs(n).String()) > precision {
		return nil, sensitive.Errorf("%s does not fit DECIMAL(%d,%d)", sensitive.Of(d), precision, scale)
	}
	return n, nil
}

// DecimalOf returns an integer as a Decimal.
func DecimalOf(n int64) Decimal { return Decimal{Unscaled: big.NewInt(n)} }
