package sparkjob

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/spark"
)

// Waves begin small, to learn how long an input takes, and then take so long.
const (
	firstWave  = 32 // inputs a core
	waveLength = time.Minute
)

// waves asks for the inputs whose answers are not known: key and arguments.
func (r *running) waves(ctx context.Context, c *sqlexpr.Call, distinct *spark.DataFrame, answers store) error {
	missing := distinct.JoinUsing(answers.known(), "anti", keyColumn)
	all, err := distinct.Count(ctx)
	if err != nil {
		return err
	}
	todo, err := missing.Count(ctx)
	if err != nil {
		return err
	}
	r.result.Distinct += all
	progress := Progress{Call: sqlexpr.Mask(c.Text), Distinct: all, Done: all - todo, Left: -1}
	r.tell(progress)
	begun, size := time.Now(), float64(firstWave*r.cores)
	if r.Budget.Tokens != nil {
		size = float64(r.cores) // it is not known how many an input takes
	}
	for from := 0.0; from < 1 && progress.Done < all && r.spent == ""; {
		if r.spent = r.exhausted(); r.spent != "" {
			break
		}
		// What is left of the keys, which are spread evenly, holds what is left.
		to := from + (1-from)*min(1, size/float64(all-progress.Done))
		if to > 1-1e-9 {
			to = 1
		}
		wave := missing.Where(spark.Expr(between(from, to)))
		before := time.Now()
		stored, err := answers.add(ctx, wave.Select(spark.Col(keyColumn), spark.Expr(asking(c)).Alias(answerColumn)))
		if err != nil {
			return err
		}
		took := time.Since(before)
		rows, failed, tokens, err := r.count(ctx, c, stored, distinct)
		if err != nil {
			return err
		}
		from = to
		r.result.Waves++
		r.result.Asked += rows
		r.result.failures += failed
		r.result.PromptTokens += tokens.in
		r.result.OutputTokens += tokens.out
		progress.Done += rows
		progress.Asked += rows
		progress.Errors += failed
		if seconds := time.Since(begun).Seconds(); seconds > 0 {
			progress.RowsPerSecond = float64(progress.Asked) / seconds
		}
		progress.Left = -1
		if progress.RowsPerSecond > 0 {
			progress.Left = time.Duration(float64(all-progress.Done) / progress.RowsPerSecond * float64(time.Second))
		}
		r.tell(progress)
		size = r.nextWave(rows, took)
	}
	return nil
}

// nextWave is how many inputs to ask for next, after a wave of rows.
func (r *running) nextWave(rows int64, took time.Duration) float64 {
	length := waveLength
	if limit := r.Budget.Time; limit != nil {
		length = min(length, max(time.Second, (*limit-time.Since(r.begun))/2))
	}
	size := float64(rows) * length.Seconds() / max(took.Seconds(), 0.001)
	if limit := r.Budget.Tokens; limit != nil && r.result.Asked > 0 {
		// Not far over the rest.
		used := r.result.PromptTokens + r.result.OutputTokens
		each := max(float64(used)/float64(r.result.Asked), 0.01)
		size = min(size, float64(*limit-used)/each)
	}
	return max(size, float64(r.cores))
}

// between is the condition for keys from a share of all up to another.
func between(from, to float64) string {
	bound := func(share float64) string { return fmt.Sprintf("%08x", uint32(share*math.MaxUint32)) }
	condition := "key >= '" + bound(from) + "'"
	if from == 0 {
		condition = "true"
	}
	if to < 1 {
		condition += " AND key < '" + bound(to) + "'"
	}
	return condition
}

type tokens struct{ in, out int64 }

// count says of a wave how many rows were asked and failed, and how many tokens
// the texts asked and the texts answered have. What a prompt puts around them
// is not known here.
func (r *running) count(ctx context.Context, c *sqlexpr.Call, stored, distinct *spark.DataFrame) (rows, failed int64, used tokens, err error) {
	in := "0"
	for i, a := range c.Args {
		if !a.Constant && c.Function.Params[c.Param(i)].Type == ai.String {
			in += fmt.Sprintf(" + coalesce(ai_count_tokens(CAST(a%d AS STRING)), 0)", i)
		}
	}
	out := "coalesce(ai_count_tokens(answer.raw), 0)"
	counted, err := stored.JoinUsing(distinct, "inner", keyColumn).Select(
		spark.Expr("answer.error IS NOT NULL AND answer.result IS NULL").Alias("failed"),
		spark.Expr("CAST("+in+" AS BIGINT)").Alias("tokens_in"), spark.Expr("CAST("+out+" AS BIGINT)").Alias("tokens_out"),
	).GroupBy().Agg(
		spark.Expr("count(1)").Alias("rows"), spark.Expr("coalesce(sum(if(failed, 1L, 0L)), 0L)").Alias("failed"),
		spark.Expr("coalesce(sum(tokens_in), 0L)").Alias("tokens_in"), spark.Expr("coalesce(sum(tokens_out), 0L)").Alias("tokens_out"),
	).Collect(ctx)
	if err != nil {
		return 0, 0, used, err
	}
	var n struct {
		Rows   int64 `spark:"rows"`
		Failed int64 `spark:"failed"`
		In     int64 `spark:"tokens_in"`
		Out    int64 `spark:"tokens_out"`
	}
	err = counted[0].Scan(&n)
	return n.Rows, n.Failed, tokens{n.In, n.Out}, err
}

func (r *running) tell(p Progress) {
	if r.Progress != nil {
		r.Progress(p)
	}
}

// exhausted is why nothing is asked any more; empty if it is.
func (r *running) exhausted() string {
	b := r.Budget
	switch used := r.result.PromptTokens + r.result.OutputTokens; {
	case b.Tokens != nil && used >= *b.Tokens:
		return fmt.Sprintf("the budget of %d tokens is used up", *b.Tokens)
	case b.Time != nil && time.Since(r.begun) >= *b.Time:
		return fmt.Sprintf("the budget of %v is used up", *b.Time)
	case b.Errors != nil && r.result.failures > *b.Errors:
		return fmt.Sprintf("there were more than %d errors", *b.Errors)
	}
	return ""
}
