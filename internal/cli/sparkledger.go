package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/spark"
)

// sparkLedgerFlags are the flags of the ledger and the budgets of queries on Spark.
type sparkLedgerFlags struct {
	dir    string
	sample *int64 // of --explain
	budgetFlags
}

func (f *sparkLedgerFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.dir, "ledger", "", "directory that keeps answers, on a file system that all executors share (default: answers are not kept)")
	optionalInt(flags, &f.maxRows, "max-rows", "", "ask at most this many rows for each query and skip the others; rows that the ledger answers do not count")
	f.addMore(flags)
}

func (f *sparkLedgerFlags) check() error {
	if err := f.budgetFlags.check(); err != nil {
		return err
	}
	if f.dir == "" && (f.maxRows != nil || f.maxTokens != nil || f.maxCost != nil || f.maxTime != nil || f.maxErrors != nil) {
		return usagef("a budget needs --ledger with a directory that all executors share: they count there together")
	}
	if f.dir != "" {
		if err := spark.CheckLedger(f.dir); err != nil {
			return usagef("--ledger: %w", err)
		}
	}
	return nil
}

// options returns the options of the session.
func (f *sparkLedgerFlags) options() []spark.Option {
	if f.dir == "" {
		return nil
	}
	price, _ := f.prices() // check reports mistakes
	return []spark.Option{spark.WithLedger(f.dir), spark.WithBudget(spark.Budget{
		Rows: f.maxRows, Tokens: f.maxTokens, Cost: f.maxCost, Time: f.maxTime, Errors: f.maxErrors, Sample: f.sample,
		PromptPerMillion: price.PromptPerMillion, OutputPerMillion: price.OutputPerMillion,
	})}
}

// reportUsage writes what the session's latest query asked, unless it was written
// before.
func (a *app) reportUsage(ctx context.Context, session *spark.Session, f *sparkLedgerFlags) {
	if f.dir == "" {
		return
	}
	all, err := session.Usage(ctx)
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintln(a.err, "the usage of the statement is unknown:", a.message(err))
		}
		return
	}
	if len(all) == 0 || all[0].Query == a.reported {
		return
	}
	a.reported = all[0].Query
	for _, u := range all {
		fmt.Fprintln(a.err, usageLine(u, f.price != ""))
	}
}

// usageLine describes what a function asked a model.
func usageLine(u spark.Usage, cost bool) string {
	parts := []string{fmt.Sprintf("%d rows", u.Rows), fmt.Sprintf("%d asked", u.Asked), fmt.Sprintf("%d from the ledger", u.FromLedger)}
	if u.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", u.Skipped))
	}
	if u.Errors > 0 {
		parts = append(parts, fmt.Sprintf("%d errors", u.Errors))
	}
	if tokens := u.PromptTokens + u.OutputTokens; tokens > 0 {
		parts = append(parts, fmt.Sprintf("%d tokens", tokens))
	}
	if cost {
		parts = append(parts, fmt.Sprintf("cost %.4f", u.Cost))
	}
	name := u.Function
	if u.Model != "" {
		name += " by " + u.Model
	}
	return name + ": " + strings.Join(parts, ", ")
}
