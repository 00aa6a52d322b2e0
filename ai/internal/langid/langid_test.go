package langid

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// golden holds the first article of the Universal Declaration of Human Rights in the
// languages of the model, each with its code and the answer of py3langid, which has
// the model before it was reduced. make.py wrote it.
func golden(t testing.TB) [][]string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", "golden.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(strings.ReplaceAll(string(file), "\r\n", "\n")) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

func detect(t testing.TB, text string) (string, float64) {
	t.Helper()
	code, probability, err := Detect(text)
	if err != nil {
		t.Fatal(err)
	}
	return code, probability
}

func TestLanguages(t *testing.T) {
	rows := golden(t)
	right, same := 0, 0
	for _, r := range rows {
		code, p := detect(t, r[2])
		if code == r[0] {
			right++
		} else {
			t.Logf("%s: %s %v", r[0], code, p)
		}
		if code == r[1] {
			same++
		}
	}
	if n := len(rows); n < 100 || right < n-4 || same < n-4 {
		t.Errorf("%d of %d right, %d as py3langid", right, n, same)
	}
}

func TestShortTexts(t *testing.T) {
	for text, want := range map[string]string{
		"Das ist ein guter Test.": "de", "THIS IS A GOOD TEST": "en", "C'est un bon test.": "fr", "Esta es una buena prueba": "es",
		"これはテストです": "ja", "这是一个测试": "zh", "이것은 시험이다": "ko", "Это хороший тест": "ru", "นี่คือการทดสอบ": "th", "זה מבחן": "he",
		"Guten Tag 😀 123": "de", "e\u0301te\u0301 en France, c'est bien": "fr",
		// No language.
		"": "", "  \n": "", "12:30, 4.5 %": "", "😀👍🏽": "", "!?…": "", "http://example.com/a/b": "",
	} {
		code, p := detect(t, text)
		if code != want || (p > 0) != (code != "") || p > 1 || p != math.Round(p*1e4)/1e4 {
			t.Errorf("%q: %s %v, want %q", text, code, p, want)
		}
	}
	if _, p := detect(t, "ok"); p > 0.5 {
		t.Errorf("the probability of a word of two letters is %v", p)
	}
}

// The answer to a text does not depend on others, of which counts might remain, and
// on calls at the same time.
func TestIndependent(t *testing.T) {
	rows := golden(t)
	type answer struct {
		code string
		p    float64
	}
	alone := make([]answer, len(rows))
	for i, r := range rows {
		alone[i].code, alone[i].p = detect(t, r[2])
	}
	var wait sync.WaitGroup
	for shift := range 4 {
		wait.Go(func() {
			for k := range rows {
				i := (k*7 + shift) % len(rows)
				if code, p, err := Detect(rows[i][2]); err != nil || (answer{code, p}) != alone[i] {
					t.Errorf("row %d: %s %v %v, and alone %v", i, code, p, err, alone[i])
				}
			}
		})
	}
	wait.Wait()
}

func TestLongText(t *testing.T) {
	text := strings.Repeat("It is a good test for Spark. ", 5<<20/29)
	if code, p := detect(t, text); code != "en" || p < 0.9 {
		t.Errorf("%s %v", code, p)
	}
}

func TestDamagedModel(t *testing.T) {
	if _, err := read(packed[:len(packed)/2]); !errors.Is(err, errModel) {
		t.Errorf("half of a model: %v", err)
	}
	if _, err := read(nil); !errors.Is(err, errModel) {
		t.Errorf("no model: %v", err)
	}
}

func FuzzDetect(f *testing.F) {
	for _, text := range []string{"Das ist ein Test", "\xff\xfea b", "ΑΒΓ", "İ", "a\u0301\u0301\u0301", "12", "ﬀ ǅ"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, p := detect(t, text)
		if (code == "") != (p == 0) || p < 0 || p > 1 || code != "" && len(code) != 2 || !utf8.ValidString(code) {
			t.Errorf("%q: %q %v", text, code, p)
		}
		if again, q := detect(t, text); again != code || q != p {
			t.Errorf("%q: %q %v, then %q %v", text, code, p, again, q)
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	text := "The quick brown fox jumps over the lazy dog, and then it runs back into the dark forest."
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, _, err := Detect(text); err != nil {
			b.Fatal(err)
		}
	}
}
