package tokenizer

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf"
)

// toy returns a vocabulary of all bytes and a few merges.
func toy(pre string) Vocabulary {
	v := Vocabulary{Pre: pre, BOS: 1, EOS: 2, Tokens: []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<user>"}, Types: []int64{3, 3, 3, 4}}
	add := func(s string) {
		v.Tokens = append(v.Tokens, s)
		v.Types = append(v.Types, 1)
	}
	for _, r := range alphabet {
		add(string(r))
	}
	for _, m := range []string{"h e", "l l", "he ll", "hell o", "Ġ w", "Ġ Ġ", "ĠĠ ĠĠ", "a a", "aa aa", "a b", "b a", "ab ab", "Ã ¤"} {
		v.Merges = append(v.Merges, m)
		add(strings.Replace(m, " ", "", 1))
	}
	return v
}

func newToy(t *testing.T, pre string) *Tokenizer {
	t.Helper()
	tok, err := New(toy(pre))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ pre, text, want string }{
		{"gpt-2", "I'm here, aren't I?", "I|'m| here|,| aren|'t| I|?"},
		{"gpt-2", "a  b\n\nc \n d  ", "a| | b|\n|\n|c| \n| d|  "},
		{"gpt-2", "x12 345", "x|12| 345"},
		{"smollm", "x12 345  6", "x|1|2| |3|4|5|  |6"},
		{"gpt-2", "\xff\xfe a\x80", "\xff\xfe| a|\x80"},
		{"gpt-2", " ", " "},
		{"gpt-2", "", ""},
		{"smollm", "½ é'S", "½| é|'|S"},
	} {
		var words []string
		preTokenizers[c.pre](plain(c.text), true, func(w aligned) { words = append(words, w.s) })
		if got := strings.Join(words, "|"); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.pre, c.text, got, c.want)
		}
	}
}

func TestTextCannotContainControlTokens(t *testing.T) {
	tok := newToy(t, "smollm")
	text := "hello<|im_end|>\n<|im_start|>system"
	for _, id := range tok.Encode(text) {
		if id < 3 {
			t.Fatalf("the text has the control token %d", id)
		}
	}
	if got := tok.Decode(tok.Encode(text)); got != text {
		t.Errorf("decoded %q", got)
	}
	if ids := tok.Encode("a<user>"); !slices.Equal(ids, []int32{tok.model.(*bpe).bytes['a'], 3}) {
		t.Errorf("a user-defined token in the text gave %v", ids)
	}
}

func idsOfPieces(pieces []piece) (ids []int32) {
	for _, p := range pieces {
		ids = append(ids, p.id)
	}
	return ids
}

// naiveMerge merges by definition: the pair of the lowest rank first, and the leftmost of equals.
func naiveMerge(p *bpe, word string) []int32 {
	var ids []int32
	for i := range len(word) {
		ids = append(ids, p.bytes[word[i]])
	}
	for {
		best, at := &merge{rank: 1 << 30}, -1
		for i := 0; i+1 < len(ids); i++ {
			if m := p.merges.find(ids[i], ids[i+1]); m.id != none && m.rank < best.rank {
				best, at = m, i
			}
		}
		if at < 0 {
			return ids
		}
		ids = append(append(ids[:at:at], best.id), ids[at+2:]...)
	}
}

func TestMergesEqualDefinition(t *testing.T) {
	tok := newToy(t, "gpt-2")
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		word := make([]byte, 1+random.IntN(80))
		for i := range word {
			word[i] = "abhelo w"[random.IntN(8)]
		}
		if got, want := idsOfPieces(tok.model.append(nil, string(word), new(scratch))), naiveMerge(tok.model.(*bpe), string(word)); !slices.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", word, got, want)
		}
	}
}

// Encoding takes near-linear time. With a quadratic algorithm this test takes hours.
func TestLongTexts(t *testing.T) {
	tok := newToy(t, "smollm")
	for name, text := range map[string]string{
		"words":       strings.Repeat("hello aab world, it's 10 o'clock\n", 2<<20/32),
		"one word":    strings.Repeat("abaahello", 1<<20/9),
		"one space":   strings.Repeat(" ", 1<<20),
		"newlines":    strings.Repeat("\n \t", 1<<20/3),
		"punctuation": strings.Repeat("<|im_", 1<<20/5),
		"bytes":       strings.Repeat("\xf0\x9f", 1<<19),
	} {
		ids := tok.Encode(text)
		if got := tok.Decode(ids); got != strings.ToValidUTF8(text, "\uFFFD") {
			t.Errorf("%s: the text changed", name)
		}
		if n := tok.Count(text); n != len(ids) {
			t.Errorf("%s: counted %d tokens of %d", name, n, len(ids))
		}
	}
}

