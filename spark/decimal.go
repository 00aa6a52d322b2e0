package spark

import "github.com/firesteel/firesteel/internal/gotable"

// Decimal is an exact number: a value of Spark's DECIMAL.
type Decimal = gotable.Decimal

// ParseDecimal reads a number such as "-12.50", keeping its zeros.
func ParseDecimal(s string) (Decimal, error) { return gotable.ParseDecimal(s) }
