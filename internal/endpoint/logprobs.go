package endpoint

import (
	"encoding/json"
	"math"
)

type wireLogprob struct {
	Token   string
	Logprob float64
}

// wirePosition is a token of the answer, and what else was likely there.
type wirePosition struct {
	wireLogprob
	Top []wireLogprob
}

// wireLogprobs are the two forms of log probabilities: a chat's, and the older
// one of completions.
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

// maxPositions and maxTop bound what is kept of log probabilities.
const (
	maxPositions = 256
	maxTop       = 64
)

// readLogprobs gives both forms in one. Whatever is none gives nothing: labels
// are then asked for otherwise.
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

// whole: both are there, and can be. llama-server rounds the sum of certain
// tokens to a little over 1.
func (m maybeLogprob) whole() bool {
	return m.Token != nil && m.Logprob != nil && !math.IsNaN(*m.Logprob) && *m.Logprob <= 0.01
}
