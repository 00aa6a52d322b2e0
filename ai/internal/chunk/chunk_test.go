package chunk

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// tokens counts as a tokenizer may: a token for each 4 bytes of a word, and none for
// spaces. A word of more than 100 bytes is one unknown token.
func tokens(text string) int {
	n := 0
	for _, w := range strings.Fields(text) {
		if len(w) > 100 {
			n++
		} else {
			n += (len(w) + 3) / 4
		}
	}
	return n
}

// check splits a text and checks what is true for every text.
func check(t testing.TB, text string, o Options) []string {
	t.Helper()
	chunks, err := Split(context.Background(), text, o)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	end, valid := 0, utf8.ValidString(text)
	for i, c := range chunks {
		if c.Start > end || c.Start < 0 || c.End <= end || c.End > len(text) || o.Overlap == 0 && c.Start != end || i > 0 && c.Start <= chunks[i-1].Start {
			t.Fatalf("chunk %d is %+v after %d", i, c, end)
		}
		part := text[c.Start:c.End]
		if c.Size != o.Count(part) {
			t.Fatalf("chunk %d: size %d, but it counts %d", i, c.Size, o.Count(part))
		}
		if one := utf8.RuneCountInString(part) == 1; !one && (c.Size > o.Size || o.Bytes > 0 && len(part) > o.Bytes) {
			t.Fatalf("chunk %d has %d bytes and the size %d: %.80q", i, len(part), c.Size, part)
		}
		if n := o.Count(text[c.Start:end]); n > o.Overlap {
			t.Fatalf("chunk %d: an overlap of %d", i, n)
		}
		if valid && !utf8.ValidString(part) {
			t.Fatalf("chunk %d ends in a character", i)
		}
		texts = append(texts, part)
		end = c.End
	}
	if end != len(text) {
		t.Fatalf("the chunks end at %d of %d", end, len(text))
	}
	return texts
}

func TestSplit(t *testing.T) {
	characters := utf8.RuneCountInString
	for name, c := range map[string]struct {
		text string
		o    Options
		want []string
	}{
		"sentences":                          {"One is. Two is. Three is. ", Options{Size: 16, Count: characters}, []string{"One is. Two is. ", "Three is. "}},
		"fits":                               {"One is. Two is.", Options{Size: 15, Count: characters}, []string{"One is. Two is."}},
		"overlap":                            {"Aa. Bb. Cc. Dd. Ee.", Options{Size: 12, Overlap: 4, Count: characters}, []string{"Aa. Bb. Cc. ", "Cc. Dd. Ee."}},
		"no overlap of a part of a sentence": {"Aaa aa. Bbb bb. Cc.", Options{Size: 16, Overlap: 4, Count: characters}, []string{"Aaa aa. Bbb bb. ", "Cc."}},
		"long sentence begins a chunk": {"Aa. This sentence has many words. Bb.", Options{Size: 14, Count: characters},
			[]string{"Aa. ", "This sentence ", "has many ", "words. Bb."}},
		"long word":                  {"abcdefghij kl", Options{Size: 4, Count: characters}, []string{"abcd", "efgh", "ij ", "kl"}},
		"paragraphs":                 {"Aa. Bb.\n\nCc.\n \r\nDd.\nEe.\n", Options{Size: 100, Paragraphs: true, Count: characters}, []string{"Aa. Bb.\n\n", "Cc.\n \r\n", "Dd.\nEe.\n"}},
		"one chunk":                  {"Aa. Bb.\n\nCc.\n", Options{Size: 100, Count: characters}, []string{"Aa. Bb.\n\nCc.\n"}},
		"blanks first":               {"\n\n Aa.", Options{Size: 100, Paragraphs: true, Count: characters}, []string{"\n\n Aa."}},
		"separator":                  {"Aa.\u2029Bb.", Options{Size: 100, Paragraphs: true, Count: characters}, []string{"Aa.\u2029", "Bb."}},
		"overlap, not of paragraphs": {"Aa.\n\nBb.", Options{Size: 9, Overlap: 5, Paragraphs: true, Count: characters}, []string{"Aa.\n\n", "Bb."}},
		"crlf":                       {"Aa\r\nBb\r\nCc", Options{Size: 8, Count: characters}, []string{"Aa\r\nBb\r\n", "Cc"}},
		"Chinese":                    {"你好。这是测试。再见！", Options{Size: 8, Count: characters}, []string{"你好。这是测试。", "再见！"}},
		"Chinese, long":              {"这是测试，还有更多的词语", Options{Size: 5, Count: characters}, []string{"这是测试，", "还有更多的", "词语"}},
		"Thai":                       {"สวัสดี ครับ", Options{Size: 7, Count: characters}, []string{"สวัสดี ", "ครับ"}},
		"emoji":                      {"👩‍👩‍👧‍👦👩‍👩‍👧‍👦", Options{Size: 8, Count: characters}, []string{"👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"}},
		"a cluster is too large":     {"👩‍👩‍👧‍👦", Options{Size: 4, Count: characters}, []string{"👩‍👩‍", "👧‍👦"}},
		"words":                      {"One two. Three four. Five.", Options{Size: 3, Count: Words}, []string{"One two. ", "Three four. Five."}},
	} {
		if got := check(t, c.text, c.o); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]int{"": 0, " - … ": 0, "It's a test.": 3, "3.5 times": 2, "你好": 2, "snake_case": 1} {
		if n := Words(text); n != want {
			t.Errorf("%q: %d words, want %d", text, n, want)
		}
	}
}

