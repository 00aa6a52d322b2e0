package sensitive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

const canary = `a "secret" word`

func TestTextIsHidden(t *testing.T) {
	for _, verb := range []string{"%v", "%s", "%q", "%#v", "%+v", "%x", "%d", "%10s"} {
		if got := fmt.Sprintf(verb, Text(canary)); got != "[15 characters hidden]" {
			t.Errorf("%s: %s", verb, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "text", Text(canary), "error", Errorf("it says %s", Text(canary)))
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "text", Text(canary), "error", Errorf("it says %s", Text(canary)))
	if strings.Contains(log.String(), "secret") {
		t.Error(log.String())
	}
}

func TestErrorsHideAndShow(t *testing.T) {
	inner := Errorf("%w: it answered %s, not %d", io.EOF, Text(canary), 7)
	outer := fmt.Errorf("part 2: %w", errors.Join(errors.New("one"), fmt.Errorf("ai_gen: %w", inner)))
	if got := outer.Error(); got != "part 2: one\nai_gen: EOF: it answered [15 characters hidden], not 7" {
		t.Error(got)
	}
	want := `part 2: one` + "\n" + `ai_gen: EOF: it answered "a \"secret\" word", not 7`
	if got := Shown(outer); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !errors.Is(outer, io.EOF) || !IsHidden(outer) || IsHidden(io.EOF) || IsHidden(nil) || Shown(nil) != "" || Shown(io.EOF) != "EOF" {
		t.Error("wrapped errors are lost")
	}
	// Errors about content within errors about content.
	both := Errorf("row %s: %w", Text("x"), outer)
	if got := Shown(both); got != `row "x": `+want {
		t.Error(got)
	}
	if _, is := Errorf("no content: %w", io.EOF).(*Error); is {
		t.Error("an error without content hides some")
	}
	if got := Shown(Errorf("%s", Text(strings.Repeat("ä", 300)))); got != `"`+strings.Repeat("ä", 200)+`"...` {
		t.Error(got)
	}
	// What hides it is the text alone, whatever it holds.
	if got := Shown(Errorf("%s%%", Text("%s %w"))); got != `"%s %w"%` {
		t.Error(got)
	}
}

// A text that was shown, and came back as data, is hidden again.
func TestMask(t *testing.T) {
	shown := Shown(Errorf("ai_classify: it answered %s, which is none of the labels", Text(strings.Repeat(canary+`\`, 20))))
	err := New(shown)
	if got := err.Error(); got != "ai_classify: it answered [text hidden], which is none of the labels" {
		t.Error(got)
	}
	if Shown(err) != shown || !IsHidden(err) {
		t.Error(Shown(err))
	}
	for in, want := range map[string]string{
		"nothing": "nothing", `cut "off`: "cut [text hidden]", `"a" and "b\"c"`: "[text hidden] and [text hidden]", `""`: "[text hidden]", `x "a"...`: "x [text hidden]",
	} {
		if got := Mask(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add(canary, 3)
	f.Fuzz(func(t *testing.T, text string, at int) {
		const word = "Q7canaryQ7"
		n := min(max(at, 0), len(text))
		err := Errorf("about %s and %v", Text(text[:n]+word+text[n:]), Of(word))
		if strings.Contains(err.Error(), word) || strings.Contains(Mask(Shown(err)), word) {
			t.Errorf("%s; %s", err, Mask(Shown(err)))
		}
	})
}
