package local

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// dialect is how the models of a family tell the turns of a chat apart. Chat
// templates are programs (in Jinja), written anew for each model, but what they
// write for plain messages is one of a few: a template is known by its marks.
type dialect struct {
	name  string
	marks *regexp.Regexp // what a template of it holds
	// open and close stand around a turn's text; ROLE is its role.
	open, close string
	assistant   string // the name of that role
	// merged: a system's message has no turn, but begins the user's first one.
	merged bool
	// trimmed: texts lose the spaces around them.
	trimmed bool
}

var dialects = []dialect{
	{name: "ChatML", marks: regexp.MustCompile(`<\|im_start\|>(?s:.*)<\|im_end\|>`),
		open: "<|im_start|>ROLE\n", close: "<|im_end|>\n", assistant: "assistant"},
	{name: "Llama 3's", marks: regexp.MustCompile(`<\|start_header_id\|>(?s:.*)<\|eot_id\|>`),
		open: "<|start_header_id|>ROLE<|end_header_id|>\n\n", close: "<|eot_id|>", assistant: "assistant", trimmed: true},
	{name: "Gemma's", marks: regexp.MustCompile(`<start_of_turn>(?s:.*)<end_of_turn>`),
		open: "<start_of_turn>ROLE\n", close: "<end_of_turn>\n", assistant: "model", merged: true, trimmed: true},
	// Its roles are text, and the token that ends all texts ends a turn.
	{name: "Zephyr's", marks: regexp.MustCompile(`'<\|user\|>(?:\\n|\n)'\s*\+\s*message\['content'\]\s*\+\s*eos_token`),
		open: "<|ROLE|>\n", close: "EOS\n", assistant: "assistant"},
}

// chat makes prompts of messages. The texts are encoded as plain text: only the
// template makes control tokens.
type chat struct {
	dialect
	tokens   vocabulary
	controls map[string]int32
	begin    []int32 // before the first turn
	// system is the turn put before messages that do not begin with one; empty
	// for none.
	system string
	// preamble begins each system's turn, of which there is one always then.
	preamble string
	// thought begins each answer: that of a model which would think aloud.
	thought string
}

// vocabulary is what a chat needs of a tokenizer.
type vocabulary interface {
	Special(text string) (int32, bool)
	Append(ids []int32, text string) []int32
}

var (
	control       = regexp.MustCompile(`<[^<>\s]+>|EOS`)
	defaultSystem = regexp.MustCompile(`<\|im_start\|>system(?:\\n|\n)([^'"{}<>]+)<\|im_end\|>`)
)

// llamaPreamble is what Llama's templates from 3.1 on write where no date is
// given: an answer is not to depend on the day.
const llamaPreamble = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"

// newChat reads a model's chat template.
func newChat(template string, tokens vocabulary, eos int32, begin []int32) (*chat, error) {
	for _, d := range dialects {
		if !d.marks.MatchString(template) {
			continue
		}
		c := &chat{dialect: d, tokens: tokens, begin: begin, controls: map[string]int32{}}
		for _, name := range control.FindAllString(d.open+d.close, -1) {
			id, ok := tokens.Special(name)
			switch {
			case name == "EOS":
				id = eos
			case strings.Contains(name, "ROLE"):
				continue // is text
			case !ok:
				return nil, fmt.Errorf("%w: its chat template is %s, but its tokenizer lacks %s", llm.ErrModel, d.name, name)
			}
			c.controls[name] = id
		}
		if match := defaultSystem.FindStringSubmatch(template); match != nil {
			c.system = strings.ReplaceAll(match[1], `\n`, "\n")
		}
		if strings.Contains(template, "Cutting Knowledge Date") {
			c.preamble = llamaPreamble
		}
		if strings.Contains(template, "enable_thinking") {
			c.thought = "<think>\n\n</think>\n\n"
			for _, name := range []string{"<think>", "</think>"} {
				if id, ok := tokens.Special(name); ok {
					c.controls[name] = id
				}
			}
		}
		return c, nil
	}
	var names []string
	for _, d := range dialects {
		names = append(names, d.name)
	}
	return nil, fmt.Errorf("%w: its chat template is none of %s, which are supported; ask with plain text instead of messages",
		llm.ErrModel, strings.Join(names, ", "))
}

// ends are the tokens that end a turn.
func (c *chat) ends() []int32 {
	var ids []int32
	for _, name := range control.FindAllString(c.close, -1) {
		ids = append(ids, c.controls[name])
	}
	return ids
}

// render gives the tokens of a chat up to where the answer begins, and how
// many of them belong to its first shared messages.
func (c *chat) render(messages []llm.Message, shared int) (tokens []int32, sharedTokens int, err error) {
	p := prompt{chat: c, ids: append([]int32(nil), c.begin...)}
	lead := ""
	if messages[0].Role != llm.System && c.preamble+c.system != "" {
		p.turn(string(llm.System), c.preamble+c.system)
	}
	for i, m := range messages {
		text := m.Text
		if c.trimmed {
			text = strings.TrimSpace(text)
		}
		switch {
		case m.Role == llm.System && c.merged && i == 0:
			lead = text + "\n\n"
		case m.Role == llm.System && i == 0:
			p.turn(string(m.Role), c.preamble+text)
		case m.Role == llm.System || m.Role == llm.User:
			p.turn(string(m.Role), lead+text)
			lead = ""
		case m.Role == llm.Assistant:
			p.turn(c.assistant, text)
		default:
			return nil, 0, fmt.Errorf("%w: message %d has the role %q; system, user and assistant are known", llm.ErrRequest, i+1, m.Role)
		}
		if i+1 == shared {
			sharedTokens = len(p.ids)
		}
	}
	p.template(strings.ReplaceAll(c.open, "ROLE", c.assistant) + c.thought)
	p.flush()
	return p.ids, sharedTokens, nil
}

// prompt is the tokens of a chat as they are written. Text between control
// tokens is encoded in one piece, but never across the end of a turn, so that
// turns can be shared.
type prompt struct {
	*chat
	ids  []int32
	text strings.Builder
}

func (p *prompt) turn(role, text string) {
	p.template(strings.ReplaceAll(p.open, "ROLE", role))
	p.text.WriteString(text)
	p.template(p.close)
	p.flush()
}

// template writes text of the template's own.
func (p *prompt) template(text string) {
	for text != "" {
		at := control.FindStringIndex(text)
		if at == nil {
			p.text.WriteString(text)
			return
		}
		name := text[at[0]:at[1]]
		p.text.WriteString(text[:at[0]])
		if id, ok := p.controls[name]; ok {
			p.flush()
			p.ids = append(p.ids, id)
		} else {
			p.text.WriteString(name)
		}
		text = text[at[1]:]
	}
}

func (p *prompt) flush() {
	p.ids = p.tokens.Append(p.ids, p.text.String())
	p.text.Reset()
}
