package onspark

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

const (
	// firstWave is the size of the first wave, in inputs for each core. It shows
	// how long an input takes.
	firstWave = 32
	// waveLength is about the time that later waves take.
	waveLength = time.Minute
)

// ask computes the answers of the distinct inputs that the store lacks, in
// waves, until a budget is spent.
func (r *run) ask(ctx context.Context, c *sqlexpr.Call, distinct query, answers store) error {
	missing := distinct.join(answers.known(), "anti", keyColumn)
	counted, err := distinct.group(nil, column{"count(1)", "inputs"}, column{"coalesce(sum(equal), 0L)", "calls"}).rows(ctx)
	if err != nil {
		return err
	}
	all, calls := integer(counted[0], "inputs"), integer(counted[0], "calls")
	todo, err := missing.count(ctx)
	if err != nil {
		return err
	}
	s := &r.summary
	s.Calls += calls
	s.Equal += calls - all
	s.Kept += all - todo
	p := Progress{Call: sqlexpr.Mask(c.Text), Distinct: all, Done: all - todo, Left: -1}
	r.report(p)
	defer func() { s.Refused += all - p.Done }()
	begun, size := time.Now(), float64(firstWave*r.cores)
	if r.Budget.Tokens != nil {
		size = float64(r.cores) // the number of tokens of an input is not known yet
	}
	for from := 0.0; from < 1 && p.Done < all && r.spent == nil; {
		if r.spent = r.exhausted(); r.spent != nil {
			break
		}
		// Keys are spread evenly, so the rest of the inputs has the rest of the keys.
		to := from + (1-from)*min(1, size/float64(all-p.Done))
		if to > 1-1e-9 {
			to = 1
		}
		wave := missing.where(between(from, to)).project(column{expr: keyColumn}, column{askSQL(c), answerColumn})
		before := time.Now()
		stored, err := answers.add(ctx, wave)
		if err != nil {
			return err
		}
		took := time.Since(before)
		w, err := r.countWave(ctx, c, stored, distinct)
		if err != nil {
			return err
		}
		from = to
		s.Waves++
		r.asked += w.rows
		s.PromptTokens += w.promptTokens
		s.OutputTokens += w.outputTokens
		r.failed += w.failed
		p.add(w, time.Since(begun))
		r.report(p)
		size = r.nextWave(w.rows, took)
	}
	return nil
}

// add counts a wave; elapsed is the time since the first wave began.
func (p *Progress) add(w waveCounts, elapsed time.Duration) {
	p.Done += w.rows
	p.Asked += w.rows
	p.Errors += w.failed
	if seconds := elapsed.Seconds(); seconds > 0 {
		p.RowsPerSecond = float64(p.Asked) / seconds
	}
	p.Left = -1
	if p.RowsPerSecond > 0 {
		p.Left = time.Duration(float64(p.Distinct-p.Done) / p.RowsPerSecond * float64(time.Second))
	}
}

func (r *run) report(p Progress) {
	if r.progress != nil {
		r.progress(p)
	}
}

// nextWave returns the size of the next wave, after a wave of rows.
func (r *run) nextWave(rows int64, took time.Duration) float64 {
	length := waveLength
	if limit := r.Budget.Time; limit != nil {
		length = min(length, max(time.Second, (*limit-time.Since(r.begun))/2))
	}
	size := float64(rows) * length.Seconds() / max(took.Seconds(), 0.001)
	if limit := r.Budget.Tokens; limit != nil && r.asked > 0 {
		used := r.tokens()
		each := max(float64(used)/float64(r.asked), 0.01)
		size = min(size, float64(*limit-used)/each)
	}
	return max(size, float64(r.cores))
}

func (r *run) tokens() int64 { return r.summary.PromptTokens + r.summary.OutputTokens }

// exhausted returns the reason why nothing more is asked, or nil.
func (r *run) exhausted() *job.Spent {
	switch b := r.Budget; {
	case b.Tokens != nil && r.tokens() >= *b.Tokens:
		return b.TokensSpent()
	case b.Time != nil && time.Since(r.begun) >= *b.Time:
		return b.TimeSpent()
	case b.Errors != nil && r.failed > *b.Errors:
		return b.ErrorsSpent()
	}
	return nil
}

// between is the condition for the keys of a range; from and to are shares of
// all keys.
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

// waveCounts counts the inputs of a wave, those with an error, and the tokens of
// texts asked and answered. The tokens of prompts around the texts are unknown.
// Rules read no tokens, and need no tokenizer.
type waveCounts struct{ rows, failed, promptTokens, outputTokens int64 }

func (r *run) countWave(ctx context.Context, c *sqlexpr.Call, stored, distinct query) (waveCounts, error) {
	in, out := "0", "0"
	rules := len(c.Asks()) == 0
	if !rules {
		out = "coalesce(ai_count_tokens(answer.raw), 0)"
	}
	for i, a := range c.Args {
		if !rules && !a.Constant && c.Function.Params[c.Param(i)].Type == ai.String {
			in += fmt.Sprintf(" + coalesce(ai_count_tokens(CAST(a%d AS STRING)), 0)", i)
		}
	}
	rows, err := stored.join(distinct, "inner", keyColumn).project(
		column{"answer.error IS NOT NULL AND answer.result IS NULL", "failed"},
		column{"CAST(" + in + " AS BIGINT)", "tokens_in"},
		column{"CAST(" + out + " AS BIGINT)", "tokens_out"},
	).group(nil,
		column{"count(1)", "rows"},
		column{"coalesce(sum(if(failed, 1L, 0L)), 0L)", "failed"},
		column{"coalesce(sum(tokens_in), 0L)", "tokens_in"},
		column{"coalesce(sum(tokens_out), 0L)", "tokens_out"},
	).rows(ctx)
	if err != nil {
		return waveCounts{}, err
	}
	n := rows[0]
	return waveCounts{integer(n, "rows"), integer(n, "failed"), integer(n, "tokens_in"), integer(n, "tokens_out")}, nil
}
