package grammar

import (
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// smallTokens is a vocabulary with difficult tokens: single bytes, whole and
// partial characters, tokens across the boundaries of JSON's parts, and tokens
// with equal bytes.
var smallTokens = func() [][]byte {
	tokens := [][]byte{nil, []byte("</s>"), nil} // control, end, control
	for b := range 256 {
		tokens = append(tokens, []byte{byte(b)})
	}
	for _, s := range strings.Split(`the|and| the| a|name|"name|"name":|": |":|", "|"}|"},|"}, {"|}}|]]|[[|[{"|{"|null|true|false| null|`+
		`0.|00|12|123|19|20|2024|-0|-|,| "|""|"",|\"|\\|\n|\u00|\u|é|日本|日|\xe6\x97|\xa5|\xe6|😀|\xf0\x9f|\x98\x80|  |    |ab|abc|aab|aaaa|`+
		`x|xx|Berlin| Berlin|"Berlin"|Ber|lin|1|11|@|.com|://|http|https://|-01|-02-29|T|Z|the|[1, 2|: {|: [|a": |b": |["|[]|{}|"a"|"a": 1`, "|") {
		s = strings.NewReplacer(`\xe6`, "\xe6", `\x97`, "\x97", `\xa5`, "\xa5", `\xf0`, "\xf0", `\x9f`, "\x9f", `\x98`, "\x98", `\x80`, "\x80").Replace(s)
		tokens = append(tokens, []byte(s))
	}
	return tokens
}()

const smallEnd = 1

var small = sync.OnceValue(func() *Vocabulary {
	v, err := NewVocabulary(smallTokens, smallEnd)
	if err != nil {
		panic(err)
	}
	return v
})

// realVocabulary reads the tokens of a byte-level BPE from a damaged GGUF file:
// the bytes that are not UTF-8 were lost, so lengths of 128 and more are wrong.
func realVocabulary(t testing.TB, name string) *Vocabulary {
	t.Helper()
	data, err := os.ReadFile(testkit.Data(t, "data/vocab/ggml-vocab-"+name+".gguf"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(data), "tokenizer.ggml.tokens")
	if !ok {
		t.Fatal("no tokens")
	}
	list, _, _ = strings.Cut(list, "tokenizer.ggml.")
	bytesOf := map[rune]byte{}
	next := rune(0x100)
	for b := range 256 {
		if '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xff && b != 0xad {
			bytesOf[rune(b)] = byte(b)
		} else {
			bytesOf[next] = byte(b)
			next++
		}
	}
	var tokens [][]byte
	for _, s := range regexp.MustCompile("(?s:.)\x00{7}").Split(list, -1)[2:] {
		var text []byte
		for _, r := range s {
			b, ok := bytesOf[r]
			if !ok {
				text = nil
				break
			}
			text = append(text, b)
		}
		tokens = append(tokens, text)
	}
	if len(tokens) < 49_000 {
		t.Fatalf("%s: %d tokens", name, len(tokens))
	}
	v, err := NewVocabulary(append(tokens, nil), int32(len(tokens)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustCompile(t testing.TB, v *Vocabulary, c llm.Constraint) *Grammar {
	t.Helper()
	g, err := Compile(v, c)
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	return g
}

// accepts reports whether a whole text meets the grammar.
func accepts(g *Grammar, text string) bool {
	s, err := g.Start(1 << 30)
	if err != nil {
		return false
	}
	s, ok := s.Write([]byte(text))
	return ok && s.Done()
}

// generate answers with a random model, and checks at each step what the
// documentation of Allowed says.
func generate(t testing.TB, g *Grammar, limit int, seed uint64) string {
	t.Helper()
	v := g.vocab
	rng := rand.New(rand.NewPCG(seed, 1))
	// Depending on the seed, the model prefers some tokens, or avoids the end.
	bias := make([]float32, v.Size())
	for i := range bias {
		bias[i] = float32(rng.NormFloat64()) * 2 * float32(seed%3)
	}
	for _, end := range v.ends {
		bias[end] += float32(seed%4)*4 - 6
	}
	logits := make([]float32, v.Size())
	s, err := g.Start(limit)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for left := limit; ; left-- {
		if s.Need() > left {
			t.Fatalf("%q: needs %d tokens, has %d", out, s.Need(), left)
		}
		m := s.Allowed(left)
		if left == 0 || m.Count() == 0 {
			break
		}
		for i := range logits {
			logits[i] = bias[i] + float32(rng.NormFloat64())
		}
		id := m.Best(logits)
		if !m.Has(id) {
			t.Fatalf("%q: %d is not in the mask", out, id)
		}
		forced := s.Forced()
		var ok bool
		if s, ok = s.Advance(id); !ok {
			t.Fatalf("%q: Advance refuses the allowed token %d %q", out, id, v.tokens[id])
		}
		if id == v.ends[0] {
			break
		}
		out = append(out, v.tokens[id]...)
		if n := min(len(forced), len(v.tokens[id])); string(forced[:n]) != string(v.tokens[id][:n]) {
			t.Fatalf("%q: forced %q, but %q is allowed", out, forced, v.tokens[id])
		}
	}
	if !s.Done() {
		t.Fatalf("%q: not complete after %d tokens", out, limit)
	}
	return string(out)
}
