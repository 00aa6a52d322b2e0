package tokenizer

import (
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func tokensOf(tok *Tokenizer) func(string) string {
	return func(line string) string {
		var all []string
		for _, t := range tok.Tokens(line) {
			all = append(all, fmt.Sprintf("%d:%d:%d", t.ID, t.Start, t.End))
		}
		return strings.Join(all, "\x00")
	}
}

// oldLines returns the lines without characters of recent versions of Unicode, because the library
// tokenizers does not know the categories of some of them.
func oldLines(lines iter.Seq[string]) iter.Seq[string] {
	scripts := [][2]rune{
		{0x500, 0x5ff}, {0x61d, 0x61d}, {0x700, 0x11ff}, {0x1200, 0x1dff}, {0x2e00, 0x2e7f}, {0xa000, 0xabff}, {0x10000, 0x1cfff}, {0x1e000, 0x1efff}, {0x2ebf0, 0x2ee5f},
	}
	return without(lines, func(r rune) bool {
		return slices.ContainsFunc(scripts, func(s [2]rune) bool { return s[0] <= r && r <= s[1] })
	})
}

// withoutShifts returns the lines without characters that normalizers remove, because the offsets of
// the library tokenizers after them are wrong in some cases.
func withoutShifts(lines iter.Seq[string]) iter.Seq[string] {
	return without(lines, func(r rune) bool {
		return r < ' ' && !unicode.IsSpace(r) || r == '\v' || r == '\f' || 0x7f <= r && r < 0xa0 || r == 0x200b
	})
}

func without(lines iter.Seq[string], in func(rune) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range lines {
			if !strings.ContainsFunc(line, in) && !yield(line) {
				return
			}
		}
	}
}

// The ids and offsets equal those of the library tokenizers, for every kind of tokenizer.
func TestTokensEqualLibrary(t *testing.T) {
	want := goldens(t)
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json"} {
		compare(t, want, "tokens:"+name, withoutNewScripts(withoutShifts(mixedLines(9, 3000))), tokensOf(open(t, "testdata/"+name)))
	}
	compare(t, want, "tokens:wordpiece.json", oldLines(mixedLines(9, 3000)), tokensOf(open(t, "testdata/wordpiece.json")))
}

// TestTokensOfModels compares the tokens of real models, whose folders are in FIRESTEEL_MODELS.
func TestTokensOfModels(t *testing.T) {
	folder := os.Getenv("FIRESTEEL_MODELS")
	if folder == "" {
		t.Skip("FIRESTEEL_MODELS is not set")
	}
	want := goldens(t)
	for _, path := range []string{"all-MiniLM-L6-v2", "all-mpnet-base-v2/all-mpnet-base-v2", "gector-distilbert", "rampart-pii"} {
		folder := filepath.Join(folder, path)
		tok := open(t, filepath.Join(folder, "tokenizer.json"))
		compare(t, want, "tokens:"+filepath.Base(path), oldLines(withoutShifts(mixedLines(9, 10000))), tokensOf(tok))
		if _, err := os.Stat(filepath.Join(folder, "vocab.txt")); err != nil {
			continue
		}
		other, err := ReadVocab("vocab.txt", readFile(t, filepath.Join(folder, "vocab.txt")), readFile(t, filepath.Join(folder, "tokenizer_config.json")))
		if err != nil {
			t.Fatal(err)
		}
		equalTokenizers(t, path, other, tok, mixedLines(11, 2000))
	}
}

// equalTokenizers compares the tokens and the sequences of two tokenizers.
func equalTokenizers(t *testing.T, name string, got, want *Tokenizer, lines iter.Seq[string]) {
	t.Helper()
	for line := range lines {
		if got, want := got.Tokens(line), want.Tokens(line); !slices.Equal(got, want) {
			t.Fatalf("%s: %q: %v, expected %v", name, line, got, want)
		}
		a, b := got.Encode(line), want.Encode("a b")
		if got, want := got.Single(a), want.Single(a); !sameSequence(got, want) {
			t.Fatalf("%s: %q: %v, expected %v", name, line, got, want)
		}
		if got, want := got.Pair(a, b), want.Pair(a, b); !sameSequence(got, want) {
			t.Fatalf("%s: %q: %v, expected %v", name, line, got, want)
		}
	}
}

