package local

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/token"
)

// chatML is the chat template that SmolLM2 and others use:
//
//	<|im_start|>ROLE\nTEXT<|im_end|>\n ... <|im_start|>assistant\n
//
// The texts are encoded as plain text: only the template makes control tokens.
type chatML struct {
	start, end int32
	newline    []int32
	// system is the turn put before messages that do not begin with one; empty
	// for none.
	system string
}

// chatMLTemplate matches the template as files spell it, without the spaces
// outside of strings; what it captures is the default of the system's turn.
var chatMLTemplate = regexp.MustCompile(`^\{%formessageinmessages%\}` +
	`(?:\{%ifloop\.firstandmessages\[0\]\['role'\]!='system'%\}\{\{'<\|im_start\|>system\n([^']*)<\|im_end\|>\n'\}\}\{%endif%\})?` +
	`\{\{'<\|im_start\|>'\+message\['role'\]\+'\n'\+message\['content'\]\+'<\|im_end\|>'\+'\n'\}\}\{%endfor%\}` +
	`\{%ifadd_generation_prompt%\}\{\{'<\|im_start\|>assistant\n'\}\}\{%endif%\}$`)

// newChatML reads a model's chat template.
func newChatML(template string, tok *token.Tokenizer) (*chatML, error) {
	match := chatMLTemplate.FindStringSubmatch(squeeze(template))
	if match == nil {
		return nil, fmt.Errorf("%w: its chat template is not ChatML, the only one supported; ask with plain text instead of messages", llm.ErrModel)
	}
	start, haveStart := tok.Special("<|im_start|>")
	end, haveEnd := tok.Special("<|im_end|>")
	if !haveStart || !haveEnd {
		return nil, fmt.Errorf("%w: its chat template is ChatML, but its tokenizer lacks <|im_start|> or <|im_end|>", llm.ErrModel)
	}
	return &chatML{start, end, tok.Encode("\n"), match[1]}, nil
}

// squeeze drops the spaces and line ends outside of strings, and reads \n in
// strings as the line end it means.
func squeeze(template string) string {
	var b strings.Builder
	for i, part := range strings.Split(template, "'") {
		if i > 0 {
			b.WriteByte('\'')
		}
		if i%2 == 1 {
			b.WriteString(strings.ReplaceAll(part, `\n`, "\n"))
			continue
		}
		b.WriteString(strings.Join(strings.Fields(part), ""))
	}
	return b.String()
}

// render gives the tokens of a chat up to where the answer begins, and how
// many of them belong to its first shared messages.
func (c *chatML) render(tok *token.Tokenizer, messages []llm.Message, shared int) (tokens []int32, sharedTokens int, err error) {
	turn := func(role llm.Role, text string) {
		tokens = append(tokens, c.start)
		tokens = append(tokens, tok.Encode(string(role)+"\n"+text)...)
		tokens = append(tokens, c.end)
		tokens = append(tokens, c.newline...)
	}
	if tok.AddBOS {
		tokens = append(tokens, tok.BOS)
	}
	if c.system != "" && messages[0].Role != llm.System {
		turn(llm.System, c.system)
	}
	for i, m := range messages {
		switch m.Role {
		case llm.System, llm.User, llm.Assistant:
		default:
			return nil, 0, fmt.Errorf("%w: message %d has the role %q; system, user and assistant are known", llm.ErrRequest, i+1, m.Role)
		}
		turn(m.Role, m.Text)
		if i+1 == shared {
			sharedTokens = len(tokens)
		}
	}
	tokens = append(tokens, c.start)
	tokens = append(tokens, tok.Encode(string(llm.Assistant)+"\n")...)
	return tokens, sharedTokens, nil
}
