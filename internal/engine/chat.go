package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/jinja"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// chat makes prompts of messages by a model's chat template, a program in the
// Jinja language. Their tokens are those that Python's transformers makes of
// what the template writes, but for the messages' own texts: these are encoded
// as plain text, so that only the template makes control tokens.
type chat struct {
	template *jinja.Template
	tokens   *tokenizer.Tokenizer
	special  jinja.Dict // the template's names of special tokens
	// merged: the template knows no system's message, so it begins the user's
	// first one.
	merged bool
	// parts: the template takes a text as a list of one part.
	parts bool
	// ends are the tokens that end the assistant's turns.
	ends []int32

	mu       sync.Mutex
	prefixes map[string][]int32 // tokens of shared beginnings, used lately
}

// today is the day that templates are told: an answer is not to depend on the
// day it is given. It is the one that Llama's templates take without a clock.
var today = time.Date(2024, time.July, 26, 12, 0, 0, 0, time.UTC)

// newChat prepares a model's chat template. What the template has in its texts
// of the tokenizer's added tokens, only it can write from then on.
func newChat(settings model.Settings, tokens *tokenizer.Tokenizer) (*chat, error) {
	if settings.Template == "" {
		return nil, fmt.Errorf("%w: it has no chat template; ask with plain text instead of messages", llm.ErrModel)
	}
	template, err := jinja.Parse(settings.Template)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; ask with plain text instead of messages", llm.ErrModel, err)
	}
	literals := strings.Join(template.Literals(), "\x00")
	controls := slices.DeleteFunc(tokens.AddedTokens(), func(s string) bool { return !strings.Contains(literals, s) })
	if err := tokens.MarkControl(controls...); err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	c := &chat{template: template, tokens: tokens, prefixes: map[string][]int32{}}
	for name, text := range settings.Named {
		c.special = append(c.special, jinja.Item{Key: name, Value: text})
	}
	// Which of a few forms of chats the template takes is found by trying.
	system, user := llm.Message{Role: llm.System, Text: "Sys"}, llm.Message{Role: llm.User, Text: "Usr"}
	if err := c.try(user); err != nil {
		c.parts = true
		if c.try(user) != nil {
			return nil, fmt.Errorf("%w: its chat template is not one for plain chats: %w; ask with plain text instead of messages", llm.ErrModel, err)
		}
	}
	if c.try(system, user) != nil {
		c.merged = true
		if err := c.try(system, user); err != nil {
			return nil, fmt.Errorf("%w: its chat template: %w", llm.ErrModel, err)
		}
	}
	c.findEnds(user, llm.Message{Role: llm.Assistant, Text: "Ans"})
	return c, nil
}

// try reports whether the template writes all messages.
func (c *chat) try(messages ...llm.Message) error {
	out, err := c.write(messages, true)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if !strings.Contains(out.Text, m.Text) {
			return fmt.Errorf("it leaves out the text of a message of the %s", m.Role)
		}
	}
	return thinks(out)
}

// findEnds finds the token that the template writes behind an assistant's text.
// A template that takes no such message has none.
func (c *chat) findEnds(messages ...llm.Message) {
	out, err := c.write(messages, false)
	if err != nil || len(out.Spans) < 2 {
		return
	}
	last := out.Spans[len(out.Spans)-1]
	begin := out.Spans[len(out.Spans)-2].End
	if last.Origin != 0 || !strings.HasSuffix(out.Text[:begin], messages[len(messages)-1].Text) {
		return
	}
	for _, id := range c.tokens.EncodeChat(out.Text[begin:], func(int, int) bool { return true }) {
		if c.tokens.IsReserved(id) {
			c.ends = append(c.ends, id)
			return
		}
		if strings.TrimFunc(c.tokens.Bytes(id), unicode.IsSpace) != "" {
			return
		}
	}
}

// write runs the template. The messages' texts are of origins from 1 on.
func (c *chat) write(messages []llm.Message, prompt bool) (jinja.Output, error) {
	var list []any
	lead := []jinja.Given{}
	for i, m := range messages {
		text := append(lead, jinja.Given{Text: m.Text, Origin: i + 1})
		role := m.Role
		if c.merged && role == llm.System {
			if i+1 < len(messages) && messages[i+1].Role == llm.User {
				lead = append(text, jinja.Given{Text: "\n\n", Origin: i + 1})
				continue
			}
			role = llm.User
		}
		lead = nil
		content := any(text)
		if c.parts {
			content = []any{jinja.Dict{{Key: "type", Value: "text"}, {Key: "text", Value: text}}}
		}
		list = append(list, jinja.Dict{{Key: "role", Value: string(role)}, {Key: "content", Value: content}})
	}
	variables := append(slices.Clip(c.special),
		jinja.Item{Key: "messages", Value: list},
		jinja.Item{Key: "tools", Value: nil},
		jinja.Item{Key: "documents", Value: nil},
		jinja.Item{Key: "add_generation_prompt", Value: prompt},
		// Answers are to be short, and within constraints from their first token on.
		jinja.Item{Key: "enable_thinking", Value: false})
	return c.template.Render(variables, jinja.Options{Now: today})
}

