package ai

import (
	"embed"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

//go:embed prompts/*.txt
var promptFiles embed.FS

// prompt is a chat with blanks. It is read from a file of prompts/ that holds
// one turn after another, each under a line "== role". The last turn is the
// user's and is asked anew for each row; those before it (instructions and
// solved examples) are the same for all rows unless a blank in them differs.
// A blank is {name}.
type prompt struct {
	shared []llm.Message
	ask    string
}

// mustPrompt reads a prompt file; a bad one is our own bug.
func mustPrompt(name string) prompt {
	b, err := promptFiles.ReadFile("prompts/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	p, err := parsePrompt(string(b))
	if err != nil {
		panic(fmt.Sprintf("ai/prompts/%s.txt: %v", name, err))
	}
	return p
}

func parsePrompt(text string) (prompt, error) {
	var turns []llm.Message
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if role, ok := strings.CutPrefix(line, "== "); ok {
			switch r := llm.Role(role); r {
			case llm.System, llm.User, llm.Assistant:
				turns = append(turns, llm.Message{Role: r})
			default:
				return prompt{}, fmt.Errorf("line %d: unknown role %q", i+1, role)
			}
			continue
		}
		if len(turns) == 0 {
			return prompt{}, fmt.Errorf("line %d: text before the first role", i+1)
		}
		t := &turns[len(turns)-1]
		if t.Text != "" {
			t.Text += "\n"
		}
		t.Text += line
	}
	last := len(turns) - 1
	if last < 0 || turns[last].Role != llm.User {
		return prompt{}, fmt.Errorf("the last turn must be the user's")
	}
	return prompt{shared: turns[:last], ask: turns[last].Text}, nil
}

// fill gives the request for one row; blanks are name, value, name, value...
// What a value holds is never searched for blanks again.
func (p prompt) fill(blanks ...string) llm.Request {
	for i := 0; i < len(blanks); i += 2 {
		blanks[i] = "{" + blanks[i] + "}"
	}
	r := strings.NewReplacer(blanks...)
	messages := make([]llm.Message, 0, len(p.shared)+1)
	for _, m := range p.shared {
		messages = append(messages, llm.Message{Role: m.Role, Text: r.Replace(m.Text)})
	}
	messages = append(messages, llm.Message{Role: llm.User, Text: r.Replace(p.ask)})
	return llm.Request{Messages: messages, Shared: len(p.shared)}
}
