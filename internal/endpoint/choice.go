package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// distinguishingTokens returns a number of tokens that is sufficient to
// distinguish the labels: the tokens of the longest common prefix of two labels,
// one more, one for the end of a label that is a prefix of another, and in a
// chat one for white space.
func distinguishingTokens(labels []string, plain bool) int {
	shared := ""
	for i, a := range labels {
		for _, b := range labels[:i] {
			n := 0
			for n < len(a) && n < len(b) && a[n] == b[n] {
				n++
			}
			if n > len(shared) {
				shared = a[:n]
			}
		}
	}
	n := 1
	if strings.TrimSpace(shared) != "" {
		n = estimate(shared) + 2
	}
	if !plain {
		n++
	}
	return min(n, maxLabelTokens)
}

// maxLabelTokens bounds the tokens that are generated to distinguish labels.
const maxLabelTokens = 32

// choose scores the labels by the log probabilities of the first tokens of the
// answer, if the server supports them. If it does not, or if the model starts an
// answer that is not a label, it asks for one of the labels.
func (e *Endpoint) choose(ctx context.Context, q question, labels []string) (llm.Result, error) {
	if len(labels) == 0 {
		return llm.Result{}, fmt.Errorf("%w: the choice has no labels", llm.ErrRequest)
	}
	longest := 0
	trimmed := make([]string, len(labels))
	for i, l := range labels {
		if trimmed[i] = strings.TrimSpace(l); trimmed[i] == "" {
			return llm.Result{}, fmt.Errorf("%w: label %d is blank", llm.ErrRequest, i+1)
		}
		longest = max(longest, estimate(l))
	}
	plain := len(q.messages) == 0
	var top int
	var err error
	if plain {
		var offered completions
		offered, err = e.completions(ctx)
		top, plain = offered.logprobs, offered.any
	}
	if err == nil && !plain {
		top, err = e.chatLogprobs(ctx)
	}
	if err != nil {
		return llm.Result{}, err
	}
	var before llm.Result
	// The first tokens of a model that reasons are not a label.
	if top > 0 && e.features.dialect.Load()&reasonsFirst == 0 {
		scored := q
		if !plain {
			scored = q.asChat()
		}
		scored.maxTokens, scored.logprobs = distinguishingTokens(labels, plain), top
		a, u, err := e.askOnce(ctx, scored)
		before = llm.Result{PromptTokens: u.prompt, OutputTokens: u.output, Finish: llm.FinishStop}
		if err != nil && !refusesParameters(err) {
			return before, err
		}
		wanted := trimmed
		if plain {
			wanted = labels
		}
		if scores := labelScores(a.positions, wanted, !plain); scores != nil {
			before.Scores, before.Text = scores, labels[argmax(scores)]
			return before, nil
		}
	}
	q.maxTokens = 64 + 2*longest
	result, err := e.ask(ctx, q, oneOf{labels, trimmed})
	result.PromptTokens += before.PromptTokens
	result.OutputTokens += before.OutputTokens
	return result, err
}

// minMass is the least total probability of all labels in a chat. With less, the
// model has started an answer that is not a label.
const minMass = 0.01

// labelScores returns the log probability of each label. It counts the tokens up
// to the one that distinguishes the label from the others; the rest counts as
// certain. A label that is not among the likely tokens gets the probability of
// the least likely one, which is greater than its own. Probabilities are known
// only along the generated answer: labels that share a first token that was not
// chosen share its probability equally. It returns nil if no label is likely.
//
// In a chat, white space before the answer is ignored, and so is case if the
// labels differ without it.
func labelScores(positions []wirePosition, labels []string, chat bool) []float64 {
	fold := func(s string) string { return s }
	if chat {
		if lower, ok := folded(labels); ok {
			labels, fold = lower, strings.ToLower
		}
	}
	mass := make([]float64, len(labels))
	live := make([]int, len(labels)) // labels that start with the text so far
	for i := range live {
		live[i] = i
	}
	text, path, least := "", 1.0, 0.0
	for at, p := range positions {
		top := p.Top
		if !hasToken(top, p.Token) {
			top = append(top[:len(top):len(top)], p.wireLogprob)
		}
		rest := path
		var onward []int // labels that the generated answer may still become
		next, nextPath := "", 0.0
		for _, t := range top {
			if at == 0 {
				least = min(least, t.Logprob)
			}
			candidate := text + fold(t.Token)
			if chat {
				candidate = strings.TrimLeftFunc(candidate, unicode.IsSpace)
			}
			group := live
			if candidate != "" {
				group = matchingLabels(live, labels, candidate)
			}
			share := path * math.Exp(min(0, t.Logprob))
			switch {
			case len(group) == 0 || candidate == "" && t.Token != p.Token:
				continue
			case t.Token == p.Token && (len(group) > 1 || candidate == ""):
				onward, next, nextPath = group, candidate, share
			default:
				for _, l := range group {
					mass[l] += share / float64(len(group))
				}
			}
			rest -= share
		}
		// Any other token after a whole label ends it.
		for _, l := range live {
			if text != "" && labels[l] == text {
				mass[l] += max(0, rest)
			}
		}
		if onward == nil {
			live = nil
			break
		}
		live, text, path = onward, next, nextPath
	}
	spread(mass, live, labels, text, path)
	total := 0.0
	for _, m := range mass {
		total += m
	}
	if len(positions) == 0 || !(total > 0) || chat && total < minMass {
		return nil
	}
	for i, m := range mass {
		mass[i] = min(0, math.Log(m))
		if m <= 0 {
			mass[i] = least
		}
	}
	return mass
}