func sameSequence(a, b Sequence) bool {
	return slices.Equal(a.IDs, b.IDs) && slices.Equal(a.Types, b.Types) && a.Texts == b.Texts
}

func sequencesOf(tok *Tokenizer) func(string) string {
	text := func(ids []int32) string { return strings.Trim(fmt.Sprint(ids), "[]") }
	first := tok.Encode("and the text")
	return func(line string) string {
		second := tok.Encode(line)
		a, b := tok.Single(second), tok.Pair(first, second)
		single, pair := tok.SpecialTokens()
		if !slices.Equal(a.IDs[a.Texts[0][0]:a.Texts[0][1]], second) || !slices.Equal(b.IDs[b.Texts[0][0]:b.Texts[0][1]], first) ||
			!slices.Equal(b.IDs[b.Texts[1][0]:b.Texts[1][1]], second) || len(a.IDs) != len(second)+single || len(b.IDs) != len(first)+len(second)+pair {
			return fmt.Sprintf("wrong places: %v, %v", a, b)
		}
		return strings.Join([]string{text(a.IDs), text(a.Types), text(b.IDs), text(b.Types)}, "\x00")
	}
}

func TestSequencesEqualLibrary(t *testing.T) {
	compare(t, goldens(t), "sequences:wordpiece.json", oldLines(mixedLines(10, 200)), sequencesOf(open(t, "testdata/wordpiece.json")))
}

// A token begins after the characters that the normalizer removes before it. The offsets of the
// library tokenizers are shifted for these texts.
func TestTokensAfterRemovedCharacters(t *testing.T) {
	for _, c := range []struct{ file, text, word string }{
		{"unigram.json", "\u200btext", "text"},
		{"wordpiece.json", "\x01\x02text", "text"},
		{"wordpiece.json", "\ufffdte\u00adxt\u200b", "te\u00adxt"},
	} {
		all := open(t, "testdata/"+c.file).Tokens(c.text)
		if got := c.text[all[0].Start:all[len(all)-1].End]; got != c.word {
			t.Errorf("%s: the tokens of %q are those of %q, expected %q", c.file, c.text, got, c.word)
		}
	}
}

// Bytes that are not valid UTF-8 have places of their own.
func TestTokensOfInvalidUTF8(t *testing.T) {
	for _, file := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json", "wordpiece.json"} {
		tok := open(t, "testdata/"+file)
		text := "a\xff\xe2\x80b \xf0\x9f\x98\x80\x80\xe2"
		checkTokens(t, tok, text)
		all := tok.Tokens(text)
		last := all[len(all)-1]
		if want := strings.Index(text, "b"); !slices.ContainsFunc(all, func(a Token) bool { return a.Start <= want && want < a.End }) {
			t.Errorf("%s: no token of %q contains b: %v", file, text, all)
		}
		if file != "wordpiece.json" && last.End != len(text) { // BERT removes U+FFFD
			t.Errorf("%s: the tokens of %q end at %d", file, text, last.End)
		}
	}
}

// checkTokens checks that the tokens of a text are those of Encode and that their places are whole
// characters in the order of the text.
func checkTokens(t *testing.T, tok *Tokenizer, text string) {
	t.Helper()
	all := tok.Tokens(text)
	if ids := tok.Encode(text); !slices.Equal(IDs(all), ids) {
		t.Fatalf("%q has the tokens %v, and the ids %v", text, all, ids)
	}
	starts := map[int]bool{len(text): true}
	for i := range text {
		starts[i] = true
	}
	at := Token{}
	for _, a := range all {
		if a.Start < at.Start || a.End < at.End || a.End < a.Start || a.End > len(text) || utf8.ValidString(text) && !(starts[a.Start] && starts[a.End]) {
			t.Fatalf("%q has the tokens %v", text, all)
		}
		at = a
	}
}

// vocabulary returns the tokens of wordpiece.json.
func wordPieceVocabulary(t testing.TB) []string {
	var file struct {
		Model struct{ Vocab map[string]int }
	}
	if err := json.Unmarshal(readFile(t, "testdata/wordpiece.json"), &file); err != nil {
		t.Fatal(err)
	}
	tokens := make([]string, len(file.Model.Vocab))
	for s, id := range file.Model.Vocab {
		tokens[id] = s
	}
	return tokens
}

