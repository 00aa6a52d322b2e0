package endpoint

import (
	"math"
	"sync"
)

// Totals is the usage of an Endpoint.
type Totals struct {
	// Requests counts answered requests, Attempts all requests that were sent,
	// including probes, and Reasks answers that did not meet their constraint
	// and were requested again.
	Requests, Attempts, Reasks int
	// PromptTokens and OutputTokens are the counts of the server. For Estimated
	// answers, whose counts are missing or impossible, they are estimates.
	PromptTokens, OutputTokens int
	Estimated                  int
	// Uncertain counts failed attempts that may have been charged. Their tokens
	// are not counted.
	Uncertain int
	// Cost is in the currency of Options.Price.
	Cost float64
}

// usage counts the usage and predicts the tokens of requests.
type usage struct {
	mu     sync.Mutex
	price  Price
	totals Totals

	answers int     // number of answers in output and ratio
	output  float64 // smoothed number of tokens of an answer
	ratio   float64 // smoothed ratio of real to estimated prompt tokens
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

// learnedAfter is the number of answers after which predictions use them.
const learnedAfter = 8

// defaultOutput is the predicted output of a request without a limit.
const defaultOutput = 256

// predict returns the number of tokens that a request will probably use.
func (u *usage) predict(prompt, maxOutput int) float64 {
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

// used is the usage of one answer.
type used struct {
	prompt, output int
	estimated      bool
}

// settle counts the usage that a server reports, if it is possible, otherwise an
// estimate. The bytes sent bound the tokens, because a token has at least one
// byte; the template adds tokens for each message.
func (u *usage) settle(claim *wireUsage, sent size, text string, maxOutput int) used {
	guess := used{prompt: sent.tokens, output: estimate(text), estimated: true}
	got := guess
	if claim != nil && claim.Prompt != nil && claim.Completion != nil {
		// A token has at most 64 bytes. A model may reason without output.
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
	// The mean of the first answers, then smoothed over about 32 answers.
	u.answers++
	weight := max(1/float64(u.answers), 1.0/32)
	u.output += weight * (float64(got.output) - u.output)
	u.ratio += weight * (float64(got.prompt)/float64(max(1, sent.tokens)) - u.ratio)
	return got
}

func between(x, least, most float64) bool {
	return x >= least && x <= most && x == math.Trunc(x)
}

// size is the size of a request.
type size struct{ bytes, tokens, messages int }