// openings are the marks that models' thoughts stand between.
var openings = [][2]string{
	{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}, {"<reasoning>", "</reasoning>"}, {"[THINK]", "[/THINK]"},
	{"<seed:think>", "</seed:think>"}, {"◁think▷", "◁/think▷"}, {"<|START_THINKING|>", "<|END_THINKING|>"}, {"<|begin_of_thought|>", "<|end_of_thought|>"},
	{"<|channel>thought", "<channel|>"}, {"<mm:think>", "</mm:think>"}, {"<|inner_prefix|>", "<|inner_suffix|>"},
}

// thinks is the error of a prompt in which the answer has begun, as a thought.
func thinks(out jinja.Output) error {
	tail := out.Text
	if n := len(out.Spans); n > 1 && out.Spans[n-1].Origin == 0 {
		tail = out.Text[out.Spans[n-2].End:]
	}
	for _, marks := range openings {
		if open := strings.LastIndex(tail, marks[0]); open >= 0 && open > strings.LastIndex(tail, marks[1]) {
			return fmt.Errorf("it has each answer begin with thoughts (%s), which is not supported; use a model that does not think aloud, or one behind an endpoint", marks[0])
		}
	}
	return nil
}

// render gives the tokens of a chat up to where the answer begins, and how
// many of them belong to its first shared messages.
func (c *chat) render(messages []llm.Message, shared int) (tokens []int32, sharedTokens int, err error) {
	for i, m := range messages {
		if m.Role != llm.System && m.Role != llm.User && m.Role != llm.Assistant {
			return nil, 0, fmt.Errorf("%w: message %d has the role %q; system, user and assistant are known", llm.ErrRequest, i+1, m.Role)
		}
	}
	out, err := c.write(messages, true)
	switch {
	case errors.Is(err, jinja.ErrRaised):
		// What a template says may quote the messages.
		return nil, 0, sensitive.Errorf("%w: %w: %s", llm.ErrRequest, jinja.ErrRaised, sensitive.Of(err))
	case err != nil:
		return nil, 0, sensitive.Errorf("%w: its chat template fails over these messages: %s", llm.ErrModel, sensitive.Of(err))
	}
	if err := thinks(out); err != nil {
		return nil, 0, fmt.Errorf("%w: its chat template: %w", llm.ErrModel, err)
	}
	tokens = c.tokens.EncodeChat(out.Text, ownOf(out.Spans))
	return tokens, c.sharedTokens(out, tokens, shared), nil
}

// ownOf says which bytes the template wrote.
func ownOf(spans []jinja.Span) func(first, end int) bool {
	return func(first, end int) bool {
		at, _ := slices.BinarySearchFunc(spans, first+1, func(s jinja.Span, n int) int { return s.End - n })
		return at < len(spans) && spans[at].Origin == 0 && end <= spans[at].End
	}
}

// maxPrefixes bounds those kept. A query has a few.
const maxPrefixes = 32

// sharedTokens counts the tokens that come of the first shared messages alone,
// whatever follows them.
func (c *chat) sharedTokens(out jinja.Output, tokens []int32, shared int) int {
	if shared == 0 {
		return 0
	}
	end := 0
	for _, s := range out.Spans {
		if s.Origin > shared {
			break
		}
		end = s.End
	}
	text := out.Text[:end]
	c.mu.Lock()
	prefix, known := c.prefixes[text]
	c.mu.Unlock()
	if !known {
		prefix = c.tokens.EncodeChat(text, ownOf(out.Spans))
		c.mu.Lock()
		if len(c.prefixes) >= maxPrefixes {
			clear(c.prefixes)
		}
		c.prefixes[text] = prefix
		c.mu.Unlock()
	}
	n := 0
	for n < len(prefix) && n < len(tokens) && prefix[n] == tokens[n] {
		n++
	}
	return n
}
