package ai

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

//go:embed prompts/*.txt
var promptFiles embed.FS

// prompt is a request with blanks, read from a file in prompts/. The first line of
// the file is "version N". Lines after it that start with # are comments. A chat
// is a list of turns, each under a line "== role"; the last turn is that of the
// user and is different for each row. Plain text for completion is under
// "== prefix", which is the same for all rows unless a blank in it differs, and
// "== text". A blank is {name}.
//
// A prompt that chooses among labels may have more sections at its end. The answer to a
// chat begins with the line under "== answer", and the label follows after a space. Under
// "== words", a line "label: word, word" lists the words that stand for a label.
// Under "== prior", a line "label: number" has a number that is added to its
// score.
type prompt struct {
	name         string
	version      int
	shared       []llm.Message
	ask          string
	plain        bool
	prefix, text string // if plain
	answer       string // the beginning of the answer, with a space at its end; may be empty
	words        map[string][]string
	prior        map[string]float64
}

// prompts holds all prompts by name, for the identity of answers.
var prompts = map[string]prompt{}

// mustPrompt reads a prompt file. It panics if the file is invalid.
func mustPrompt(name string, blanks ...string) prompt {
	b, err := promptFiles.ReadFile("prompts/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	p, err := parsePrompt(string(b), blanks...)
	if err != nil {
		panic(fmt.Sprintf("ai/prompts/%s.txt: %v", name, err))
	}
	p.name = name
	prompts[name] = p
	return p
}

// blankForm matches a blank. Other braces are text.
var blankForm = regexp.MustCompile(`\{[a-z_]+\}`)

// parsePrompt parses a prompt with exactly these blanks, each at least once.
func parsePrompt(file string, blanks ...string) (prompt, error) {
	// A checkout may have Windows line ends. The prompt is the same.
	head, file, _ := strings.Cut(strings.ReplaceAll(file, "\r\n", "\n"), "\n")
	number, ok := strings.CutPrefix(head, "version ")
	version, err := strconv.Atoi(number)
	if !ok || err != nil || version < 1 {
		return prompt{}, fmt.Errorf("line 1 is %q, not a version such as \"version 1\"", head)
	}
	for strings.HasPrefix(file, "#") {
		_, file, _ = strings.Cut(file, "\n")
	}
	p, err := parseTurns(file, blanks)
	p.version = version
	return p, err
}

func parseTurns(file string, blanks []string) (prompt, error) {
	for _, found := range blankForm.FindAllString(file, -1) {
		if !slices.Contains(blanks, strings.Trim(found, "{}")) {
			return prompt{}, fmt.Errorf("%s is not a blank of this prompt; it has %v", found, blanks)
		}
	}
	for _, name := range blanks {
		if !strings.Contains(file, "{"+name+"}") {
			return prompt{}, fmt.Errorf("the blank {%s} is missing", name)
		}
	}
	type section struct{ name, text string }
	var sections []section
	for _, line := range strings.SplitAfter(file, "\n") {
		if name, ok := strings.CutPrefix(line, "== "); ok {
			sections = append(sections, section{name: strings.TrimSpace(name)})
			continue
		}
		if len(sections) == 0 {
			if line == "" {
				continue
			}
			return prompt{}, fmt.Errorf("text before the first section: %q", line)
		}
		sections[len(sections)-1].text += line
	}
	p := prompt{words: map[string][]string{}, prior: map[string]float64{}}
	for len(sections) > 0 {
		last := sections[len(sections)-1]
		if last.name == "answer" {
			p.answer = strings.TrimSpace(last.text) + " "
		} else if last.name != "words" && last.name != "prior" {
			break
		} else if err := p.readLabels(last.name, last.text); err != nil {
			return prompt{}, err
		}
		sections = sections[:len(sections)-1]
	}
	if len(sections) == 2 && sections[0].name == "prefix" && sections[1].name == "text" {
		p.plain, p.prefix, p.text = true, sections[0].text, strings.TrimRight(sections[1].text, "\n")
		return p, nil
	}
	var turns []llm.Message
	for _, s := range sections {
		switch role := llm.Role(s.name); role {
		case llm.System, llm.User, llm.Assistant:
			turns = append(turns, llm.Message{Role: role, Text: strings.TrimSuffix(s.text, "\n")})
		default:
			return prompt{}, fmt.Errorf("section %q is not a role, and the sections are not prefix and text", s.name)
		}
	}
	last := len(turns) - 1
	if last < 0 || turns[last].Role != llm.User {
		return prompt{}, fmt.Errorf("the last turn must be the user's")
	}
	p.shared, p.ask = turns[:last], turns[last].Text
	return p, nil
}

// readLabels reads a section of words or priors.
func (p *prompt) readLabels(section, text string) error {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case line == "\n":
			continue
		case !ok || name == "":
			return fmt.Errorf("section %s: %q is not a line \"label: ...\"", section, line)
		case section == "words":
			for _, word := range strings.Split(value, ",") {
				p.words[name] = append(p.words[name], strings.TrimSpace(word))
			}
		default:
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return fmt.Errorf("section prior: %w", err)
			}
			p.prior[name] = number
		}
	}
	return nil
}

