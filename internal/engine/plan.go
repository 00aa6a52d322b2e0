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

// defaultMaxTokens is used if a request has no MaxTokens.
const defaultMaxTokens = 256

// minShared is the number of tokens from which a shared prefix is computed separately.
const minShared = 16

// plan is a request in tokens.
type plan struct {
	input       []int32 // of the encoder, if the network has one
	prompt      []int32
	shared      int // leading tokens of the prompt that other requests may share
	labels      []string
	trie        *labelTrie // nil to generate text
	constrained *constrained
	constraint  llm.Constraint // of constrained
	max         int            // tokens to generate
	prefix      *prefix

	sequence *sequence
	known    *llm.Result // the cached or computed result
}

// key returns a text that is equal for requests with equal answers only.
func (p *plan) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v %d %q %T %q ", p.max, p.trie != nil, len(p.labels), p.labels, p.constraint, p.constraint)
	b.WriteString(tokenKey(p.input))
	b.WriteString(tokenKey(p.prompt))
	return b.String()
}

// plan validates a request and converts it to tokens.
func (e *Engine) plan(r llm.Request) (*plan, error) {
	if reason := e.network.Headless(); reason != "" {
		return nil, fmt.Errorf("%w: %s", llm.ErrModel, reason)
	}
	p := &plan{}
	if err := e.tokenize(p, r); err != nil {
		return nil, err
	}
	window := e.info.Context
	if len(p.input) > window {
		return nil, fmt.Errorf("%w: it has %d tokens, and the context has %d", llm.ErrTooLong, len(p.input), window)
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
			return nil, fmt.Errorf("%w: it has %d tokens, and the context has %d", llm.ErrTooLong, len(p.prompt), window)
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
		p.constrained, p.constraint = &constrained{e.tokens, state, state}, c
	case llm.Choice:
		var err error
		if p.trie, err = newLabelTrie(e.tokens, c.Labels); err != nil {
			return nil, err
		}
		if n := len(p.trie.inner); n > window {
			return nil, fmt.Errorf("%w: its %d labels need %d tokens, and the context has %d", llm.ErrTooLong, len(c.Labels), n, window)
		}
		p.labels = c.Labels
		if n := len(p.prompt) + p.trie.depth(); n > window {
			return nil, fmt.Errorf("%w: with its longest label it has %d tokens, and the context has %d", llm.ErrTooLong, n, window)
		}
	default:
		return nil, fmt.Errorf("%w: the constraint type %T is not supported", llm.ErrRequest, c)
	}
	return p, nil
}

// tokenize sets the input and the prompt of p.
func (e *Engine) tokenize(p *plan, r llm.Request) error {
	plain := r.Prefix != "" || r.Text != ""
	switch {
	case plain && len(r.Messages) > 0:
		return fmt.Errorf("%w: the request has both messages and plain text", llm.ErrRequest)
	case !plain && len(r.Messages) == 0:
		return fmt.Errorf("%w: the request has neither messages nor text", llm.ErrRequest)
	case e.encodes:
		text := r.Prefix + r.Text
		if !plain {
			text = joinTexts(r.Messages)
		}
		p.input = e.tokens.Encode(text)
		if e.tokens.AddEOS {
			p.input = append(p.input, e.tokens.EOS)
		}
		if len(p.input) == 0 {
			return fmt.Errorf("%w: the text has no tokens", llm.ErrRequest)
		}
		p.prompt = []int32{e.start}
	case plain:
		p.prompt = e.opening(r.Prefix)
		p.shared = len(p.prompt)
		p.prompt = append(p.prompt, e.tokens.Encode(r.Text)...)
		if len(p.prompt) == 0 {
			return fmt.Errorf("%w: the text has no tokens", llm.ErrRequest)
		}
	case e.chat == nil:
		return e.chatErr
	default:
		var err error
		if p.prompt, p.shared, err = e.chat.render(r.Messages, min(r.Shared, len(r.Messages))); err != nil {
			return err
		}
	}
	// At least one token is not shared, because its logits are the beginning of the answer.
	p.shared = min(p.shared, len(p.prompt)-1)
	if p.shared < minShared {
		p.shared = 0
	}
	return nil
}

// opening returns the tokens of a prompt that begins with text.
func (e *Engine) opening(text string) []int32 {
	var tokens []int32
	if e.tokens.AddBOS {
		tokens = append(tokens, e.tokens.BOS)
	}
	return e.tokens.Append(tokens, text)
}

// joinTexts converts a chat to a text for models without chats: its texts separated by empty lines.
func joinTexts(messages []llm.Message) string {
	texts := make([]string, len(messages))
	for i, m := range messages {
		texts[i] = m.Text
	}
	return strings.Join(texts, "\n\n")
}

// share sets the prefixes of the plans. It computes prefixes that are not cached. If the prefixes
// do not fit in the memory for them, it takes those that save the most tokens.
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
			defer panics.Handle("computing a shared prefix", func(err error) { errs <- err })
			prefix, err := e.prefixes.get(ctx, g.tokens)
			if errors.Is(err, llm.ErrModel) && !errors.Is(err, errClosed) {
				// Each request computes the prefix itself and gets its own error.
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

// sequences returns the sequences to compute, the longest first.
func (e *Engine) sequences(plans []*plan) []*sequence {
	sequences := make([]*sequence, len(plans))
	for i, p := range plans {
		s := &sequence{input: p.input, prompt: p.prompt, prefix: p.prefix, trie: p.trie, constrained: p.constrained, max: p.max}
		if !e.ignoreEnd {
			s.stop = e.stop
		}
		if p.prefix != nil {
			s.prompt = p.prompt[p.shared:]
		}
		if p.trie == nil && !e.encodes && e.drafts {
			s.draft = newDraft()
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

// longestFirst sorts sequences by length: a long sequence that begins last would run
// alone at the end.
func longestFirst(sequences []*sequence) {
	slices.SortStableFunc(sequences, func(a, b *sequence) int { return cmp.Compare(b.total(), a.total()) })
}

// result returns the answer of a plan whose sequence is done.
func (e *Engine) result(p *plan) llm.Result {
	s := p.sequence
	r := llm.Result{PromptTokens: len(p.input) + len(p.prompt), Err: s.err}
	if s.err != nil {
		return r
	}
	if p.trie == nil {
		r.Text, r.Finish, r.OutputTokens = e.tokens.Decode(s.output), s.finish, len(s.output)
		if p.constrained != nil {
			if r.Text, r.Err = p.constrained.begin.Finish(r.Text); r.Err != nil {
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
