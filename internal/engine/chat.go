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

// chat renders messages with the chat template of a model, which is a program in the Jinja
// language. The tokens are those that Python's transformers computes for the rendered text, except
// in the texts of messages: these are encoded as plain text, so that only the template writes
// control tokens.
type chat struct {
	template *jinja.Template
	tokens   *tokenizer.Tokenizer
	special  jinja.Dict // special tokens by the names that the template uses
	// mergeSystem: the template does not support system messages, so the system message is added
	// before the first user message.
	mergeSystem bool
	// parts: the template expects a text as a list with one part.
	parts bool
	// ends are the tokens that end a turn of the assistant.
	ends []int32

	mu       sync.Mutex
	prefixes map[string][]int32 // cached tokens of shared beginnings
}

// templateDate is the date that templates get, because answers must not depend on the date. Llama's
// templates use this date if they get none.
var templateDate = time.Date(2024, time.July, 26, 12, 0, 0, 0, time.UTC)

// newChat prepares the chat template of a model. It reserves the added tokens that occur in the
// texts of the template, so that only the template can write them.
func newChat(settings model.Settings, tokens *tokenizer.Tokenizer) (*chat, error) {
	if settings.Template == "" {
		return nil, fmt.Errorf("%w: the model has no chat template; use plain text instead of messages", llm.ErrModel)
	}
	template, err := jinja.Parse(settings.Template)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; use plain text instead of messages", llm.ErrModel, err)
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
	// Templates support different forms of chats. Find the form by rendering some.
	system, user := llm.Message{Role: llm.System, Text: "Sys"}, llm.Message{Role: llm.User, Text: "Usr"}
	if err := c.try(user); err != nil {
		c.parts = true
		if c.try(user) != nil {
			return nil, fmt.Errorf("%w: the chat template does not support plain chats: %w; use plain text instead of messages", llm.ErrModel, err)
		}
	}
	if c.try(system, user) != nil {
		c.mergeSystem = true
		if err := c.try(system, user); err != nil {
			return nil, fmt.Errorf("%w: the chat template: %w", llm.ErrModel, err)
		}
	}
	c.findTurnEnd(user, llm.Message{Role: llm.Assistant, Text: "Ans"})
	return c, nil
}

// try returns an error if the template does not write all messages.
func (c *chat) try(messages ...llm.Message) error {
	out, err := c.run(messages, true)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if !strings.Contains(out.Text, m.Text) {
			return fmt.Errorf("it omits the text of a message of the role %s", m.Role)
		}
	}
	return checkThinking(out)
}

// findTurnEnd finds the token that the template writes after a text of the assistant. It finds none
// if the template does not support messages of the assistant.
func (c *chat) findTurnEnd(messages ...llm.Message) {
	out, err := c.run(messages, false)
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

// run runs the template. The texts of messages have the origins 1, 2, ...; the text of the template
// has the origin 0. If prompt is set, the output ends at the beginning of the answer.
func (c *chat) run(messages []llm.Message, prompt bool) (jinja.Output, error) {
	var list []any
	lead := []jinja.Given{}
	for i, m := range messages {
		text := append(lead, jinja.Given{Text: m.Text, Origin: i + 1})
		role := m.Role
		if c.mergeSystem && role == llm.System {
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
		// Thinking is off: answers must be short and follow constraints from their first token.
		jinja.Item{Key: "enable_thinking", Value: false})
	return c.template.Render(variables, jinja.Options{Now: templateDate})
}

// thinkingMarkers are the markers around the thoughts of models.
var thinkingMarkers = [][2]string{
	{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}, {"<reasoning>", "</reasoning>"}, {"[THINK]", "[/THINK]"},
	{"<seed:think>", "</seed:think>"}, {"◁think▷", "◁/think▷"}, {"<|START_THINKING|>", "<|END_THINKING|>"}, {"<|begin_of_thought|>", "<|end_of_thought|>"},
	{"<|channel>thought", "<channel|>"}, {"<mm:think>", "</mm:think>"}, {"<|inner_prefix|>", "<|inner_suffix|>"},
}

// checkThinking returns an error if the answer begins inside of thoughts.
func checkThinking(out jinja.Output) error {
	tail := out.Text
	if n := len(out.Spans); n > 1 && out.Spans[n-1].Origin == 0 {
		tail = out.Text[out.Spans[n-2].End:]
	}
	for _, markers := range thinkingMarkers {
		if open := strings.LastIndex(tail, markers[0]); open >= 0 && open > strings.LastIndex(tail, markers[1]) {
			return fmt.Errorf("every answer begins with thoughts (%s), which is not supported; use a model that does not think, or a model behind an endpoint", markers[0])
		}
	}
	return nil
}

// render returns the tokens of a chat up to the beginning of the answer, and the number of tokens
// that belong to the first shared messages.
func (c *chat) render(messages []llm.Message, shared int) (tokens []int32, sharedTokens int, err error) {
	for i, m := range messages {
		if m.Role != llm.System && m.Role != llm.User && m.Role != llm.Assistant {
			return nil, 0, fmt.Errorf("%w: message %d has the role %q, expected system, user or assistant", llm.ErrRequest, i+1, m.Role)
		}
	}
	out, err := c.run(messages, true)
	switch {
	case errors.Is(err, jinja.ErrRaised):
		// The message of the template may quote texts of the chat.
		return nil, 0, sensitive.Errorf("%w: %w: %s", llm.ErrRequest, jinja.ErrRaised, sensitive.Of(err))
	case err != nil:
		return nil, 0, sensitive.Errorf("%w: the chat template failed for these messages: %s", llm.ErrModel, sensitive.Of(err))
	}
	if err := checkThinking(out); err != nil {
		return nil, 0, fmt.Errorf("%w: the chat template: %w", llm.ErrModel, err)
	}
	tokens = c.tokens.EncodeChat(out.Text, fromTemplate(out.Spans))
	return tokens, c.sharedTokens(out, tokens, shared), nil
}

// fromTemplate returns a function that reports whether the template wrote all bytes from
// first up to end.
func fromTemplate(spans []jinja.Span) func(first, end int) bool {
	return func(first, end int) bool {
		at, _ := slices.BinarySearchFunc(spans, first+1, func(s jinja.Span, n int) int { return s.End - n })
		return at < len(spans) && spans[at].Origin == 0 && end <= spans[at].End
	}
}

// maxPrefixes limits the cached prefixes. A query uses a few.
const maxPrefixes = 32

// sharedTokens returns the number of tokens that depend on the first shared messages only.
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
	prefix, cached := c.prefixes[text]
	c.mu.Unlock()
	if !cached {
		prefix = c.tokens.EncodeChat(text, fromTemplate(out.Spans))
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