// fill makes the request for one row, after the examples of the user. blanks are
// name, value, name, value...; the last value is replaced by the input in an
// example. Values are not searched for blanks.
func (p prompt) fill(examples []Example, blanks ...string) llm.Request {
	r := replacer(blanks)
	if p.plain {
		prefix := r.Replace(p.prefix)
		for _, e := range examples {
			prefix += p.example(e, blanks).Replace(p.text) + " " + e.Output + "\n\n"
		}
		return llm.Request{Prefix: prefix, Text: r.Replace(p.text)}
	}
	messages := make([]llm.Message, 0, len(p.shared)+2*len(examples)+1)
	for _, m := range p.shared {
		messages = append(messages, llm.Message{Role: m.Role, Text: r.Replace(m.Text)})
	}
	for _, e := range examples {
		messages = append(messages, llm.Message{Role: llm.User, Text: p.example(e, blanks).Replace(p.ask)}, llm.Message{Role: llm.Assistant, Text: p.answer + e.Output})
	}
	messages = append(messages, llm.Message{Role: llm.User, Text: r.Replace(p.ask)})
	return llm.Request{Messages: messages, Shared: len(messages) - 1}
}

// example fills the blanks for an example.
func (p prompt) example(e Example, blanks []string) *strings.Replacer {
	of := slices.Clone(blanks)
	of[len(of)-1] = e.Input
	return replacer(of)
}

func replacer(blanks []string) *strings.Replacer {
	pairs := slices.Clone(blanks)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...)
}

// choose restricts the answer to labels. In plain text, a space precedes the next
// word, so it precedes the label.
func (p prompt) choose(r llm.Request, labels []string) llm.Request {
	before := p.answer
	if p.plain {
		before = " "
	}
	answers := make([]string, len(labels))
	for i, label := range labels {
		answers[i] = before + label
	}
	r.Constraint = llm.Choice{Labels: answers}
	return r
}

// question returns the question which of fixed labels fits, by their words. about
// fills the prompt for a content. If the prompt has words, it says nothing about a
// label without words.
func (p prompt) question(labels []label, about func(content string) llm.Request) question {
	q := question{prior: make([]float64, len(labels))}
	var all []string
	for i, l := range labels {
		of := p.words[l.name]
		if len(p.words) == 0 {
			of = []string{l.name}
		}
		var places []int
		for _, word := range of {
			places = append(places, len(all))
			all = append(all, word)
		}
		q.words = append(q.words, places)
		q.prior[i] = p.prior[l.name]
	}
	q.about = func(content string) llm.Request { return p.choose(about(content), all) }
	return q
}
