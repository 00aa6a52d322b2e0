package spark

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckLedger(t *testing.T) {
	for dir, want := range map[string]string{
		"/mnt/ledger":     "",
		"/dbfs/x":         "",
		"dbfs:/x":         "name the path of its mount, /dbfs/x",
		"file:///x/y":     "name the path /x/y",
		"s3://bucket/key": "mount the store on all executors",
		"ledger":          "is not an absolute path",
		"":                "is not an absolute path",
	} {
		err := CheckLedger(dir)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", dir, err)
		}
	}
}

// Without a ledger, or without prices, a budget is refused before anything is
// registered that uses it.
func TestBudgetsThatCannotHold(t *testing.T) {
	for name, c := range map[string]struct {
		options []Option
		want    string
	}{
		"no ledger":          {[]Option{WithBudget(Budget{Tokens: new(int64(1))})}, ErrBudgetWithoutLedger.Error()},
		"no price":           {[]Option{WithLedger("/x"), WithBudget(Budget{Cost: new(1.0)})}, "needs the prices of a million tokens"},
		"a price below 0":    {[]Option{WithLedger("/x"), WithBudget(Budget{PromptPerMillion: -1})}, "must be numbers of at least 0"},
		"not a directory":    {[]Option{WithLedger("s3://x")}, "mount the store"},
		"neither of the two": {nil, ""},
	} {
		f := newFake(t)
		s, _ := f.start(t, "")
		for _, o := range c.options {
			o(&s.config)
		}
		err := s.openLedger(t.Context())
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(f.requests) > 0 {
			t.Errorf("%s: %d requests", name, len(f.requests))
		}
		if _, err := s.Usage(t.Context()); err == nil || errors.Is(err, ErrClosed) {
			t.Errorf("%s: usage without a ledger: %v", name, err)
		}
	}
}
