package endpoint

import (
	"math"
	"sync"
)

// Totals is what an Endpoint used.
type Totals struct {
	// Requests are those answered, each once; Attempts are all that were sent
	// for them, probes included; Reasks are answers that broke their constraint
	// and were asked for again.
	Requests, Attempts, Reasks int
	// PromptTokens and OutputTokens are the server's count, or, for Estimated
	// answers, our estimate: the server said nothing, or what cannot be.
	PromptTokens, OutputTokens int
	Estimated                  int
	// Uncertain attempts failed, and may have been charged or not; they are
	// not in the tokens.
	Uncertain int
	// Cost is in the currency of Options.Price.
	Cost float64
}

// usage counts, and learns how many tokens requests use.
type usage struct {
	mu     sync.Mutex
	price  Price
	totals Totals

	answers int     // that output and ratio were learned from
	output  float64 // smoothed tokens of an answer
	ratio   float64 // smoothed real per estimated prompt tokens
}

func (u *usage) count(change func(t *Totals)) {
	u.mu.Lock()
	change(&u.totals)
	u.mu.Unlock()
}

func (u *usage) read() Totals {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.totals
	t.Cost = (float64(t.PromptTokens)*u.price.PromptPerMillion + float64(t.OutputTokens)*u.price.OutputPerMillion) / 1e6
	return t
}

// learnedAfter answers are enough to foresee by.
const learnedAfter = 8

// defaultOutput is foreseen where a request sets no bound.
const defaultOutput = 256

// foresee says how many tokens a request will use.
func (u *usage) foresee(prompt, maxOutput int) float64 {
	if maxOutput == 0 {
		maxOutput = defaultOutput
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.answers < learnedAfter {
		return float64(prompt + maxOutput)
	}
	return u.ratio*float64(prompt) + min(u.output, float64(maxOutput))
}

// used is what one answer cost.
type used struct {
	prompt, output int
	estimated      bool
}

// settle believes a claim that can be, and estimates otherwise. promptBytes and
// textBytes bound the tokens, as a token is a byte at least; messages bring
// their template's.
func (u *usage) settle(claim *wireUsage, sent size, text string, maxOutput int) used {
	guess := used{prompt: sent.tokens, output: estimate(text), estimated: true}
	got := guess
	if claim != nil && claim.Prompt != nil && claim.Completion != nil {
		// A token covers 64 bytes at most, and a model may think unseen.
		most := float64(maxOutput + 16)
		if maxOutput == 0 {
			most = 1 << 20
		}
		if between(*claim.Prompt, float64(sent.bytes/64), float64(sent.bytes+64*sent.messages+256)) &&
			between(*claim.Completion, float64(len(text)/64), most) &&
			(sent.bytes == 0 || *claim.Prompt > 0) && (text == "" || *claim.Completion > 0) {
			got = used{prompt: int(*claim.Prompt), output: int(*claim.Completion)}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.totals.PromptTokens += got.prompt
	u.totals.OutputTokens += got.output
	if got.estimated {
		u.totals.Estimated++
	}
	// A running mean at first, then smoothed over about 32 answers.
	u.answers++
	weight := max(1/float64(u.answers), 1.0/32)
	u.output += weight * (float64(got.output) - u.output)
	u.ratio += weight * (float64(got.prompt)/float64(max(1, sent.tokens)) - u.ratio)
	return got
}

func between(x, least, most float64) bool {
	return x >= least && x <= most && x == math.Trunc(x)
}

// size is what is sent.
type size struct{ bytes, tokens, messages int }
