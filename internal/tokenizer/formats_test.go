package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
)

// A GGUF file and a file of SentencePiece with the same vocabulary give the same tokens.
func TestGGUFEqualsSentencePiece(t *testing.T) {
	for name, kind := range map[string]string{"unigram": "t5", "pieces": "llama"} {
		model := readFile(t, "testdata/"+name+".model")
		v, err := readSentencePiece(model)
		if err != nil {
			t.Fatal(err)
		}
		b := gguftest.New()
		b.Set("tokenizer.ggml.model", kind).Set("tokenizer.ggml.tokens", v.Tokens)
		scores := make([]float32, len(v.Scores))
		types := make([]int32, len(v.Types))
		for i := range scores {
			scores[i], types[i] = float32(v.Scores[i]), int32(v.Types[i])
		}
		b.Set("tokenizer.ggml.scores", scores).Set("tokenizer.ggml.token_type", types)
		b.Set("tokenizer.ggml.bos_token_id", uint32(1)).Set("tokenizer.ggml.eos_token_id", uint32(2))
		b.Set("tokenizer.ggml.remove_extra_whitespaces", v.DropSpaces)
		if len(v.Charsmap) > 0 {
			var signed []int32
			for _, c := range v.Charsmap {
				signed = append(signed, int32(int8(c)))
			}
			b.Set("tokenizer.ggml.precompiled_charsmap", signed)
		}
		file, err := gguf.Read("test.gguf", b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		tok, err := ReadGGUF(file)
		if err != nil {
			t.Fatal(err)
		}
		if tok.AddBOS != (kind == "llama") || tok.AddEOS != (kind == "t5") {
			t.Errorf("%s: BOS %v, EOS %v", kind, tok.AddBOS, tok.AddEOS)
		}
		other := open(t, "testdata/"+name+".model")
		for line := range mixedLines(9, 200) {
			if got, want := tok.Encode(line), other.Encode(line); !slices.Equal(got, want) {
				t.Fatalf("%s: %q\n got %v\nwant %v", kind, line, got, want)
			}
		}
	}
}

// A setting that is not supported is an error that names it.
func TestUnsupportedSettings(t *testing.T) {
	for _, c := range []struct{ base, set, want string }{
		{"pieces.json", `{"model": {"type": "WordLevel"}}`, `type "WordLevel"`},
		{"pieces.json", `{"model": {"dropout": 0.1}}`, "dropout"},
		{"pieces.json", `{"model": {"end_of_word_suffix": "</w>"}}`, "end_of_word_suffix"},
		{"pieces.json", `{"model": {"merges": ["qq zz"]}}`, "merge 0"},
		{"pieces.json", `{"model": {"merges": [["a", "a"]]}}`, "is not a token"},
		{"pieces.json", `{"model": {"unk_token": "nobody"}}`, `"nobody" is not in the vocabulary`},
		{"pieces.json", `{"model": {"vocab": {"a": 4000000}}}`, "id 4000000"},
		{"pieces.json", `{"model": {"vocab": {"a": -1}}}`, "id -1"},
		{"pieces.json", `{"model": {"vocab": {"a": 0}, "merges": []}}`, "no token <0x00>"},
		{"pieces.json", `{"model": {"type": "WordPiece", "unk_token": "nobody"}}`, `"nobody" is not in the vocabulary`},
		{"pieces.json", `{"decoder": {"type": "CTC"}}`, `type "CTC"`},
		{"pieces.json", `{"decoder": {"type": "Strip", "content": " ", "start": 2, "stop": 0}}`, "Strip"},
		{"pieces.json", `{"decoder": {"type": "ByteLevel"}}`, "has the type ByteLevel; both or neither"},
		{"pieces.json", `{"normalizer": {"type": "Nmt"}}`, `type "Nmt"`},
		{"pieces.json", `{"normalizer": {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}}`, `"\\s+"`},
		{"pieces.json", `{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}}`, "truncated"},
		{"pieces.json", `{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}}`, "4294967295"},
		{"pieces.json", `{"pre_tokenizer": {"type": "UnicodeScripts"}}`, `type "UnicodeScripts"`},
		{"pieces.json", `{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated", "invert": false}}`, `expression "\\w+"`},
		{"pieces.json", `{"pre_tokenizer": {"type": "Metaspace", "replacement": "", "prepend_scheme": "always"}}`, "expected one character"},
		{"pieces.json", `{"post_processor": {"type": "BertProcessing"}}`, "cls of the post_processor"},
		{"pieces.json", `{"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {}}}`, `adds "x"`},
		{"pieces.json", `{"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}], "special_tokens": {"x": {"ids": [99999]}}}}`, "token 99999"},
		{"pieces.json", `{"added_tokens": [{"id": 99999, "content": "x"}]}`, "id 99999"},
		{"pieces.json", `{"added_tokens": [{"id": 1, "content": "` + strings.Repeat("x", 2000) + `"}]}`, "2000 bytes"},
		{"unigram.json", `{"model": {"unk_id": null}}`, "unk_id"},
		{"unigram.json", `{"model": {"unk_id": 100000}}`, "unk_id is 100000"},
		{"unigram.json", `{"model": {"vocab": [["a", 1e39]]}}`, "score"},
		{"unigram.json", `{"model": {"vocab": [["a"]]}}`, "not a token with its score"},
		{"unigram.json", `{"model": {"vocab": {"a": 1}}}`, "vocab"},
	} {
		var set map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.set), &set); err != nil {
			t.Fatal(err)
		}
		_, err := ReadJSON("file", withSettings(t, readFile(t, "testdata/"+c.base), set))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "file: ") {
			t.Errorf("%s: want %q, got %v", c.set, c.want, err)
		}
	}
}

