package ai

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
	if len(entries) != len(prompts) {
		t.Errorf("%d prompt files, %d are used", len(entries), len(prompts))
	}
	var versions strings.Builder
	for _, entry := range entries {
		b, err := promptFiles.ReadFile("prompts/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(entry.Name(), ".txt")
		var blanks []string
		for _, found := range blankForm.FindAllString(string(b), -1) {
			blanks = append(blanks, strings.Trim(found, "{}"))
		}
		p := prompts[name]
		other, err := parsePrompt(strings.ReplaceAll(string(b), "\n", "\r\n"), blanks...)
		other.name = name
		fmt.Fprintf(&versions, "%s %d %x\n", name, p.version, sha256.Sum256([]byte(strings.ReplaceAll(string(b), "\r\n", "\n"))))
		if err != nil || !reflect.DeepEqual(p, other) {
			t.Errorf("%s reads differently with the line ends of Windows: %v", entry.Name(), err)
		}
		// Prefix and text are tokenised apart, and a label goes on with a space.
		if p.plain && (!strings.HasSuffix(p.prefix, "\n") || strings.TrimSpace(p.text[len(p.text)-1:]) == "") {
			t.Errorf("%s: the prefix does not end where a line does, or the text ends with a space", entry.Name())
		}
	}
	golden(t, "testdata/prompts.txt", versions.String(), "a prompt has changed: give it the next version number, then run with -update")
}

func TestPromptForms(t *testing.T) {
	chat, err := parsePrompt("version 3\n# for tests\n== system\nBe brief.\nAlways.\n== user\nQ: {x}\n== assistant\nyes\n== user\nQ: {y}\n", "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	want := llm.Request{Shared: 3, Messages: []llm.Message{
		{Role: llm.System, Text: "Be brief.\nAlways."}, {Role: llm.User, Text: "Q: 1"},
		{Role: llm.Assistant, Text: "yes"}, {Role: llm.User, Text: "Q: {x} {y}"}}}
	if got := chat.fill(nil, "x", "1", "y", "{x} {y}"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	with := chat.fill([]Example{{"in", "out"}}, "x", "1", "y", "2")
	if n := len(with.Messages); n != 6 || with.Shared != 5 || with.Messages[3].Text != "Q: in" || with.Messages[4] != (llm.Message{Role: llm.Assistant, Text: "out"}) {
		t.Errorf("with an example: %+v", with)
	}
	if chat.version != 3 {
		t.Errorf("version %d", chat.version)
	}
	if got := chat.choose(want, []string{"a"}).Constraint; !reflect.DeepEqual(got, llm.Choice{Labels: []string{"a"}}) {
		t.Errorf("labels of a chat: %q", got)
	}
	plain, err := parsePrompt("version 3\n# for tests\n== prefix\n{labels}: {\"json\": true}\n\n== text\n{content}?\n", "content", "labels")
	if err != nil {
		t.Fatal(err)
	}
	got := plain.fill(nil, "labels", "a, b {content}", "content", "{labels}")
	if want := (llm.Request{Prefix: "a, b {content}: {\"json\": true}\n\n", Text: "{labels}?"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := plain.fill([]Example{{"{labels}", "yes"}}, "labels", "a", "content", "x"); got.Prefix != "a: {\"json\": true}\n\n{labels}? yes\n\n" {
		t.Errorf("with an example: %+v", got)
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
		"== user\n{content} {labels}\n":                "{labels} is not a blank",
		"== system\n{content}\n":                       "the last turn",
		"== user\n{content}\n== assistant\ny":          "the last turn",
		"== narrator\n{content}\n":                     `"narrator"`,
		"== prefix\n{content}\n":                       `"prefix"`,
		"== text\n{content}\n== prefix\nx":             `"text"`,
		"== prefix\nx\n== text\n{content}\n== user\nx": `"prefix"`,
	} {
		if _, err := parsePrompt("version 1\n"+file, "content"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected %q", file, err, want)
		}
	}
	for _, head := range []string{"", "version\n", "version 0\n", "version x\n", "== user\n"} {
		if _, err := parsePrompt(head+"== user\n{content}", "content"); err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("%q: %v", head, err)
		}
	}
}

var update = flag.Bool("update", false, "rewrite the goldens")

// golden compares text with a file, or rewrites the file.
func golden(t *testing.T, file, text, advice string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(string(want), "\r\n", "\n"); got != text {
		t.Errorf("%s: %s\n got %s\nwant %s", file, advice, text, got)
	}
}