func TestDecodePartOfCharacter(t *testing.T) {
	tok := newToy(t, "gpt-2")
	ids := tok.Encode("ü")
	if len(ids) != 2 {
		t.Fatal(ids)
	}
	if got := tok.Decode(ids[:1]); got != "\uFFFD" {
		t.Errorf("%q", got)
	}
	if got := tok.Decode([]int32{-1, 1 << 20}); got != "" {
		t.Errorf("ids that do not exist have the text %q", got)
	}
}

func TestBytesWithoutToken(t *testing.T) {
	v := toy("gpt-2")
	v.Tokens[slices.Index(v.Tokens, string(alphabet[4]))] = "unused"
	tok, err := New(v)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tok.Encode("hel\x04lo"), tok.Encode("hel lo"); len(got) != len(want)-1 {
		t.Errorf("%v, %v", got, want)
	}
	if cut, _ := tok.Cut("\x04a\x04h\x04z", 2); cut != "\x04a\x04h\x04" {
		t.Errorf("cut to %q", cut)
	}
	if got := tok.Encode("\x04"); len(got) != 0 {
		t.Error(got)
	}
}

func TestCut(t *testing.T) {
	tok := newToy(t, "smollm")
	for _, text := range []string{"", "hello hello  hello", "aaaaaaaaab", "ärger 12 öl 🦙🦙", strings.Repeat("ab", 300), "   x   ", "\xff\x80\x80"} {
		n := tok.Count(text)
		for max := range n + 2 {
			cut, short := tok.Cut(text, max)
			if !strings.HasPrefix(text, cut) || short != (cut != text) || tok.Count(cut) > max {
				t.Errorf("%q to %d: %q of %d tokens, %v", text, max, cut, tok.Count(cut), short)
			}
			if n <= max && short {
				t.Errorf("%q has %d tokens but was cut to %d", text, n, max)
			}
			if utf8.ValidString(text) && !utf8.ValidString(cut) {
				t.Errorf("%q was cut within a character: %q", text, cut)
			}
		}
	}
}

func TestInvalidVocabularies(t *testing.T) {
	change := func(f func(*Vocabulary)) Vocabulary {
		v := toy("smollm")
		f(&v)
		return v
	}
	for want, v := range map[string]Vocabulary{
		`pre-tokenizer "martian"`:        change(func(v *Vocabulary) { v.Pre = "martian" }),
		"but 1 token types":              change(func(v *Vocabulary) { v.Types = v.Types[:1] }),
		"does not consist of two tokens": change(func(v *Vocabulary) { v.Merges[1] = "qq qq" }),
		"is not a token":                 change(func(v *Vocabulary) { v.Merges[1] = "o o" }),
		"is 9999":                        change(func(v *Vocabulary) { v.EOS = 9999 }),
		"token but has no text":          change(func(v *Vocabulary) { v.Tokens[0] = "" }),
	} {
		if _, err := New(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestSmolLM2EqualsLlamaCpp(t *testing.T) {
	file, err := gguf.Open(testkit.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tok, err := ReadGGUF(file)
	if err != nil {
		t.Fatal(err)
	}
	goldens, err := os.Open("testdata/smollm2.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer goldens.Close()
	lines := bufio.NewScanner(goldens)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Split(lines.Text(), "\t")
		var text string
		if err := json.Unmarshal([]byte(fields[1]), &text); err != nil {
			t.Fatal(err)
		}
		var want []int32
		for _, f := range fields[2:] {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, int32(n))
		}
		got := tok.Encode(text)
		if s := tok.Decode(got); s != text {
			t.Errorf("%q was decoded as %q", text, s)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s %q:\n got %v\nwant %v", fields[0], text, got, want)
		}
	}
}

// FuzzTokenizer checks that any text can be decoded, and that Cut keeps its limit.
func FuzzTokenizer(f *testing.F) {
	f.Add("hello<|im_end|> w12  \n<user>é", 3)
	f.Add("\xff\x80 \x00\u2028aaaaab", 1)
	f.Add("'s'll 't\r\n\u00a0x", 0)
	var toks []*Tokenizer
	for _, pre := range PreTokenizers() {
		tok, err := New(toy(pre))
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		for _, tok := range toks {
			ids := tok.Encode(text)
			if got := tok.Decode(ids); got != strings.ToValidUTF8(text, "\uFFFD") {
				t.Errorf("%q was decoded as %q", text, got)
			}
			if n := tok.Count(text); n != len(ids) {
				t.Errorf("%q: counted %d tokens of %d", text, n, len(ids))
			}
			cut, short := tok.Cut(text, limit)
			if !strings.HasPrefix(text, cut) || short != (cut != text) || tok.Count(cut) > max(limit, 0) || !short && len(ids) > max(limit, 0) {
				t.Errorf("%q to %d: %q, %v", text, limit, cut, short)
			}
			if utf8.ValidString(text) && !utf8.ValidString(cut) {
				t.Errorf("%q was cut within a character: %q", text, cut)
			}
			for _, id := range ids {
				if id < 3 {
					t.Errorf("%q has the control token %d", text, id)
				}
			}
		}
	})
}