// The bytes of a token are what Decode adds for it after another token.
func TestBytes(t *testing.T) {
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json", "unigram.model", "pieces.model"} {
		tok := open(t, "testdata/"+name)
		for line := range mixedLines(10, 100) {
			ids := append(tok.Encode("x"), tok.Encode(line)...)
			text := "x"
			for _, id := range ids[len(tok.Encode("x")):] {
				text += tok.Bytes(id)
			}
			if got := tok.Decode(ids); got != strings.ToValidUTF8(text, "\uFFFD") {
				t.Errorf("%s: %q was decoded as %q", name, text, got)
			}
		}
		for id := range int32(tok.Size()) {
			if tok.IsControl(id) && tok.Bytes(id) != "" {
				t.Errorf("%s: the control token %d has the text %q", name, id, tok.Bytes(id))
			}
		}
		if !tok.IsControl(-1) || !tok.IsControl(int32(tok.Size())) {
			t.Errorf("%s: an id that does not exist is not a control token", name)
		}
	}
}

// Concurrent calls share the cache of words.
func TestConcurrentUse(t *testing.T) {
	tok := open(t, "testdata/llama3.json")
	want := idsOf(open(t, "testdata/llama3.json"))("the first text, and the second one")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			encode := idsOf(tok)
			for line := range mixedLines(14, 200) {
				encode(line)
				if got := encode("the first text, and the second one"); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
	group.Wait()
}

// checkText checks properties that hold for every text.
func checkText(t *testing.T, tok *Tokenizer, text string, limit int) {
	ids := tok.Encode(text)
	for _, id := range ids {
		if id < 0 || int(id) >= tok.Size() {
			t.Fatalf("%q gave the id %d, of %d", text, id, tok.Size())
		}
	}
	// A decoded text stays the same when it is encoded and decoded again.
	once := tok.Decode(ids)
	checkTokens(t, tok, text)
	if n := tok.Count(text); n != len(ids) {
		t.Errorf("%q: counted %d tokens of %d", text, n, len(ids))
	}
	cut, short := tok.Cut(text, limit)
	if !strings.HasPrefix(text, cut) || short != (cut != text) || tok.Count(cut) > max(limit, 0) && cut != "" {
		t.Errorf("%q to %d: %q, %v", text, limit, cut, short)
	}
	if twice := tok.Decode(tok.Encode(once)); tok.lead == leadKeep && twice != once && tok.normal == nil {
		t.Errorf("%q was decoded as %q, and then as %q", text, once, twice)
	}
}

// FuzzKinds encodes any text with every kind of tokenizer.
func FuzzKinds(f *testing.F) {
	var toks []*Tokenizer
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json", "unigram.model", "pieces.model", "wordpiece.json"} {
		toks = append(toks, open(f, "testdata/"+name))
	}
	f.Add("hello  <user> WORD</s> é\u0301 ½\r\n", 3)
	f.Add("\xff\x80 \x00▁▁<0x41>", 1)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		for i, tok := range toks {
			checkText(t, tok, text, limit)
			for _, id := range tok.Encode(text) {
				if s, _ := tok.Lookup("</s>"); i < 2 && id == s {
					t.Errorf("%q gave the control token %d", text, id)
				}
			}
		}
		// This tokenizer loses nothing of valid UTF-8.
		pieces := toks[1]
		if got, want := pieces.Decode(pieces.Encode(text)), strings.ReplaceAll(validUTF8(plain(text)).s, spaceMark, " "); got != want {
			t.Errorf("%q was decoded as %q", text, got)
		}
	})
}

// FuzzReadJSON checks that any bytes are a working tokenizer or an error.
func FuzzReadJSON(f *testing.F) {
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "wordpiece.json"} {
		f.Add(readFile(f, "testdata/"+name))
	}
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"decoder":{"type":"Fuse"},"added_tokens":[{"id":3,"content":"x","normalized":true}]}`))
	f.Add([]byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["",0],["a",-1]]},"decoder":{"type":"Metaspace","replacement":"_"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := ReadJSON("file", data); err == nil {
			checkText(t, tok, "a b  ab\x00é\xff x", 2)
		}
	})
}

func FuzzReadSentencePiece(f *testing.F) {
	for _, name := range []string{"unigram.model", "pieces.model"} {
		f.Add(readFile(f, "testdata/"+name))
	}
	f.Add([]byte("\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x80\xbf"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := ReadSentencePiece("file", data); err == nil {
			checkText(t, tok, "a b  ab\x00é\xff x", 2)
		}
	})
}

func FuzzCharsmap(f *testing.F) {
	v, err := readSentencePiece(readFile(f, "testdata/unigram.model"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Charsmap, "Aé e\u0301\r\n")
	small, _ := base64.StdEncoding.DecodeString("CAAAAAAEAABhAAAAYgA=")
	f.Add(small, "ab")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		text = validUTF8(plain(text)).s
		for _, clusters := range []bool{false, true} {
			m, err := newCharsmap(data, clusters)
			if err != nil {
				return
			}
			// An entry replaces at least one character by a text of the map.
			if got := m.normalize(plain(text)).s; len(got) > len(text)*(1+len(data)) {
				t.Errorf("%d bytes became %d", len(text), len(got))
			}
		}
	})
}