// The time is not the square of the length of a text.
func TestLargeTexts(t *testing.T) {
	const size = 1 << 19
	for name, part := range map[string]string{
		"sentences": "It is a good test for Spark, and it has words. ", "no sentences": "It is a good test ", "no spaces": "abcdefghij", "spaces": " ", "lines": "\n",
		"Chinese": "这是一个测试", "Thai": "นี่คือการทดสอบ", "emoji": "👩‍👩‍👧‍👦", "marks": "a\u0301\u0302\u0303\u0304\u0305\u0306", "one cluster": "\u0301", "markdown": "- *item* with `code`\r\n\r\n## Head\r\n",
	} {
		text := strings.Repeat(part, size/len(part))
		for _, o := range []Options{
			{Size: 256, Bytes: 32 * 256, Count: tokens},
			{Size: 256, Overlap: 40, Bytes: 32 * 256, Count: tokens, Paragraphs: true},
			{Size: 1000, Overlap: 100, Count: utf8.RuneCountInString},
		} {
			if chunks := check(t, text, o); len(chunks) < size/(32*256) {
				t.Errorf("%s: %d chunks", name, len(chunks))
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Split(ctx, "A text.", Options{Size: 5, Count: tokens}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		"Aa. Bb.\n\nCc", "a\r\n\r\n\r\nb", "你好。再见", "\xff\xfe. a", "👩‍👩‍👧‍👦\u200d\u0301", "one\u2029two\u2028 three\u0085", strings.Repeat("long", 60), "  \n \n  x", "สวัสดี",
	} {
		f.Add(text, 3, 1, 40, true)
		f.Add(text, 40, 20, 0, false)
	}
	f.Fuzz(func(t *testing.T, text string, size, overlap, bytes int, paragraphs bool) {
		size = 1 + int(uint(size)%200)
		overlap = int(uint(overlap) % uint(size))
		if bytes != 0 {
			bytes = 4 + int(uint(bytes)%1000)
		}
		for _, count := range []func(string) int{tokens, utf8.RuneCountInString, Words} {
			o := Options{Size: size, Overlap: overlap, Bytes: bytes, Paragraphs: paragraphs, Count: count}
			chunks := check(t, text, o)
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsSpace(r) }) && len(chunks) == 0 {
				t.Errorf("%q has no chunk", text)
			}
		}
	})
}
