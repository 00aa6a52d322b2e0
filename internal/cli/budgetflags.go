package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/firesteel/firesteel/internal/job"
)

// budgetFlags bound what is asked.
type budgetFlags struct {
	maxRows, maxTokens, maxErrors *int64 // nil sets no bound
	maxCost                       *float64
	maxTime                       *time.Duration
	price                         string
}

func (o *budgetFlags) add(flags *pflag.FlagSet) {
	optionalInt(flags, &o.maxRows, "max-rows", "", "answer at most this many rows and skip the others")
	o.addMore(flags)
}

// addMore adds the flags except --max-rows, whose meaning differs between
// commands.
func (o *budgetFlags) addMore(flags *pflag.FlagSet) {
	optionalInt(flags, &o.maxTokens, "max-tokens", "", "use at most this many tokens of prompts and answers; 0 answers from the ledger only")
	optionalFloat(flags, &o.maxCost, "max-cost", "spend at most this much, by --price")
	flags.StringVar(&o.price, "price", "", "price of a million tokens of prompts and of a million tokens of answers, such as 0.15,0.60")
	optionalDuration(flags, &o.maxTime, "max-time", "ask for at most this long, such as 90m")
	optionalInt(flags, &o.maxErrors, "max-errors", "", "stop asking after more errors than this (default: no bound)")
}

func (o *budgetFlags) check() error {
	switch {
	case negative(o.maxRows, o.maxTokens, o.maxErrors) || negative(o.maxTime) || negative(o.maxCost):
		return usagef("budgets must be at least 0")
	case o.maxCost != nil && o.price == "":
		return usagef("--max-cost needs the price of a million tokens, as in --price 0.15,0.60")
	}
	_, err := o.prices()
	return err
}

func (o *budgetFlags) budget() job.Budget {
	return job.Budget{Rows: o.maxRows, Tokens: o.maxTokens, Cost: o.maxCost, Time: o.maxTime, Errors: o.maxErrors}
}

func (o *budgetFlags) prices() (p job.Price, err error) {
	if o.price == "" {
		return p, nil
	}
	prompt, output, two := strings.Cut(o.price, ",")
	if p.PromptPerMillion, err = strconv.ParseFloat(strings.TrimSpace(prompt), 64); err == nil && two {
		p.OutputPerMillion, err = strconv.ParseFloat(strings.TrimSpace(output), 64)
	}
	if err != nil || !two || !(p.PromptPerMillion >= 0) || !(p.OutputPerMillion >= 0) {
		return p, usagef("--price %q: write the prices of a million tokens of prompts and of a million tokens of answers, as in 0.15,0.60", o.price)
	}
	return p, nil
}
