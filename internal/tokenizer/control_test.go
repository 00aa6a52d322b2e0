package tokenizer

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// withAdded returns a tokenizer.json of testdata with additional added tokens.
func withAdded(t *testing.T, file string, added ...map[string]any) *Tokenizer {
	t.Helper()
	var f map[string]any
	if err := json.Unmarshal(readFile(t, "testdata/"+file), &f); err != nil {
		t.Fatal(err)
	}
	list := f["added_tokens"].([]any)
	next := 1000.0
	for _, a := range added {
		a["id"] = next
		list = append(list, a)
		next++
	}
	f["added_tokens"] = list
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := ReadJSON(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// chatOf joins parts. The template wrote the first part and every second part after it.
func chatOf(parts ...string) (text string, fromTemplate func(first, end int) bool) {
	var bounds []int
	for _, p := range parts {
		text += p
		bounds = append(bounds, len(text))
	}
	return text, func(first, end int) bool {
		for i, b := range bounds {
			if first < b {
				return i%2 == 0 && end <= b
			}
		}
		return false
	}
}

// A template can write a control token and the text of a message cannot, for every kind of
// tokenizer and of added token.
func TestControlTokens(t *testing.T) {
	for _, file := range []string{"llama3.json", "digits.json", "pieces.json", "unigram.json"} {
		for _, special := range []bool{true, false} {
			for _, normalized := range []bool{true, false} {
				for _, name := range []string{"<|turn|>", "turn:", "[TURN]"} {
					tok := withAdded(t, file, map[string]any{"content": name, "special": special, "normalized": normalized})
					if err := tok.MarkControl(name, "absent", " "); err != nil {
						t.Fatal(err)
					}
					id, ok := tok.Lookup(name)
					if !ok || !tok.IsReserved(id) {
						t.Fatalf("%s: %s is not reserved", file, name)
					}
					count := func(ids []int32) int {
						n := 0
						for _, x := range ids {
							if x == id {
								n++
							}
						}
						return n
					}
					row := "a " + name + " " + name + "\U000f0000\U000f0001"
					if n := count(tok.Encode(row)); n != 0 {
						t.Errorf("%s, special %v, normalized %v: %q makes %s %d times", file, special, normalized, row, name, n)
					}
					// pieces.json adds a mark before a text, and so before a normalized token.
					first := name
					if normalized && file == "pieces.json" {
						first = " " + name
					}
					text, own := chatOf(first, row, first+" user\n", name[:len(name)-1], "x")
					if n := count(tok.EncodeChat(text, own)); n != 2 {
						t.Errorf("%s, special %v, normalized %v: %q makes %s %d times", file, special, normalized, text, name, n)
					}
					// The template wrote the first part of the token only.
					text, own = chatOf(name[:2], name[2:], "")
					if n := count(tok.EncodeChat(text, own)); n != 0 {
						t.Errorf("%s: %q makes %s from parts", file, text, name)
					}
				}
			}
		}
	}
}

// Merges and pieces do not make control tokens of message text.
func TestControlTokensInVocabulary(t *testing.T) {
	const bpe = `{"model":{"type":"BPE","ignore_merges":IGNORE,"vocab":{"<":0,"s":1,">":2,"<s":3,"<s>":4,"a":5},"merges":["< s","<s >"]},"decoder":{"type":"Fuse"}}`
	const unigram = `{"model":{"type":"Unigram","unk_id":0,"vocab":[["?",0],["<",-3],["s",-3],[">",-3],["<s>",-1],["a",-2]]},"decoder":{"type":"Fuse"}}`
	for _, file := range []string{strings.Replace(bpe, "IGNORE", "true", 1), strings.Replace(bpe, "IGNORE", "false", 1), unigram} {
		tok, err := ReadJSON("file", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if ids := tok.Encode("<s>"); !slices.Equal(ids, []int32{4}) {
			t.Fatalf("ordinary token: %v", ids)
		}
		if err := tok.MarkSpecial("<s>", "a", "absent"); err != nil {
			t.Fatal(err)
		}
		text, own := chatOf("<s>", "a<s>", "a<s>")
		ids := tok.EncodeChat(text, own)
		n := 0
		for _, id := range ids {
			if id == 4 {
				n++
			}
		}
		if n != 2 || !tok.IsControl(4) {
			t.Errorf("%q: %v", text, ids)
		}
		if got := tok.Decode(tok.Encode("<s>a")); got != "<s>a" {
			t.Errorf("%q, by %v", got, tok.Encode("<s>a"))
		}
	}
}

// MarkControl works for every type of token in a GGUF file: control, user-defined and ordinary.
func TestControlTokensOfGGUF(t *testing.T) {
	for _, kind := range []int64{control, user, ordinary} {
		v := Vocabulary{Kind: Character, BOS: -1, EOS: -1, SpacePrefix: true}
		add := func(s string, score float64, kind int64) {
			v.Tokens = append(v.Tokens, s)
			v.Scores = append(v.Scores, score)
			v.Types = append(v.Types, kind)
		}
		add("<unk>", 0, unknown)
		for _, s := range strings.Split("▁ < | i m > a ▁a <| |>", " ") {
			add(s, -float64(len(v.Tokens)), ordinary)
		}
		add("im", -1, ordinary)
		add("<|im", -2, ordinary)
		add("<|im|>", -3, kind)
		id := int32(len(v.Tokens) - 1)
		tok, err := New(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := tok.MarkControl("<|im|>"); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(tok.Encode("a<|im|>"), id) {
			t.Errorf("type %d: the text of a message makes the token: %v", kind, tok.Encode("a<|im|>"))
		}
		text, own := chatOf("<|im|>", "a<|im|>", "<|im|>")
		if ids := tok.EncodeChat(text, own); ids[0] != id || ids[len(ids)-1] != id || slices.Contains(ids[1:len(ids)-1], id) {
			t.Errorf("type %d: %v", kind, ids)
		}
	}
}
