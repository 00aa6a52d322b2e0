package eval

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/files"
)

// joined writes rows as input|label; for each row.
func joined(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(textOrNull(r.Input) + "|" + textOrNull(r.Label) + ";")
	}
	return b.String()
}

const table = "n,text,mood\n1,\"a, \"\"b\"\"\",positive\n2,,\n3,c é,1.50\n"

// TestFormats reads one table in every format and compression of package files,
// and from standard input.
func TestFormats(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "source.csv")
	if err := os.WriteFile(source, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t.csv", "t.tsv", "t.jsonl", "t.json", "t.parquet", "t.csv.gz", "t.csv.zst", "t.tsv.gz", "t.jsonl.gz", "t.jsonl.zst"} {
		path := filepath.Join(dir, name)
		convert(t, source, path, "")
		rows, err := ReadFile(t.Context(), File{Path: path, Input: "text", Label: "mood"})
		if want := `a, "b"|positive;(NULL)|(NULL);c é|1.50;`; err != nil || joined(rows) != want {
			t.Errorf("%s: %s, %v, want %s", name, joined(rows), err, want)
		}
	}
	stdin := File{Path: "-", Options: files.ReadOptions{Format: files.CSV, Stdin: strings.NewReader(table)}, Input: "n", Label: "TEXT", Limit: new(int64(2))}
	rows, err := ReadFile(t.Context(), stdin)
	if want := `1|a, "b";2|(NULL);`; err != nil || joined(rows) != want || rows[1].Number != 2 {
		t.Errorf("standard input: %s, %v, want %s", joined(rows), err, want)
	}
}

// convert writes the rows of a file to another. The format is that of the name if
// it is empty.
func convert(t *testing.T, from, to string, format files.Format) {
	t.Helper()
	r, err := files.Open(t.Context(), from, files.ReadOptions{Format: format, AllText: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := files.Create(to, r.Schema(), files.WriteOptions{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for {
		batch, err := r.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(batch)
		batch.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		format   files.Format
		content  string
		headless bool
		want     string
	}{
		{files.CSV, "\ufefftext,label\r\n\"a, \"\"b\"\"\",x\r\n,\r\n", false, `a, "b"|x;(NULL)|(NULL);`},
		{files.CSV, "n,Label, text\n1,x,a\n", false, "a|x;"},
		{files.TSV, "\"quoted\" start\t1\r\n\nb\t0", true, `"quoted" start|1;b|0;`},
		{files.JSON, " \n[{\"text\": \"a\", \"label\": null}, {\"text\": 1.5, \"label\": {\"k\": [true]}}]", false, `a|(NULL);1.5|{"k": [true]};`},
		{files.JSON, "{\"text\": [\"a.\", \"b.\"], \"label\": [\"x\", \"y\"]}\n\n{\"text\": \"c\", \"label\": \"z\"}", false, `a. b.|["x", "y"];c|z;`},
		{files.JSON, "{\"text\": 1.0, \"label\": true}{\"text\": NaN, \"label\": \"\"}", false, "1.0|true;NaN|;"},
	} {
		f := File{Path: "-", Input: "text", Label: "label", Options: files.ReadOptions{Format: c.format, NoHeader: c.headless, Stdin: strings.NewReader(c.content)}}
		if c.headless {
			f.Input, f.Label = "1", "2"
		}
		if rows, err := ReadFile(t.Context(), f); err != nil || joined(rows) != c.want {
			t.Errorf("%s %q: %s, %v, want %s", c.format, c.content, joined(rows), err, c.want)
		}
	}
}

func TestMembersOfJSON(t *testing.T) {
	const content = `{"a": {"b": {"c": "x"}, "d.e": "y"}, "f.g": {"h": "z"}}` + "\n" + `{"a": 1, "f.g": null}`
	read := func(input, label string) (string, error) {
		rows, err := ReadFile(t.Context(), File{Path: "-", Input: input, Label: label, Options: files.ReadOptions{Format: files.JSON, Stdin: strings.NewReader(content)}})
		return joined(rows), err
	}
	if got, err := read("a.b.c", "f.g.h"); err != nil || got != "x|z;(NULL)|(NULL);" {
		t.Errorf("got %s, %v", got, err)
	}
	var missing *ColumnError
	if _, err := read("a", "b.c"); !errors.As(err, &missing) || missing.Role != "label" || missing.Name != "b.c" || strings.Join(missing.Columns, " ") != "a f.g" {
		t.Errorf("got %v", err)
	}
}

func TestCoNLL(t *testing.T) {
	const content = "\nin\tO\nNew\tB-place\nYork\tI-place\n\n\nZoë x B-person\nLee x I-person\nin x I-place\n"
	const want = `in New York|[{"label":"place","start":3,"end":11}];Zoë Lee in|[{"label":"person","start":0,"end":7},{"label":"place","start":8,"end":10}];`
	dir := t.TempDir()
	plain := filepath.Join(dir, "t.txt")
	if err := os.WriteFile(plain, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t.conll.txt", "t.conll.gz", "t.conll.zst"} {
		path := filepath.Join(dir, name)
		convert(t, plain, path, files.Text)
		rows, err := ReadFile(t.Context(), File{Path: path, CoNLL: true})
		if err != nil || joined(rows) != want {
			t.Errorf("%s: %s, %v, want %s", name, joined(rows), err, want)
		}
	}
	rows, err := ReadFile(t.Context(), File{Path: plain, CoNLL: true, Limit: new(int64(1))})
	if err != nil || len(rows) != 1 {
		t.Errorf("with a limit of one row: %d, %v", len(rows), err)
	}
	if err := os.WriteFile(plain, []byte("Ann B-person\nalone\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(t.Context(), File{Path: plain, CoNLL: true}); err == nil || !strings.Contains(err.Error(), "t.txt, line 2: [5 characters hidden] has no tag") {
		t.Errorf("a word without a tag: %v", err)
	}
	for path, want := range map[string]bool{"a.conll": true, "a.CONLL.gz": true, "a.conll.zst": true, "a.csv": false, "conll": false} {
		if got := IsCoNLL(path, ""); got != want {
			t.Errorf("%s is CoNLL: %v", path, got)
		}
	}
	if !IsCoNLL("a.txt", "CoNLL") || IsCoNLL("a.conll", "csv") {
		t.Error("the format is not that of the option")
	}
}

func FuzzReadFile(f *testing.F) {
	for _, format := range []string{"csv", "tsv", "json", "conll"} {
		f.Add(format, "text,label\na,b\n")
	}
	f.Add("json", `[{"text": "a", "label": {"b": 1}}`)
	f.Add("conll", "a O\n\nb B-x\n")
	f.Fuzz(func(t *testing.T, format, content string) {
		o := files.ReadOptions{Stdin: strings.NewReader(content)}
		conll := IsCoNLL("-", format)
		if !conll {
			var err error
			if o.Format, err = files.ParseFormat(format); err != nil || o.Format == files.Parquet {
				return
			}
		}
		rows, err := ReadFile(t.Context(), File{Path: "-", Options: o, CoNLL: conll, Input: "text", Label: "label"})
		if err == nil && len(rows) > len(content) {
			t.Fatalf("%d rows of %d bytes", len(rows), len(content))
		}
	})
}
