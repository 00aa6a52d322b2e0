package spark

import "github.com/firesteel/firesteel/internal/sqltypes"

// Decimal is a value of Spark's type DECIMAL, an exact decimal number.
type Decimal = sqltypes.Decimal

// ParseDecimal parses a number such as "-12.50". The scale is the number of
// digits after the point, including trailing zeros.
func ParseDecimal(s string) (Decimal, error) { return sqltypes.ParseDecimal(s) }
