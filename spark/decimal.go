package spark

import "github.com/firesteel/firesteel/internal/sqltypes"

// Decimal is an exact number: a value of Spark's DECIMAL.
type Decimal = sqltypes.Decimal

// ParseDecimal reads a number such as "-12.50", keeping its zeros.
func ParseDecimal(s string) (Decimal, error) { return sqltypes.ParseDecimal(s) }
