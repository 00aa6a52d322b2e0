package ai

import (
	"embed"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

//go:embed prompts/*.txt
var promptFiles embed.FS

// prompt is a request with blanks, read from a file of prompts/. A chat holds
// one turn after another, each under a line "== role"; the last one is the
// user's and is asked anew for each row. Plain text for the model to continue
// stands under "== prefix", which is the same for all rows unless a blank in it
// differs, and "== text". A blank is {name}.
type prompt struct {
	shared       []llm.Message
	ask          string
	plain        bool
	prefix, text string // where plain
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

func parsePrompt(file string) (prompt, error) {
	type section struct{ name, text string }
	var sections []section
	for i, line := range strings.SplitAfter(file, "\n") {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			sections = append(sections, section{name: strings.TrimSpace(name)})
			continue
		}
		if len(sections) == 0 {
			return prompt{}, fmt.Errorf("line %d: text before the first section", i+1)
		}
		sections[len(sections)-1].text += line
	}
	if len(sections) == 2 && sections[0].name == "prefix" && sections[1].name == "text" {
		return prompt{plain: true, prefix: sections[0].text, text: strings.TrimSuffix(sections[1].text, "\n")}, nil
	}
	var turns []llm.Message
	for _, s := range sections {
		switch role := llm.Role(s.name); role {
		case llm.System, llm.User, llm.Assistant:
			turns = append(turns, llm.Message{Role: role, Text: strings.TrimSuffix(s.text, "\n")})
		default:
			return prompt{}, fmt.Errorf("section %q is neither a role nor, one after the other, prefix and text", s.name)
		}
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
	if p.plain {
		return llm.Request{Prefix: r.Replace(p.prefix), Text: r.Replace(p.text)}
	}
	messages := make([]llm.Message, 0, len(p.shared)+1)
	for _, m := range p.shared {
		messages = append(messages, llm.Message{Role: m.Role, Text: r.Replace(m.Text)})
	}
	messages = append(messages, llm.Message{Role: llm.User, Text: r.Replace(p.ask)})
	return llm.Request{Messages: messages, Shared: len(p.shared)}
}

// choose lets the answer be one of labels. Plain text goes on with a space
// before its next word, and so does the label.
func (p prompt) choose(r llm.Request, labels []string) llm.Request {
	if p.plain {
		spaced := make([]string, len(labels))
		for i, label := range labels {
			spaced[i] = " " + label
		}
		labels = spaced
	}
	r.Constraint = llm.Choice{Labels: labels}
	return r
}
