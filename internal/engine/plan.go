package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// defaultMaxTokens is how much is generated where a request does not say.
const defaultMaxTokens = 256

// minShared tokens are worth a prefix of their own.
const minShared = 16

// plan is a request in tokens.
type plan struct {
	input  []int32 // of the encoder, where there is one
	prompt []int32
	shared int // leading tokens of the prompt that other requests may have too
	labels []string
	trie   *labelTrie // nil to generate
	rule   *constrained
	limits llm.Constraint // what rule follows
	max    int
	prefix *prefix

	sequence *sequence
	known    *llm.Result // once it is
}

// key tells requests apart that are to have different answers.
func (p *plan) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v %d %q %T %q ", p.max, p.trie != nil, len(p.labels), p.labels, p.limits, p.limits)
	b.WriteString(tokenKey(p.input))
	b.WriteString(tokenKey(p.prompt))
	return b.String()
}

// plan checks a request and turns it into tokens.
func (e *Engine) plan(r llm.Request) (*plan, error) {
	if why := e.network.Headless(); why != "" {
		return nil, fmt.Errorf("%w: %s; ai_embed and ai_similarity use it", llm.ErrModel, why)
	}
	p := &plan{}
	if err := e.tokenize(p, r); err != nil {
		return nil, err
	}
	window := e.info.Context
	if len(p.input) > window {
		return nil, fmt.Errorf("%w: it has %d tokens, of %d", llm.ErrTooLong, len(p.input), window)
	}
	switch c := r.Constraint.(type) {
	case nil, llm.Pattern, llm.JSON:
		p.max = r.MaxTokens
		if p.max == 0 {
			p.max = defaultMaxTokens
		}
		if p.max < 0 {
			return nil, fmt.Errorf("%w: MaxTokens is %d", llm.ErrRequest, r.MaxTokens)
		}
		if len(p.prompt) >= window {
			return nil, fmt.Errorf("%w: it has %d tokens, of %d", llm.ErrTooLong, len(p.prompt), window)
		}
		p.max = min(p.max, window-len(p.prompt))
		if c == nil {
			break
		}
		compiled, err := e.grammars.get(c)
		if err != nil {
			return nil, err
		}
		state, err := compiled.Start(p.max)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", llm.ErrRequest, err)
		}
		p.rule, p.limits = &constrained{e.tokens, state, state}, c
	case llm.Choice:
		var err error
		if p.trie, err = newLabelTrie(e.tokens, c.Labels); err != nil {
			return nil, err
		}
		if n := len(p.trie.inner); n > window {
			return nil, fmt.Errorf("%w: its %d labels have %d tokens to compute, of %d", llm.ErrTooLong, len(c.Labels), n, window)
		}
		p.labels = c.Labels
		if n := len(p.prompt) + p.trie.depth(); n > window {
			return nil, fmt.Errorf("%w: with its longest label it has %d tokens, of %d", llm.ErrTooLong, n, window)
		}
	default:
		return nil, fmt.Errorf("%w: a constraint of type %T is not supported", llm.ErrRequest, c)
	}
	return p, nil
}

// tokenize fills in the prompt.
func (e *Engine) tokenize(p *plan, r llm.Request) error {
	plain := r.Prefix != "" || r.Text != ""
	switch {
	case plain && len(r.Messages) > 0:
		return fmt.Errorf("%w: it has both messages and plain text", llm.ErrRequest)
	case !plain && len(r.Messages) == 0:
		return fmt.Errorf("%w: it has neither messages nor text", llm.ErrRequest)
	case e.encodes:
		text := r.Prefix + r.Text
		if !plain {
			text = joined(r.Messages)
		}
		p.input = e.tokens.Encode(text)
		if e.tokens.AddEOS {
			p.input = append(p.input, e.tokens.EOS)
		}
		if len(p.input) == 0 {
			return fmt.Errorf("%w: its text has no tokens", llm.ErrRequest)
		}
		p.prompt = []int32{e.start}
	case plain:
		p.prompt = e.opening(r.Prefix)
		p.shared = len(p.prompt)
		p.prompt = append(p.prompt, e.tokens.Encode(r.Text)...)
		if len(p.prompt) == 0 {
			return fmt.Errorf("%w: its text has no tokens", llm.ErrRequest)
		}
	case e.chat == nil:
		return e.chatErr
	default:
		var err error
		if p.prompt, p.shared, err = e.chat.render(r.Messages, min(r.Shared, len(r.Messages))); err != nil {
			return err
		}
	}
	// At least one token remains, whose scores the answer begins with.
	p.shared = min(p.shared, len(p.prompt)-1)
	if p.shared < minShared {
		p.shared = 0
	}
	return nil
}

