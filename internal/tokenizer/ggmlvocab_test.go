package tokenizer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// damaged reads GGUF vocabularies that were stored as text: each byte that is not valid UTF-8 was
// replaced by U+FFFD. This damaged some numbers but no tokens, so the lists of strings can be read.
type damaged struct{ data []byte }

// unit reads one byte. ok is false if it was replaced.
func (d *damaged) unit() (b byte, ok bool) {
	if rest, lost := bytes.CutPrefix(d.data, []byte("\uFFFD")); lost {
		d.data = rest
		return 0, false
	}
	if len(d.data) == 0 {
		return 0, false
	}
	b, d.data = d.data[0], d.data[1:]
	return b, true
}

// length reads a length below 512. Its first byte may be unknown.
func (d *damaged) length() (n int, known, plausible bool) {
	low, known := d.unit()
	high, _ := d.unit()
	plausible = high <= 1
	for range 6 {
		b, ok := d.unit()
		plausible = plausible && ok && b == 0
	}
	return int(high)<<8 + int(low), known, plausible
}

// strings reads the list of strings of a key. The list ends at the next key.
func (d *damaged) strings(t *testing.T, key string) []string {
	at := bytes.Index(d.data, append(binary.LittleEndian.AppendUint64(nil, uint64(len(key))), key...))
	if at < 0 {
		t.Fatalf("no key %q", key)
	}
	d.data = d.data[at+8+len(key)+8:] // skip the two types
	// The count has two bytes, of which at least one was replaced, and six zero bytes. The length
	// of the first string follows.
	d.data = d.data[bytes.Index(d.data, make([]byte, 6)):]
	d.data = bytes.TrimLeft(d.data, "\x00")
	var list []string
	for len(d.data) > 0 {
		n, known, _ := d.length()
		if !known { // 128 to 255: try lengths until a plausible length follows
			for n += 128; n&255 != 255; n++ {
				next := damaged{d.data[n:]}
				if _, _, ok := next.length(); ok {
					break
				}
			}
		}
		s := string(d.data[:n])
		if strings.HasPrefix(s, "tokenizer.ggml.") {
			break
		}
		d.data = d.data[n:]
		list = append(list, s)
	}
	return list
}

func TestVocabulariesEqualLlamaCpp(t *testing.T) {
	for name, size := range map[string]int{"gpt-2": 50257, "starcoder": 49152, "llama-spm": 32000} {
		base := "data/vocab/ggml-vocab-" + name + ".gguf"
		data := readFile(t, testkit.Data(t, base))
		v := Vocabulary{Pre: name, BOS: -1, EOS: -1}
		v.Tokens = (&damaged{data}).strings(t, "tokenizer.ggml.tokens")
		if len(v.Tokens) != size {
			t.Fatalf("%s: %d tokens, want %d", name, len(v.Tokens), size)
		}
		if name == "llama-spm" {
			v = llama2(v.Tokens)
		} else {
			v.Merges = (&damaged{data}).strings(t, "tokenizer.ggml.merges")
		}
		tok, err := New(v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		texts := strings.Split(string(readFile(t, testkit.Data(t, base+".inp"))), "\n__ggml_vocab_test__\n")
		lines := strings.Split(string(readFile(t, testkit.Data(t, base+".out"))), "\n")
		for i, text := range texts[:len(texts)-1] {
			var want []int32
			for _, f := range strings.Fields(lines[i]) {
				n, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, int32(n))
			}
			got := tok.Encode(text)
			if !slices.Equal(got, want) {
				t.Errorf("%s %q:\n got %v\nwant %v", name, text, got, want)
			}
			if decoded := tok.Decode(got); decoded != text {
				t.Errorf("%s %q was decoded as %q", name, text, decoded)
			}
		}
	}
}

// llama2 adds the numbers of Llama 2's vocabulary, which are damaged: three special tokens, one
// token for each byte, and the others in the order of their merges. Tokens of several spaces are
// last.
func llama2(tokens []string) Vocabulary {
	v := Vocabulary{Kind: Character, Tokens: tokens, BOS: 1, EOS: 2, AddBOS: true, SpacePrefix: true}
	for i := range tokens {
		kind, score := int64(ordinary), 0.0
		switch {
		case i == 0:
			kind = unknown
		case i < 3:
			kind = control
		case i < 259:
			kind = byteType
		case strings.HasPrefix(tokens[i], spaceMark+spaceMark) && strings.Trim(tokens[i], spaceMark) == "":
			score = -1e9
		default:
			score = float64(259 - i)
		}
		v.Types = append(v.Types, kind)
		v.Scores = append(v.Scores, score)
	}
	return v
}
