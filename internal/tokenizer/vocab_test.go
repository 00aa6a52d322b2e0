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

// The vocabularies lie there as text: each byte that is no UTF-8 was replaced
// by U+FFFD, which spoils some numbers and no token. So they cannot be read as
// GGUF; damaged reads their lists of strings in spite of it.
type damaged struct{ data []byte }

// unit reads one byte; ok is false where it is lost.
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

// length reads a length below 512: its first byte may be lost.
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

// strings reads the list of strings under a key, up to the next key.
func (d *damaged) strings(t *testing.T, key string) []string {
	at := bytes.Index(d.data, append(binary.LittleEndian.AppendUint64(nil, uint64(len(key))), key...))
	if at < 0 {
		t.Fatalf("no key %q", key)
	}
	d.data = d.data[at+8+len(key)+8:] // and the two types
	// The count: two bytes, of which one or both are lost, and six of zero;
	// then the length of the first string.
	d.data = d.data[bytes.Index(d.data, make([]byte, 6)):]
	d.data = bytes.TrimLeft(d.data, "\x00")
	var list []string
	for len(d.data) > 0 {
		n, known, _ := d.length()
		if !known { // 128 to 255: the one after which a length stands
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

func TestVocabulariesOfOthers(t *testing.T) {
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

// llama2 adds what the numbers of Llama 2's vocabulary, which are lost, say:
// three special tokens, one for each byte, and the others in the order of
// their merges; those of several spaces come last of all.
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
