package ai

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
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
func mustPrompt(name string, blanks ...string) prompt {
	b, err := promptFiles.ReadFile("prompts/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	p, err := parsePrompt(string(b), blanks...)
	if err != nil {
		panic(fmt.Sprintf("ai/prompts/%s.txt: %v", name, err))
	}
	return p
}

// blankForm is what a blank looks like; other braces are text.
var blankForm = regexp.MustCompile(`\{[a-z_]+\}`)

// parsePrompt reads a prompt with exactly these blanks, each at least once.
func parsePrompt(file string, blanks ...string) (prompt, error) {
	// A checkout may have other line ends, but the prompt is the same.
	file = strings.ReplaceAll(file, "\r\n", "\n")
	for _, found := range blankForm.FindAllString(file, -1) {
		if !slices.Contains(blanks, strings.Trim(found, "{}")) {
			return prompt{}, fmt.Errorf("%s is no blank of this prompt; it has %v", found, blanks)
		}
	}
	for _, name := range blanks {
		if !strings.Contains(file, "{"+name+"}") {
			return prompt{}, fmt.Errorf("the blank {%s} is missing", name)
		}
	}
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
	pairs := slices.Clone(blanks)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	r := strings.NewReplacer(pairs...)
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
