package tokenizer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// goldens reads the digests that other libraries gave. The keys are the name of a case and the
// number of lines so far; see testdata/make_json.py.
func goldens(t *testing.T) map[string]map[int]string {
	file, err := os.Open("testdata/goldens.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := map[string]map[int]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 3 {
			continue
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		if all[fields[0]] == nil {
			all[fields[0]] = map[int]string{}
		}
		all[fields[0]][n] = fields[2]
	}
	return all
}

const goldenPart = 500 // lines of one digest

// compare compares the results of do for lines with the golden digests of a case.
func compare(t *testing.T, want map[string]map[int]string, name string, lines iter.Seq[string], do func(line string) string) {
	t.Helper()
	count, compared := 0, 0
	var digest hash.Hash
	check := func() {
		if got := hex.EncodeToString(digest.Sum(nil))[:16]; got != want[name][count] {
			t.Errorf("%s: one of the %d lines up to line %d differs", name, goldenPart, count)
		}
		digest = nil
		compared++
	}
	for line := range lines {
		if digest == nil {
			digest = sha256.New()
		}
		digest.Write([]byte(do(line) + "\n"))
		if count++; count%goldenPart == 0 {
			check()
		}
	}
	if digest != nil {
		check()
	}
	if compared != len(want[name]) || compared == 0 {
		t.Errorf("%s: %d digests were compared, expected %d", name, compared, len(want[name]))
	}
}

func idsOf(tok *Tokenizer) func(string) string {
	var ids []int32
	var text []byte
	return func(line string) string {
		ids, text = tok.Append(ids[:0], line), text[:0]
		for i, id := range ids {
			if i > 0 {
				text = append(text, ' ')
			}
			text = strconv.AppendInt(text, int64(id), 10)
		}
		return string(text)
	}
}

func mixedLines(seed uint64, count int) iter.Seq[string] {
	return func(yield func(string) bool) {
		m := &mixed{seed}
		for range count {
			if !yield(m.line()) {
				return
			}
		}
	}
}

// codePoints returns lines with all code points below last, joined in different ways.
func codePoints(last rune) iter.Seq[string] {
	var points []string
	for c := range last {
		if c < 0xd800 || c >= 0xe000 {
			points = append(points, string(c))
		}
	}
	return func(yield func(string) bool) {
		for some := range slices.Chunk(points, 64) {
			if !yield(strings.Join(some, " ")) || !yield("e"+strings.Join(some, "e")) || !yield(strings.Join(some, "")) {
				return
			}
		}
	}
}

// withoutNewScripts returns the lines without characters of scripts that were recently added to
// Unicode, because the tables of the library tokenizers are older than those of Go.
func withoutNewScripts(lines iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range lines {
			isNew := func(r rune) bool {
				return 0x11000 <= r && r < 0x12000 || 0x870 <= r && r < 0x900 || 0x10780 <= r && r < 0x107c0
			}
			if !strings.ContainsFunc(line, isNew) && !yield(line) {
				return
			}
		}
	}
}