// A vocab.txt and a GGUF file have the same tokenizer as tokenizer.json.
func TestWordPieceFormats(t *testing.T) {
	want := open(t, "testdata/wordpiece.json")
	if want.MaxTokens != 64 {
		t.Errorf("the limit is %d", want.MaxTokens)
	}
	tokens := wordPieceVocabulary(t)
	for _, config := range []string{"", `{"do_lower_case": true, "unk_token": {"content": "[UNK]"}, "tokenizer_class": "BertTokenizer", "cls_token": null}`} {
		got, err := ReadVocab("vocab.txt", []byte(strings.Join(tokens, "\n")+"\n"), []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		equalTokenizers(t, "vocab.txt", got, want, mixedLines(11, 500))
	}

	v := Vocabulary{Kind: WordPiece, BOS: 2, EOS: 3, UNK: 1, AddBOS: true, AddEOS: true}
	for i, s := range tokens {
		kind := int64(ordinary)
		if i < 5 {
			kind = control
		} else if rest, ok := strings.CutPrefix(s, "##"); ok {
			s = rest
		} else {
			s = spaceMark + s
		}
		v.Tokens, v.Types = append(v.Tokens, s), append(v.Types, kind)
	}
	for _, types := range [][]int64{v.Types, nil} {
		v.Types = types
		got, err := New(v)
		if err != nil {
			t.Fatal(err)
		}
		equalTokenizers(t, "GGUF", got, want, mixedLines(11, 500))
		for _, text := range []string{"and the text, of a model.", "it's 10"} {
			if got, want := got.Decode(got.Encode(text)), want.Decode(want.Encode(text)); got != want {
				t.Errorf("decoded %q, expected %q", got, want)
			}
		}
	}
	v.UNK = -1
	if _, err := New(v); err == nil || !strings.Contains(err.Error(), "unknown_token_id") {
		t.Errorf("no unknown token: %v", err)
	}
}

func TestReadVocabErrors(t *testing.T) {
	for _, c := range []struct{ vocab, config, want string }{
		{"a\nb", "", `no token "[CLS]"`},
		{"[CLS]\n[SEP]\n", "", `no token "[UNK]"`},
		{"[CLS]\n[SEP]\n\n[UNK]\na", "", "line 3"},
		{"[CLS]\n[SEP]\n[UNK]\n", "{", "tokenizer_config.json"},
		{"[CLS]\n[SEP]\n[UNK]\n", `{"do_basic_tokenize": false}`, "do_basic_tokenize"},
	} {
		if _, err := ReadVocab("x/vocab.txt", []byte(c.vocab), []byte(c.config)); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x/vocab.txt: ") {
			t.Errorf("%q: want %q, got %v", c.vocab, c.want, err)
		}
	}
}

// FuzzReadVocab checks that any bytes are a working tokenizer or an error.
func FuzzReadVocab(f *testing.F) {
	f.Add([]byte("[CLS]\n[SEP]\n[UNK]\na\n##b\nab\n"), []byte(`{"do_lower_case": false, "strip_accents": true}`))
	f.Add([]byte("<s>\r\n</s>\r\n[UNK]\r\n##\r\né"), []byte(`{"tokenizer_class": "MPNetTokenizer", "mask_token": {"content": "é"}}`))
	f.Fuzz(func(t *testing.T, vocab, config []byte) {
		if tok, err := ReadVocab("file", vocab, config); err == nil {
			checkText(t, tok, "a b  ab\x00é\xff x", 2)
			tok.Pair(tok.Encode("ab"), tok.Encode("é"))
		}
	})
}

func BenchmarkWordPiece(b *testing.B) {
	tok := open(b, "testdata/wordpiece.json")
	if folder := os.Getenv("FIRESTEEL_MODELS"); folder != "" {
		tok = open(b, filepath.Join(folder, "all-MiniLM-L6-v2/tokenizer.json"))
	}
	const text = "The quick brown fox jumps over the lazy dog near a river."
	b.ReportMetric(float64(tok.Count(text)), "tokens")
	b.Run("ids", func(b *testing.B) {
		var ids []int32
		for b.Loop() {
			ids = tok.Append(ids[:0], text)
		}
	})
	b.Run("tokens", func(b *testing.B) {
		var all []Token
		for b.Loop() {
			all = tok.AppendTokens(all[:0], text)
		}
	})
}
