package ai

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// reader is a model that reads few tokens of a text.
type reader struct {
	*fake
	tokens int
}

func (r reader) Info() llm.Info {
	info := r.fake.Info()
	info.TextTokens = r.tokens
	return info
}

func TestChunk(t *testing.T) {
	text := "Größe ist gut. 你好。 It is a test 👍.\r\nAnd the end."
	for _, options := range []any{nil, `{"unit": "characters", "chunk_size": 20}`, map[string]string{"unit": "words", "chunk_size": "3", "chunk_overlap": "1"}, `{"split_by": "paragraphs"}`} {
		source := Source((&fake{}).source)
		if s := fmt.Sprint(options); strings.Contains(s, "unit") {
			source = closed
		}
		a := eval(t, chunks, source, Row{text, options})[0]
		characters := []rune(text)
		joined := ""
		for i, row := range a.Value.([]any) {
			c := row.([]any)
			if c[0] != int64(i) || c[1] != string(characters[c[2].(int64)-1:c[3].(int64)-1]) {
				t.Errorf("%v: chunk %d is %v", options, i, c)
			}
			if n, _ := c[4].(int64); (n > 0) == strings.Contains(fmt.Sprint(options), "unit") {
				t.Errorf("%v: chunk %d has %v tokens", options, i, c[4])
			}
			joined += c[1].(string)
		}
		if joined != text && !strings.Contains(fmt.Sprint(options), "overlap") {
			t.Errorf("%v: %q", options, joined)
		}
	}
}

func TestChunkFitsTheEmbedder(t *testing.T) {
	text := strings.Repeat("One two three. ", 50)
	for given, note := range map[string]bool{`{}`: false, `{"chunk_size": 12}`: false, `{"chunk_size": 300, "chunk_overlap": 200}`: true} {
		a := eval(t, chunks, sourceOf(reader{&fake{}, 20}), Row{text, given})[0]
		if (a.Note != "") != note {
			t.Errorf("%s: the note %q", given, a.Note)
		}
		rows := a.Value.([]any)
		for _, row := range rows {
			if n := row.([]any)[4].(int64); n > 20 || n < 1 {
				t.Errorf("%s: a chunk of %d tokens", given, n)
			}
		}
		if len(rows) < 8 {
			t.Errorf("%s: %d chunks", given, len(rows))
		}
		stored, ok := chunks.Keep(a)
		back, err := chunks.Kept(stored)
		if !ok || err != nil || !reflect.DeepEqual(back, a) {
			t.Errorf("%s: kept as %.200s: %v", given, stored, err)
		}
	}
}

func TestChunkOptions(t *testing.T) {
	for given, want := range map[string]string{
		`{"chunk_size": 0}`: "from 1 to 1048576", `{"chunk_size": "ten"}`: "from 1 to 1048576", `{"chunk_size": 10, "chunk_overlap": 10}`: "less than chunk_size",
		`{"chunk_overlap": -1}`: "from 0", `{"unit": "bytes"}`: "tokens, characters, words", `{"split_by": "lines"}`: "sentences, paragraphs", `{"size": 1}`: "no option",
	} {
		if _, err := chunks.Eval(context.Background(), closed, []Row{{"a text", given}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", given, err, want)
		}
	}
	for given, want := range map[string]int{`{}`: 1, `{"unit": "tokens"}`: 1, `{"unit": "words"}`: 0, `{"unit": "characters"}`: 0} {
		if asks := chunks.Asks(Row{nil, given}); len(asks) != want || want == 1 && asks[0].Role != llm.Embed {
			t.Errorf("%s asks %v", given, asks)
		}
	}
	if asks := chunks.Asks(nil); len(asks) != 1 {
		t.Errorf("options that are not known ask %v", asks)
	}
	if asks := detectLanguage.Asks(nil); len(asks) != 0 {
		t.Errorf("ai_detect_language asks %v", asks)
	}
}

func TestDetectLanguage(t *testing.T) {
	answers := eval(t, detectLanguage, closed, Row{"Das ist ein guter Test."}, Row{"123 😀"}, Row{nil})
	v, _ := answers[0].Value.([]any)
	if len(v) != 2 || v[0] != "de" || v[1].(float64) < 0.5 || !reflect.DeepEqual(answers[1].Value, []any{nil, nil}) || answers[2].Value != nil {
		t.Errorf("%+v", answers)
	}
}
