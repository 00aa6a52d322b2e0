package files

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// The dialect of a CSV file is detected, or set by the options.
func TestDialects(t *testing.T) {
	const xy = "a int64, b utf8\n1|\"x\"\n2|\"y\""
	for _, c := range []struct {
		what, content string
		o             ReadOptions
		want          string
	}{
		{"returns", "a,b\r1,x\r2,y\r", ReadOptions{}, xy},
		{"returns, without the last", "a,b\r1,x\r2,y", ReadOptions{}, xy},
		{"returns, and quotes over lines", "a,b\r1,\"x\r\nz\"\r2,\"y\"\r", ReadOptions{}, "a int64, b utf8\n1|\"x\\r\\nz\"\n2|\"y\""},
		{"a return within a cell", "a,b\n1,x\ry\n2,y\n", ReadOptions{}, "a int64, b utf8\n1|\"x\\ry\"\n2|\"y\""},
		{"lines ended twice", "a,b\r\r\n1,x\r\r\n2,\"y\"\r\r\n", ReadOptions{}, xy},
		{"semicolons", "a;b\n1;x, z\n2;y\n", ReadOptions{}, "a int64, b utf8\n1|\"x, z\"\n2|\"y\""},
		{"decimal commas", "a;b\n1;2,5\n2;3,5\n", ReadOptions{}, "a int64, b utf8\n1|\"2,5\"\n2|\"3,5\""},
		{"tabs", "a\tb\n1\tx\n2\ty\n", ReadOptions{}, xy},
		{"bars", "a|b\n1|x\n2|y\n", ReadOptions{}, xy},
		{"a sentence with semicolons", "text\nhello; world\nbye\n", ReadOptions{}, "text utf8\n\"hello; world\"\n\"bye\""},
		{"one column", "text\nx\ny\n", ReadOptions{}, "text utf8\n\"x\"\n\"y\""},
		{"in doubt, commas", "a;b,c\n1;x,2\n", ReadOptions{}, "a;b utf8, c int64\n\"1;x\"|2"},
		{"two that could be", "a;b|c\n1;x|2\n", ReadOptions{}, "a;b|c utf8\n\"1;x|2\""},
		{"said to Excel", "sep=;\r\na;b\r\n1;x\r\n2;y\r\n", ReadOptions{}, xy},
		{"said to Excel, and named", "sep=;\na;b\n1;x\n2;y\n", ReadOptions{Delimiter: ";"}, xy},
		{"said to Excel, and named otherwise", "sep=;\n1\n", ReadOptions{Delimiter: ","}, "sep=; int64\n1"},
		{"Spark's quotes", "a,b\n1,\"say \\\"hi\\\", ok\"\n2,back\\slash\n", ReadOptions{}, "a int64, b utf8\n1|\"say \\\"hi\\\", ok\"\n2|\"back\\\\slash\""},
		{"Spark's quotes, named", "a,b\n1,\"x\\\"\"\n2,\"\\\\y\\z\"\n", ReadOptions{Escape: `\`}, "a int64, b utf8\n1|\"x\\\"\"\n2|\"\\\\y\\\\z\""},
		{"a path is no escape", "a,b\n1,\"C:\\dir\\\"\n2,\"x\"\n", ReadOptions{}, "a int64, b utf8\n1|\"C:\\\\dir\\\\\"\n2|\"x\""},
		{"single quotes", "a,b\n1,'x, ''z'''\n2,'y'\n", ReadOptions{}, "a int64, b utf8\n1|\"x, 'z'\"\n2|\"y\""},
		{"an apostrophe is no quote", "a,b\n1,'tis\n2,y\n", ReadOptions{}, "a int64, b utf8\n1|\"'tis\"\n2|\"y\""},
		{"no quotes", "a\tb\n1\t\"x\n2\t5\" pipe\n", ReadOptions{}, "a int64, b utf8\n1|\"\\\"x\"\n2|\"5\\\" pipe\""},
		{"quote, named", "a,b\n1,'x'\n2,$y,z$\n", ReadOptions{Quote: "$"}, "a int64, b utf8\n1|\"'x'\"\n2|\"y,z\""},
		{"no quotes, named", "a,b\n1,\"x\"\n", ReadOptions{Quote: None}, "a int64, b utf8\n1|\"\\\"x\\\"\""},
		{"long delimiter", "a||b\n1||x|\n2||y\n", ReadOptions{Delimiter: "||"}, "a int64, b utf8\n1|\"x|\"\n2|\"y\""},
		{"delimiter beyond ASCII", "a§b\n1§x\n2§y\n", ReadOptions{Delimiter: "§"}, xy},
		{"comments", "# about\na,b\n#1,z\n1,x\n2,y\n# end", ReadOptions{Comment: "#"}, xy},
		{"a comment sign in quotes", "a,b\n1,x\n\"#2\",y\n", ReadOptions{Comment: "#"}, "a utf8, b utf8\n\"1\"|\"x\"\n\"#2\"|\"y\""},
		{"skipped lines", "title\n\na,b\n1,x\n2,y\n", ReadOptions{Skip: 2}, xy},
		{"skipped lines before semicolons", "a, title, with, commas\na;b\n1;x\n2;y\n", ReadOptions{Skip: 1}, xy},
		{"NULL", "a,b\nNA,x\n2,\\N\n3,\"NA\"\n", ReadOptions{Null: []string{"NA", `\N`}}, "a int64, b utf8\nnull|\"x\"\n2|null\n3|null"},
		{"an empty number in quotes", "a,b\n\"\",x\n2,\"\"\n", ReadOptions{}, "a int64, b utf8\nnull|\"x\"\n2|\"\""},
	} {
		for _, rows := range []int{1, 1024} {
			c.o.Rows = rows
			if got, err := table(t, save(t, "a.csv", c.content), c.o); err != nil || got != c.want {
				t.Errorf("%s: %v\ngot  %s\nwant %s", c.what, err, got, c.want)
			}
			o := c.o
			o.Format, o.Stdin = CSV, slow{strings.NewReader(c.content)}
			if got, err := table(t, "-", o); err != nil || got != c.want {
				t.Errorf("%s from standard input: %v\ngot  %s\nwant %s", c.what, err, got, c.want)
			}
		}
	}
	// Spark's quotes are detected even if the first one is late in the file.
	content := "a,b\n" + strings.Repeat("1,\"x, y\"\n", sniffed/8) + "2,\"say \\\"hi\\\"\"\n"
	got, err := table(t, save(t, "late.csv", content), ReadOptions{})
	if err != nil || !strings.HasSuffix(got, "\n2|\"say \\\"hi\\\"\"") {
		t.Errorf("%v: ...%s", err, got[max(0, len(got)-40):])
	}
	for _, c := range []struct {
		o    ReadOptions
		want string
	}{
		{ReadOptions{Delimiter: "\n"}, "it ends a line"},
		{ReadOptions{Quote: "''"}, "one ASCII character is needed"},
		{ReadOptions{Delimiter: `"`}, `"\"" cannot be both the delimiter and the quote of CSV`},
		{ReadOptions{Quote: "'", Comment: "'"}, "cannot be both the comment and the quote of CSV"},
		{ReadOptions{Encoding: "utf-9"}, `unknown encoding "utf-9"; write utf-8`},
	} {
		if _, err := Open(t.Context(), save(t, "a.csv", "a\n"), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}

// Every text format accepts carriage returns as line ends.
func TestLineEndsOfTextFormats(t *testing.T) {
	for name, content := range map[string]string{"a.txt": "x\ry\r", "a.tsv": "value\rx\ry", "a.jsonl": "{\"value\": \"x\"}\r{\"value\": \"y\"}\r"} {
		if got, err := table(t, save(t, name, content), ReadOptions{}); err != nil || got != "value utf8\n\"x\"\n\"y\"" {
			t.Errorf("%s: %v: %s", name, err, got)
		}
	}
}

// With the option Safe, cells that a spreadsheet would evaluate as formulas are
// written with an apostrophe. Numbers are written unchanged.
func TestSafeEscapesFormulas(t *testing.T) {
	batch := textBatch(t, `["=1+1", "+x", "-cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\rx", "\nx", "＝1", "-", "+", "-1-1", "+49 170", "-e5",
		"-5", "+5", "-0.5", "-007", "1e3", "-1.5E+10", "a=b", " =1", "", null, "'=1", "\"=1\""]`)
	want := "value\n'=1+1\n'+x\n'-cmd|' /C calc'!A0\n'@SUM(1)\n'\t=1\n\"'\rx\"\n\"'\nx\"\n'＝1\n'-\n'+\n'-1-1\n'+49 170\n'-e5\n" +
		"-5\n+5\n-0.5\n-007\n1e3\n-1.5E+10\na=b\n =1\n\"\"\n\n'=1\n\"\"\"=1\"\"\"\n"
	var safe, plain bytes.Buffer
	write(t, "-", WriteOptions{Format: CSV, Safe: true, Stdout: &safe}, batch)
	if safe.String() != want {
		t.Errorf("got  %q\nwant %q", safe.String(), want)
	}
	write(t, "-", WriteOptions{Format: CSV, Stdout: &plain}, batch)
	if !strings.HasPrefix(plain.String(), "value\n=1+1\n+x\n") {
		t.Errorf("without the option: %q", plain.String())
	}
}

// Inputs from past bug reports are read correctly.
func TestSharedCases(t *testing.T) {
	for name, want := range map[string]string{
		"cr.csv": "id int64, t utf8\n1|\"a@b.com\"\n2|\"x\"",
		"spark_default_quotes.csv": "id int64, t utf8, f double\n1|\"say \\\"hi\\\", ok\"|1.0\n2|\"back\\\\slash\"|2.0\n3|\"x\"|3.5\n4|\"\"|1.0E10\n5|null|null\n" +
			"6|\"line1\\nline2\"|0.1",
		"floats.jsonl": "f double, g double, e utf8, n double, p double, t utf8\n0.1|1.0|1e400|-0.0|1.10|\"a\"\n100.0|2|1E5|0|2.20|\"b\"",
		"pretty.json":  "t utf8, n int64\n\"a\"|1\n\"b\"|2",
	} {
		path := testkit.Data(t, filepath.Join("cases", "files", name))
		got, err := table(t, path, ReadOptions{To: JSON})
		if got = strings.ReplaceAll(got, "float64", "double"); err != nil || got != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, want)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
