package cli

import (
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// optional is a flag whose absence differs from all its values: a limit of 0 is a
// limit.
type optional[T any] struct {
	to    **T
	parse func(string) (T, error)
	kind  string // type of the value in the help
}

func (o optional[T]) Set(text string) error {
	v, err := o.parse(text)
	if err != nil {
		return err
	}
	*o.to = &v
	return nil
}

// String is empty, because there is no default.
func (o optional[T]) String() string { return "" }

func (o optional[T]) Type() string { return o.kind }

func optionalInt(flags *pflag.FlagSet, to **int64, name, short, usage string) {
	flags.VarP(optional[int64]{to, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }, "int"}, name, short, usage)
}

func optionalFloat(flags *pflag.FlagSet, to **float64, name, usage string) {
	flags.Var(optional[float64]{to, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }, "float"}, name, usage)
}

func optionalDuration(flags *pflag.FlagSet, to **time.Duration, name, usage string) {
	flags.Var(optional[time.Duration]{to, time.ParseDuration, "duration"}, name, usage)
}

// negative reports whether a limit is negative or NaN.
func negative[T int64 | float64 | time.Duration](limits ...*T) bool {
	for _, l := range limits {
		if l != nil && !(*l >= 0) {
			return true
		}
	}
	return false
}