// folded returns the labels in lower case, if they are still different.
func folded(labels []string) ([]string, bool) {
	lower := make([]string, len(labels))
	for i, l := range labels {
		lower[i] = strings.ToLower(l)
		if slices.Contains(lower[:i], lower[i]) {
			return nil, false
		}
	}
	return lower, true
}

// spread adds the remaining probability to the label that equals the answer, or
// equally to all that the answer may become.
func spread(mass []float64, live []int, labels []string, text string, left float64) {
	if text == "" {
		return
	}
	for _, l := range live {
		if labels[l] == text {
			mass[l] += left
			return
		}
	}
	for _, l := range live {
		mass[l] += left / float64(len(live))
	}
}

func hasToken(top []wireLogprob, token string) bool {
	for _, t := range top {
		if t.Token == token {
			return true
		}
	}
	return false
}

// matchingLabels returns the labels that start with text. If there are none, it
// returns the longest label that text starts with, if no letter or digit follows
// it.
func matchingLabels(live []int, labels []string, text string) []int {
	var group []int
	whole := -1
	for _, l := range live {
		label := labels[l]
		if strings.HasPrefix(label, text) {
			group = append(group, l)
		} else if rest, ok := strings.CutPrefix(text, label); ok {
			c, _ := utf8.DecodeRuneInString(rest)
			if !unicode.IsLetter(c) && !unicode.IsDigit(c) && (whole < 0 || len(label) > len(labels[whole])) {
				whole = l
			}
		}
	}
	if group == nil && whole >= 0 {
		return []int{whole}
	}
	return group
}

func argmax(x []float64) int {
	best := 0
	for i := range x {
		if x[i] > x[best] {
			best = i
		}
	}
	return best
}

// oneOf is the rule of a choice by instruction or by a schema.
type oneOf struct{ labels, trimmed []string }

func (o oneOf) format(offered formats) *responseFormat {
	if !offered.schema {
		return nil
	}
	list, _ := json.Marshal(o.trimmed)
	return schemaFormat(json.RawMessage(`{"type":"object","properties":{"label":{"type":"string","enum":`+string(list)+
		`}},"required":["label"],"additionalProperties":false}`), true)
}

func (o oneOf) demand() string {
	list, _ := json.Marshal(o.trimmed)
	return "Answer with exactly one of these labels and nothing else: " + string(list)
}

func (o oneOf) check(text string) (string, error) {
	text = strings.TrimSpace(text)
	var shaped struct{ Label string }
	var quoted string
	if json.Unmarshal([]byte(text), &shaped) == nil && shaped.Label != "" {
		text = strings.TrimSpace(shaped.Label)
	} else if json.Unmarshal([]byte(text), &quoted) == nil {
		text = strings.TrimSpace(quoted)
	}
	for i, l := range o.trimmed {
		if l == text {
			return o.labels[i], nil
		}
	}
	// Ignore full stops, quotes and case, unless two labels differ only in
	// these.
	found := -1
	for i, l := range o.trimmed {
		if strings.EqualFold(trimMarks(l), trimMarks(text)) && trimMarks(text) != "" {
			if found >= 0 {
				return "", errors.New("it could be several of the labels")
			}
			found = i
		}
	}
	if found < 0 {
		return "", errors.New("it is none of the labels")
	}
	return o.labels[found], nil
}

func trimMarks(s string) string { return strings.Trim(s, " \t\r\n.!\"'`*") }
