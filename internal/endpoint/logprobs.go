package endpoint

import (
	"encoding/json"
	"math"
)

type wireLogprob struct {
	Token   string
	Logprob float64
}

// wirePosition is a token of the answer and the likely tokens at its position.
type wirePosition struct {
	wireLogprob
	Top []wireLogprob
}

// wireLogprobs has the two forms of log probabilities: that of chats, and the
// older one of completions.
type wireLogprobs struct {
	Content []struct {
		maybeLogprob
		Top []maybeLogprob `json:"top_logprobs"`
	} `json:"content"`
	Tokens        []string             `json:"tokens"`
	TokenLogprobs []*float64           `json:"token_logprobs"`
	TopLogprobs   []map[string]float64 `json:"top_logprobs"`
}

type maybeLogprob struct {
	Token   *string  `json:"token"`
	Logprob *float64 `json:"logprob"`
}

// maxPositions and maxTop bound the log probabilities that are read.
const (
	maxPositions = 256
	maxTop       = 64
)

// readLogprobs reads both forms. It returns nil for invalid values: labels are
// then requested in another way.
func readLogprobs(raw json.RawMessage) []wirePosition {
	var w wireLogprobs
	if isNull(raw) || json.Unmarshal(raw, &w) != nil {
		return nil
	}
	var found []wirePosition
	for _, c := range w.Content[:min(len(w.Content), maxPositions)] {
		if !c.whole() {
			return nil
		}
		p := wirePosition{wireLogprob: wireLogprob{*c.Token, *c.Logprob}}
		for _, t := range c.Top[:min(len(c.Top), maxTop)] {
			if !t.whole() {
				return nil
			}
			p.Top = append(p.Top, wireLogprob{*t.Token, *t.Logprob})
		}
		found = append(found, p)
	}
	if len(found) > 0 {
		return found
	}
	for i := range min(len(w.Tokens), len(w.TokenLogprobs), len(w.TopLogprobs), maxPositions) {
		first := maybeLogprob{&w.Tokens[i], w.TokenLogprobs[i]}
		if !first.whole() {
			return nil
		}
		p := wirePosition{wireLogprob: wireLogprob{w.Tokens[i], *first.Logprob}}
		for token, lp := range w.TopLogprobs[i] {
			if top := (maybeLogprob{&token, &lp}); !top.whole() || len(p.Top) == maxTop {
				return nil
			}
			p.Top = append(p.Top, wireLogprob{token, lp})
		}
		found = append(found, p)
	}
	return found
}

// whole reports whether both fields are present and valid. llama-server rounds
// the sum of certain tokens to slightly more than 1.
func (m maybeLogprob) whole() bool {
	return m.Token != nil && m.Logprob != nil && !math.IsNaN(*m.Logprob) && *m.Logprob <= 0.01
}