func sharedLines(t *testing.T, name string) iter.Seq[string] {
	return slices.Values(strings.Split(string(readFile(t, testkit.Data(t, name))), "\n"))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// open reads a tokenizer.json or a file of SentencePiece.
func open(t testing.TB, path string) *Tokenizer {
	t.Helper()
	read := ReadJSON
	if filepath.Ext(path) == ".model" {
		read = ReadSentencePiece
	}
	tok, err := read(path, readFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

const flanJSON = "models/flan-t5-small/tokenizer.json"

func TestFlanT5EqualsTokenizers(t *testing.T) {
	tok := open(t, testkit.Data(t, flanJSON))
	want := goldens(t)
	compare(t, want, "flan-t5", mixedLines(1, 25000), idsOf(tok))
	compare(t, want, "flan-t5-points", codePoints(0x30000), idsOf(tok))
	long := []string{(&mixed{2}).long(1<<20, true), (&mixed{3}).long(1<<20, false), strings.Repeat("a", 1<<20), strings.Repeat(" ", 1<<20)}
	compare(t, want, "flan-t5-long", slices.Values(long), idsOf(tok))
	for _, name := range []string{
		"data/sentencepiece/botchan.txt", "data/uci-sentiment/amazon_cells_labelled.txt", "data/wnut17/emerging.dev.conll",
		"data/scitldr/dev.jsonl", "data/restaurant8k/test.json",
	} {
		compare(t, want, "flan-t5:"+name, sharedLines(t, name), idsOf(tok))
	}

	prefix, suffix := tok.Affixes()
	if len(prefix) != 0 || !slices.Equal(suffix, []int32{1}) || !tok.AddEOS || tok.EOS != 1 || tok.AddBOS {
		t.Errorf("prefix %v, suffix %v, EOS %d", prefix, suffix, tok.EOS)
	}
	if id, ok := tok.Lookup("<extra_id_0>"); !ok || id != 32099 || !tok.IsControl(id) || tok.Bytes(id) != "" || tok.Size() != 32100 {
		t.Errorf("<extra_id_0> is %d of %d", id, tok.Size())
	}
	for text, want := range map[string]string{
		"It is a good test.": "It is a good test.", "  a  b ": "a b ", "ﬁne １２": "fine 12", "日本": "", "</s>": "/s>", // "<" is unknown
	} {
		ids := tok.Encode(text)
		if got := tok.Decode(ids); got != want || slices.Contains(ids, 1) {
			t.Errorf("%q has the ids %v and was decoded as %q", text, ids, got)
		}
	}
}

func TestSentencePieceModels(t *testing.T) {
	want := goldens(t)
	for _, name := range []string{"test_model", "test_ja_model"} {
		tok := open(t, testkit.Data(t, "data/sentencepiece/"+name+".model"))
		compare(t, want, name, mixedLines(4, 2000), idsOf(tok))
		compare(t, want, name+":data/sentencepiece/botchan.txt", sharedLines(t, "data/sentencepiece/botchan.txt"), idsOf(tok))
	}
	compare(t, want, "spiece", mixedLines(4, 2000), idsOf(open(t, testkit.Data(t, "models/flan-t5-small/spiece.model"))))
}

// These are the cases of SentencePiece's own tests.
func TestSentencePieceCases(t *testing.T) {
	for _, c := range []struct {
		model string
		size  int
		text  string
	}{
		{"test_model", 1000, "I saw a girl with a telescope."},
		{"test_ja_model", 8000, "清水寺は京都にある。"},
	} {
		tok := open(t, testkit.Data(t, "data/sentencepiece/"+c.model+".model"))
		if tok.Size() != c.size || tok.BOS != 1 || tok.EOS != 2 {
			t.Errorf("%s: size %d, BOS %d, EOS %d", c.model, tok.Size(), tok.BOS, tok.EOS)
		}
		for want, s := range []string{"<unk>", "<s>", "</s>"} {
			if id, ok := tok.Lookup(s); !ok || int(id) != want || !tok.IsControl(id) {
				t.Errorf("%s: %s is %d", c.model, s, id)
			}
		}
		if got := tok.Decode(tok.Encode(c.text)); got != c.text {
			t.Errorf("%s: %q was decoded as %q", c.model, c.text, got)
		}
	}
}

// The small tokenizers of testdata, one of each kind.
func TestSmallTokenizers(t *testing.T) {
	want := goldens(t)
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json"} {
		compare(t, want, name, mixedLines(5, 2000), idsOf(open(t, "testdata/"+name)))
	}
	for _, name := range []string{"unigram.model", "pieces.model"} {
		compare(t, want, name, mixedLines(6, 2000), idsOf(open(t, "testdata/"+name)))
	}
}

// The small tokenizers with other steps: every type of step that common models use.
func TestVariants(t *testing.T) {
	want := goldens(t)
	var variants []struct {
		Name, Base string
		Set        map[string]json.RawMessage
	}
	if err := json.Unmarshal(readFile(t, "testdata/variants.json"), &variants); err != nil {
		t.Fatal(err)
	}
	for _, v := range variants {
		tok, err := ReadJSON(v.Name, withSettings(t, readFile(t, "testdata/"+v.Base), v.Set))
		if err != nil {
			t.Error(err)
			continue
		}
		if v.Base == "wordpiece.json" {
			compare(t, want, "tokens:"+v.Name, oldLines(mixedLines(8, 1000)), tokensOf(tok))
			compare(t, want, "sequences:"+v.Name, oldLines(mixedLines(10, 200)), sequencesOf(tok))
			continue
		}
		compare(t, want, "tokens:"+v.Name, withoutNewScripts(withoutShifts(mixedLines(8, 1000))), tokensOf(tok))
		compare(t, want, "variant:"+v.Name, withoutNewScripts(mixedLines(8, 1000)), idsOf(tok))
		compare(t, want, "decoded:"+v.Name, decodable(mixedLines(8, 1000)), func(line string) string { return tok.Decode(tok.Encode(line)) })
	}
}

// withSettings replaces settings of a tokenizer.json, or of its model.
func withSettings(t *testing.T, file []byte, set map[string]json.RawMessage) []byte {
	var whole, model map[string]json.RawMessage
	if err := json.Unmarshal(file, &whole); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(whole["model"], &model); err != nil {
		t.Fatal(err)
	}
	for key, value := range set {
		if key != "model" {
			whole[key] = value
		} else if err := json.Unmarshal(value, &model); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if whole["model"], err = json.Marshal(model); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decodable returns the lines with only ASCII characters, which the small vocabularies all have,
// and no digits.
func decodable(lines iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range lines {
			if !strings.ContainsFunc(line, func(r rune) bool { return r > 127 || '0' <= r && r <= '9' }) && !yield(line) {
				return
			}
		}
	}
}

func TestSplitRules(t *testing.T) {
	want := goldens(t)
	for _, name := range []string{"gpt-2", "llama-bpe", "qwen2", "smollm", "default"} {
		words := func(line string) string {
			var all []string
			preTokenizers[name](plain(line), true, func(w aligned) { all = append(all, w.s) })
			return strings.Join(all, "\x00")
		}
		compare(t, want, "split:"+name, withoutNewScripts(mixedLines(7, 4000)), words)
		compare(t, want, "split-points:"+name, codePoints(0x3000), words)
	}
}

// Encoding takes near-linear time. With a quadratic algorithm this test takes hours.
func TestLongTextsOfAllKinds(t *testing.T) {
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json", "wordpiece.json", "unigram.model", "pieces.model"} {
		tok := open(t, "testdata/"+name)
		for what, text := range map[string]string{
			"no spaces":     strings.Repeat("thetokenis", 1<<19/10),
			"one letter":    strings.Repeat("e", 1<<19),
			"spaces":        strings.Repeat(" ", 1<<19),
			"marks":         strings.Repeat(spaceMark, 1<<19/3),
			"mixed":         (&mixed{8}).long(1<<19, false),
			"accents":       "e" + strings.Repeat("\u0301", 1<<19),
			"no characters": strings.Repeat("\x80", 1<<18),
			"special":       strings.Repeat("<use", 1<<18),
		} {
			if got := tok.Count(text); got == 0 && what != "spaces" && what != "marks" && what != "no characters" { // these may be removed
				t.Errorf("%s: no tokens of %s", name, what)
			}
		}
	}
}
