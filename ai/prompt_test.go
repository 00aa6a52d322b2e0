package ai

import (
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestPromptFiles(t *testing.T) {
	entries, err := promptFiles.ReadDir("prompts")
	if err != nil {
		t.Fatal(err)
	}
	blanks := map[string][]string{"analyze_sentiment.txt": {"content"}, "classify.txt": {"content", "labels"}}
	if len(entries) != len(blanks) {
		t.Errorf("%d prompt files, %d known here", len(entries), len(blanks))
	}
	for _, entry := range entries {
		b, err := promptFiles.ReadFile("prompts/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		p, err := parsePrompt(string(b), blanks[entry.Name()]...)
		if err != nil {
			t.Errorf("%s: %v", entry.Name(), err)
		}
		other, err := parsePrompt(strings.ReplaceAll(string(b), "\n", "\r\n"), blanks[entry.Name()]...)
		if err != nil || !reflect.DeepEqual(p, other) {
			t.Errorf("%s reads differently with the line ends of Windows: %v", entry.Name(), err)
		}
		// Prefix and text are tokenised apart, and a label goes on with a space.
		if p.plain && (!strings.HasSuffix(p.prefix, "\n") || strings.TrimSpace(p.text[len(p.text)-1:]) == "") {
			t.Errorf("%s: the prefix does not end where a line does, or the text ends with a space", entry.Name())
		}
	}
}

func TestPromptForms(t *testing.T) {
	chat, err := parsePrompt("== system\nBe brief.\nAlways.\n== user\nQ: {x}\n== assistant\nyes\n== user\nQ: {y}\n", "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	want := llm.Request{Shared: 3, Messages: []llm.Message{
		{Role: llm.System, Text: "Be brief.\nAlways."}, {Role: llm.User, Text: "Q: 1"},
		{Role: llm.Assistant, Text: "yes"}, {Role: llm.User, Text: "Q: {x} {y}"}}}
	if got := chat.fill("x", "1", "y", "{x} {y}"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := chat.choose(want, []string{"a"}).Constraint; !reflect.DeepEqual(got, llm.Choice{Labels: []string{"a"}}) {
		t.Errorf("labels of a chat: %q", got)
	}
	plain, err := parsePrompt("== prefix\n{labels}: {\"json\": true}\n\n== text\n{content}?\n", "content", "labels")
	if err != nil {
		t.Fatal(err)
	}
	got := plain.fill("labels", "a, b {content}", "content", "{labels}")
	if want := (llm.Request{Prefix: "a, b {content}: {\"json\": true}\n\n", Text: "{labels}?"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := plain.choose(got, []string{"a"}).Constraint; !reflect.DeepEqual(got, llm.Choice{Labels: []string{" a"}}) {
		t.Errorf("labels of plain text: %q", got)
	}
}

func TestBadPrompts(t *testing.T) {
	for file, want := range map[string]string{
		"":                                             "{content} is missing",
		"{content}\n== user\nx":                        "before the first section",
		"== user\nx\n":                                 "{content} is missing",
		"== user\n{content} {labels}\n":                "{labels} is no blank",
		"== system\n{content}\n":                       "the last turn",
		"== user\n{content}\n== assistant\ny":          "the last turn",
		"== narrator\n{content}\n":                     `"narrator"`,
		"== prefix\n{content}\n":                       `"prefix"`,
		"== text\n{content}\n== prefix\nx":             `"text"`,
		"== prefix\nx\n== text\n{content}\n== user\nx": `"prefix"`,
	} {
		if _, err := parsePrompt(file, "content"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected %q", file, err, want)
		}
	}
}