// opening gives the tokens of a prompt that begins with text.
func (e *Engine) opening(text string) []int32 {
	var tokens []int32
	if e.tokens.AddBOS {
		tokens = append(tokens, e.tokens.BOS)
	}
	return e.tokens.Append(tokens, text)
}

// joined is a chat for models that know none: its texts, one after the other.
func joined(messages []llm.Message) string {
	texts := make([]string, len(messages))
	for i, m := range messages {
		texts[i] = m.Text
	}
	return strings.Join(texts, "\n\n")
}

// share computes the prefixes of the plans, or finds them computed. If there
// are more of them than the memory for them holds, those of most use are taken.
func (e *Engine) share(ctx context.Context, plans []*plan) error {
	type group struct {
		tokens []int32
		plans  []*plan
	}
	groups := map[string]*group{}
	var order []*group
	for _, p := range plans {
		if p.shared == 0 {
			continue
		}
		key := tokenKey(p.prompt[:p.shared])
		g := groups[key]
		if g == nil {
			g = &group{tokens: p.prompt[:p.shared]}
			groups[key] = g
			order = append(order, g)
		}
		g.plans = append(g.plans, p)
	}
	slices.SortStableFunc(order, func(a, b *group) int {
		return cmp.Compare(len(b.plans)*len(b.tokens), len(a.plans)*len(a.tokens))
	})
	bytes := int64(0)
	var chosen []*group
	for _, g := range order {
		if size := e.prefixes.shape.Bytes(len(g.tokens)); bytes+size <= e.prefixes.maxBytes {
			bytes += size
			chosen = append(chosen, g)
		}
	}
	errs := make(chan error, len(chosen))
	for _, g := range chosen {
		go func() {
			defer panics.Handle("finding what prompts have in common", func(err error) { errs <- err })
			prefix, err := e.prefixes.get(ctx, g.tokens)
			if errors.Is(err, llm.ErrModel) && !errors.Is(err, errClosed) {
				// Each request computes the prefix itself, and meets an error of its own.
				prefix, err = nil, nil
			}
			for _, p := range g.plans {
				p.prefix = prefix
			}
			errs <- err
		}()
	}
	var first error
	for range chosen {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// sequences gives what is to be computed, the longest first.
func (e *Engine) sequences(plans []*plan) []*sequence {
	sequences := make([]*sequence, len(plans))
	for i, p := range plans {
		s := &sequence{input: p.input, prompt: p.prompt, prefix: p.prefix, trie: p.trie, rule: p.rule, max: p.max}
		if !e.ignoreEnd {
			s.stop = e.stop
		}
		if p.prefix != nil {
			s.prompt = p.prompt[p.shared:]
		}
		if p.trie != nil {
			s.scores = newLabelScores(p.trie)
		}
		p.sequence = s
		sequences[i] = s
	}
	longestFirst(sequences)
	return sequences
}

// longestFirst sorts what is to be computed: a long one that begins last would
// be waited for alone.
func longestFirst(sequences []*sequence) {
	slices.SortStableFunc(sequences, func(a, b *sequence) int { return cmp.Compare(b.total(), a.total()) })
}

// result reads the answer of a plan that has been computed.
func (e *Engine) result(p *plan) llm.Result {
	s := p.sequence
	r := llm.Result{PromptTokens: len(p.input) + len(p.prompt), Err: s.err}
	if s.err != nil {
		return r
	}
	if p.trie == nil {
		r.Text, r.Finish, r.OutputTokens = e.tokens.Decode(s.output), s.finish, len(s.output)
		if p.rule != nil {
			if r.Text, r.Err = p.rule.begin.Finish(r.Text); r.Err != nil {
				r.Err = fmt.Errorf("%w: %w", llm.ErrModel, r.Err)
			}
		}
		return r
	}
	r.Scores = s.scores.scores()
	best := 0
	for i, x := range r.Scores {
		if x > r.Scores[best] {
			best = i
		}
	}
	r.Text, r.Finish, r.OutputTokens = p.labels[best], llm.FinishStop, len(p.trie.nodes)-1
	return r
}
