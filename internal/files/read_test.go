package files

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/gzip"

	"github.com/firesteel/firesteel/internal/sensitive"
)

func save(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// table reads a file and shows it: the schema, then each row as JSON.
func table(t testing.TB, path string, o ReadOptions) (string, error) {
	t.Helper()
	o.Allocator = checked(t)
	r, err := Open(t.Context(), path, o)
	if err != nil {
		return "", err
	}
	defer r.Close()
	var b strings.Builder
	for i, f := range r.Schema().Fields() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name + " " + f.Type.String())
	}
	batch, err := readUntil(r)
	if err != nil {
		return b.String(), err
	}
	if batch == nil {
		return b.String(), nil
	}
	defer batch.Release()
	for i := range int(batch.NumRows()) {
		line := []byte("\n")
		for k, a := range batch.Columns() {
			if k > 0 {
				line = append(line, '|')
			}
			if line, err = appendValue(line, a, i); err != nil {
				return "", err
			}
		}
		b.Write(line)
	}
	return b.String(), nil
}

func TestRead(t *testing.T) {
	types := func(pairs ...string) map[string]arrow.DataType {
		m := map[string]arrow.DataType{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]], _ = ParseType(pairs[i+1])
		}
		return m
	}
	for _, c := range []struct {
		name, content string
		o             ReadOptions
		want          string
	}{
		{"a.csv", "a,b\n1,x\n2,\"y, \"\"z\"\"\nw\"\n", ReadOptions{}, "a int64, b utf8\n1|\"x\"\n2|\"y, \\\"z\\\"\\nw\""},
		{"crlf.csv", "\xef\xbb\xbfa,b\r\n1,\"x\"\r\n\r\n2,y", ReadOptions{}, "a int64, b utf8\n1|\"x\"\n2|\"y\""},
		{"null.csv", "a,b\n,\"\"\n1,\n", ReadOptions{}, "a int64, b utf8\nnull|\"\"\n1|null"},
		{"one.csv", "a\n1\n\n\"2\"\n", ReadOptions{}, "a int64\n1\nnull\n2"},
		{"bare.csv", "a,b\n5\" pipe,it's \"so\"\n", ReadOptions{}, "a utf8, b utf8\n\"5\\\" pipe\"|\"it's \\\"so\\\"\""},
		{"empty.csv", "a,b\n", ReadOptions{}, "a utf8, b utf8"},
		{"names.csv", ",b\n1,2\n", ReadOptions{}, "_c0 int64, b int64\n1|2"},
		{"none.csv", "1,x\n2,y\n", ReadOptions{NoHeader: true}, "_c0 int64, _c1 utf8\n1|\"x\"\n2|\"y\""},
		{"semi.csv", "a;b\n1;x\n", ReadOptions{Delimiter: ";"}, "a int64, b utf8\n1|\"x\""},
		{"a.tsv", "a\tb\n1\tx,y\n", ReadOptions{}, "a int64, b utf8\n1|\"x,y\""},
		{"text.csv", "a\n1\n", ReadOptions{AllText: true}, "a utf8\n\"1\""},
		{"given.csv", "a,b\n007,1\n", ReadOptions{Types: types("a", "INT", "b", "double")}, "a int32, b float64\n7|1"},
		{"quoted.csv", "a\n\"\"\n", ReadOptions{Types: types("a", "INT")}, "a int32\nnull"},
		{"a.jsonl", `{"a": 1, "b": "x"}` + "\n\n" + ` {"b": null, "c": [1, 2.5]} `, ReadOptions{}, "a int64, b utf8, c list<item: float64, nullable>\n1|\"x\"|null\nnull|null|[1,2.5]"},
		{"o.jsonl", `{"o": {"p": {"q": true}}}` + "\n" + `{"o": {"r": "\u00e4\n"}}`, ReadOptions{},
			"o struct<p: struct<q: bool nullable> nullable, r: utf8 nullable>\n{\"p\":{\"q\":true},\"r\":null}\n{\"p\":null,\"r\":\"ä\\n\"}"},
		{"mixed.jsonl", `{"a": 1}` + "\n" + `{"a": "x"}` + "\n" + `{"a": {"k": [ 1 ]}}`, ReadOptions{}, "a utf8\n\"1\"\n\"x\"\n\"{\\\"k\\\": [ 1 ]}\""},
		{"digits.jsonl", `{"a": 0.12345678901234567890, "b": 12345678901234567890, "c": 9007199254740993, "d": -0}` + "\n" + `{"c": 0.5, "d": 1e2}`, ReadOptions{},
			"a decimal(38, 20), b decimal(38, 0), c decimal(38, 1), d float64\n0.12345678901234567890|12345678901234567890|9007199254740993.0|-0\nnull|null|0.5|100"},
		{"empty.jsonl", `{"a": {}, "b": [], "c": null}`, ReadOptions{}, "a utf8, b list<item: utf8, nullable>, c utf8\n\"{}\"|[]|null"},
		{"array.json", "[\n {\"a\": 1},\n {\"a\": \"]},{\\\"\"}\n]\n", ReadOptions{}, "a utf8\n\"1\"\n\"]},{\\\"\""},
		{"given.jsonl", `{"a": "5"}` + "\n" + `{"a": 6, "z": "2026-01-31"}`, ReadOptions{Types: types("a", "INT", "z", "DATE")}, "a int32, z date32\n5|null\n6|\"2026-01-31\""},
		{"text.jsonl", `{"a": 1}`, ReadOptions{AllText: true}, "a utf8\n\"1\""},
		{"a.txt", "x\r\n\ny", ReadOptions{}, "value utf8\n\"x\"\n\"\"\n\"y\""},
		{"empty.txt", "", ReadOptions{}, "value utf8"},
		{"other", "a\n1\n", ReadOptions{Format: CSV}, "a int64\n1"},
	} {
		for _, rows := range []int{1, 1024} {
			c.o.Rows = rows
			got, err := table(t, save(t, c.name, c.content), c.o)
			if err != nil || got != c.want {
				t.Errorf("%s: %v\ngot  %s\nwant %s", c.name, err, got, c.want)
			}
			// Standard input gives the same, whatever it is read by.
			o := c.o
			o.Stdin = slow{strings.NewReader(c.content)}
			if o.Format, _, err = formatOf(c.name, o.Format, false); err != nil {
				t.Fatal(err)
			}
			if got, err := table(t, "-", o); err != nil || got != c.want {
				t.Errorf("%s from standard input: %v\ngot  %s\nwant %s", c.name, err, got, c.want)
			}
		}
	}
}

// slow is a Reader that returns one byte at a time.
type slow struct{ io.Reader }

func (s slow) Read(b []byte) (int, error) { return s.Reader.Read(b[:min(1, len(b))]) }

// The inferred type keeps the value of every cell. A CSV file that is written as CSV
// again has the same bytes.
func TestInference(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"1 -5 0 9223372036854775807", "int64"}, {"-9223372036854775808", "int64"},
		{"9223372036854775808", "decimal(38, 0)"}, {"1 12345678901234567890", "decimal(38, 0)"}, {"12345678901234567890123456789012345678", "decimal(38, 0)"},
		{"123456789012345678901234567890123456789", "utf8"},
		{"007", "utf8"}, {"+5", "utf8"}, {"00", "utf8"}, {"00.5", "utf8"}, {"1_000", "utf8"}, {"0x1f", "utf8"}, {"1 x", "utf8"}, {"1 -", "utf8"}, {"--1", "utf8"},
		{"1.50 2.25 -0.01", "decimal(38, 2)"}, {"1.50 2.5", "decimal(38, 2)"}, {"1.0 1.10", "decimal(38, 2)"}, {"1 2.50", "decimal(38, 2)"},
		{"1.5 2.25", "double"}, {"1 2.5", "double"}, {"1.0 2.25", "double"}, {"1 1.0", "double"}, {"1.5 0.12345678901234567890", "decimal(38, 20)"},
		{"1.0E10 2.5", "double"}, {"1e3", "double"}, {"1 1E5", "double"}, {"1e-05 2", "double"}, {"-0", "double"}, {"-0.0 1", "double"}, {"0.1 -1.5e-300", "double"},
		{"1e400 1", "utf8"}, {"1e-400 1", "utf8"}, {"1e5 9007199254740993", "utf8"}, {"1e 5", "utf8"}, {"1e5x", "utf8"}, {"e5", "utf8"},
		{".5 1", "double"}, {"5. 1", "double"}, {".", "utf8"}, {"1.5 NaN -inf", "double"}, {"NaN", "utf8"}, {"nan inf", "utf8"},
		{"true false", "bool"}, {"True", "utf8"}, {"true 1", "utf8"},
		{"2026-01-31", "utf8"},
	} {
		content := "c,id\n" + strings.Join(strings.Fields(c.values), ",1\n") + ",1\n"
		path := save(t, "x.csv", content)
		for _, to := range []Format{CSV, Parquet} {
			r, err := Open(t.Context(), path, ReadOptions{To: to})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(r.Schema().Field(0).Type.String(), "float64", "double"); got != c.want {
				t.Errorf("%s: %s, want %s", c.values, got, c.want)
			}
			batch := readAll(t, r)
			if to == CSV {
				out := filepath.Join(t.TempDir(), "out.csv")
				write(t, out, WriteOptions{}, batch)
				if again, _ := os.ReadFile(out); string(again) != content {
					t.Errorf("%q came back as %q", content, again)
				}
			}
			r.Close()
		}
	}
}

// Errors state the place and what to do.
func TestReadErrors(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, "a,b\n"+strings.Repeat("1,x\n", 100000))
	z.Close()
	for _, c := range []struct {
		name, content, want string
		o                   ReadOptions
	}{
		{"a.csv", "a,b\n1,2\n3\n", "a.csv, line 3: the row has 1 cell, but the first line has 2", ReadOptions{}},
		{"a.csv", "a,b\n1,\"x\ny\n", `a.csv, line 2, column b: the opening quote is not closed; write a quote within the text twice`, ReadOptions{}},
		{"a.csv", "a,b\n\"x\"y,2\n\"x\",3\n", `a.csv, line 2, column a: a character other than a delimiter follows the closing quote`, ReadOptions{}},
		{"a.csv", "a,b\n1,\xe9\n", "a.csv, line 2, column b: byte 0xE9 at offset 0 is not valid UTF-8: give the encoding of the file, such as windows-1252", ReadOptions{}},
		{"a.csv", "", "a.csv is empty: it must have a first line with column names", ReadOptions{}},
		{"a.csv", "a,a\n", `duplicate column name "a"; rename one`, ReadOptions{}},
		{"a.csv", "a\nx\n", `a.csv, line 2, column a: "x" is not a valid INT`, ReadOptions{Types: map[string]arrow.DataType{"a": arrow.PrimitiveTypes.Int32}}},
		{"a.csv", "a\nx\n", `has no column "b", for which a type is given; its columns are a`, ReadOptions{Types: map[string]arrow.DataType{"b": arrow.PrimitiveTypes.Int32}}},
		{"a.csv", "PAR1....", "is a Parquet file, but its name does not end in .parquet", ReadOptions{}},
		{"a.csv.gz", zipped.String() + "more", "bytes that are not gzip follow", ReadOptions{}},
		{"a.csv.gz", "a,b\n", "is not a gzip file", ReadOptions{}},
		{"a.csv.gz", zipped.String()[:zipped.Len()-9], "it is truncated", ReadOptions{}},
		{"a.csv.zst", "a,b\n", "decompressing ", ReadOptions{}},
		{"a.csv.bz2", "a,b\n", "decompressing ", ReadOptions{}},
		{"a.csv.bz2", bzipped2[:len(bzipped2)-9], "it is truncated", ReadOptions{}},
		{"a.csv.xz", "a,b\n", "a.csv.xz: after 4 bytes: it is truncated", ReadOptions{}},
		{"a.csv.xz", "a,b\n1234567890\n", "a.csv.xz: after 15 bytes: it is not xz", ReadOptions{}},
		{"a.csv.xz", xzed3 + "more", "a.csv.xz: after 208 bytes: it is truncated", ReadOptions{}},
		{"a.csv.xz", xzed3[:len(xzed3)-9], "a.csv.xz: after 195 bytes: it is truncated", ReadOptions{}},
		{"a.csv.xz", xzedLarge, "its dictionary has more than 128 MiB", ReadOptions{}},
		{"a.orc", "ORC", "a.orc is ORC, which only Spark reads and writes: run on Spark", ReadOptions{}},
		{"a.csv", "a\n" + strings.Repeat("x", 100000), "line 2, column a: the row is longer than 0 MiB", ReadOptions{MaxRow: 1000}},
		{"a.csv", "a\n\"" + strings.Repeat("x", 100000), "line 2, column a: the opening quote is not closed", ReadOptions{MaxRow: 1000}},
		{"a.jsonl", "{\"a\": 1}\n{\"a\": \n", "a.jsonl, line 2: the object is truncated at the end of the file", ReadOptions{}},
		{"a.jsonl", "{\"a\": 1}\n[1]\n", "a.jsonl, line 2: \"1\" is not a JSON object; a row is an object such as", ReadOptions{}},
		{"a.jsonl", "1\n", "has no JSON object in its first rows", ReadOptions{}},
		{"a.json", "[{\"a\": 1}, {\"a\"", "line 1: the array of objects that begins here is not closed", ReadOptions{}},
		{"a.json", "[{\"a\": 1}] x", `line 1: "x" is not a JSON object`, ReadOptions{}},
		{"a.jsonl", "{\"a\": [\"x\"]}", `column a: "[\"x\"]" is not a valid INT`, ReadOptions{Types: map[string]arrow.DataType{"a": arrow.PrimitiveTypes.Int32}}},
		{"a.txt", "x\n\xff\n", "a.txt, line 2: byte 0xFF", ReadOptions{}},
		{"a.parquet", "hello, world", "is not a Parquet file: it does not begin with PAR1", ReadOptions{}},
		{"a.parquet", "PAR1hello, world", "is a damaged or incomplete Parquet file", ReadOptions{}},
		{"a.parquet.gz", "", "Parquet files have their own compression; remove .gz", ReadOptions{}},
		{"a.dat", "", "does not show its format: use .csv", ReadOptions{}},
	} {
		got, err := table(t, save(t, c.name, c.content), c.o)
		if err == nil || !strings.Contains(sensitive.Shown(err), c.want) {
			t.Errorf("%s %.20q: %v (%q), want %q", c.name, c.content, err, got, c.want)
		}
	}
	dir := filepath.Dir(save(t, "reviews.csv", "a\n"))
	for path, want := range map[string]string{
		filepath.Join(dir, "Reviews.csv"):     "did you mean " + filepath.Join(dir, "reviews.csv") + "?",
		filepath.Join(dir, "reviews.parquet"): "did you mean " + filepath.Join(dir, "reviews.csv") + "?",
		filepath.Join(dir, "no", "x.csv"):     "does not exist",
	} {
		if _, err := Open(t.Context(), path, ReadOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := Open(t.Context(), "-", ReadOptions{Format: Parquet}); err == nil || !strings.Contains(err.Error(), "save it to a file") {
		t.Errorf("Parquet from standard input: %v", err)
	}
}

// Values that come after the first MiB of standard input, and are of another
// form, pass through to formats of text; for Parquet their column has a type that
// holds them all.
func TestBeyondSample(t *testing.T) {
	const long = `"b": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"`
	for _, c := range []struct {
		format           Format
		begin, row, last string
		written          string // the last line of CSV
		typed            string // column a, and its last value
		need             string // what is wrong if a's values are needed
		sample           string // what is wrong if the first part tells the types
	}{
		{CSV, "a,b\n", "1,yyyyyyyyyyyyyyyyyyyy\n", "2.5,x\n", "2.5,x", "double 2.5", `line 45602, column a: "2.5" is not a valid BIGINT`, `column a: "2.5" is not a valid BIGINT`},
		{CSV, "a,b\n", "1,yyyyyyyyyyyyyyyyyyyy\n", "007,x\n", "007,x", `utf8 "007"`, `column a: "007" is not a valid BIGINT, the type inferred from`, `"007" is not a valid BIGINT`},
		{CSV, "a,b\n", "1.50,yyyyyyyyyyyyyyyyyyyy\n", "12.5,x\n", "12.5,x", "decimal(38, 2) 12.50", "", ""},
		{CSV, "a,b\n", "1.50,yyyyyyyyyyyyyyyyyyyy\n", "1.125,x\n", "1.125,x", "decimal(38, 3) 1.125", `"1.125" is not a valid DECIMAL(38,2)`, `"1.125" is not a valid DECIMAL(38,2)`},
		{CSV, "a,b\n", "1.5,yyyyyyyyyyyyyyyyyyyy\n2,y\n", "1e400,x\n", "1e400,x", `utf8 "1e400"`, `"1e400" is not a valid DOUBLE`, `"1e400" is not a valid DOUBLE`},
		{CSV, "a,b\n", "true,yyyyyyyyyyyyyyyyyyyy\n", "no,x\n", "no,x", `utf8 "no"`, `"no" is not a valid BOOLEAN`, `"no" is not a valid BOOLEAN`},
		{JSON, "", "{\"a\": 1, " + long + "}\n", "{\"a\": \"1\"}\n", "1,", `utf8 "1"`, `column a: "\"1\"" is not a valid BIGINT, the type inferred from`, `is not a valid BIGINT`},
		{JSON, "", "{\"a\": 1.5, " + long + "}\n", "{\"a\": 0.12345678901234567890}\n", "0.12345678901234567890,", "decimal(38, 20) 0.12345678901234567890", "cannot be represented exactly as DOUBLE", "cannot be represented exactly as DOUBLE"},
		{JSON, "", "{\"a\": {\"x\": 1}, " + long + "}\n", "{\"a\": {\"y\": 1}}\n", `"{""y"": 1}",`, `struct<x: int64 nullable, y: int64 nullable> {"x":null,"y":1}`, `column a: unknown key "y"`, `unknown key "y"`},
	} {
		content := c.begin + strings.Repeat(c.row, sampleOnce/len(c.row)+10) + c.last
		read := func(o ReadOptions, columns ...string) (schema, last string, bad []string) {
			o.Format, o.Stdin, o.Bad = c.format, strings.NewReader(content), func(b Bad) { bad = append(bad, sensitive.Shown(b.Reason)) }
			r, err := Open(t.Context(), "-", o)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			Need(r, columns)
			batch := readAll(t, r)
			defer batch.Release()
			var out bytes.Buffer
			f := CSV
			if o.To == "" {
				f = JSON
			}
			write(t, "-", WriteOptions{Format: f, Stdout: &out}, batch)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			return strings.ReplaceAll(r.Schema().Field(0).Type.String(), "float64", "double"), lines[len(lines)-1], bad
		}
		if _, last, bad := read(ReadOptions{To: CSV}); last != c.written || len(bad) > 0 {
			t.Errorf("%s is written as %s, want %s; %v", c.last, last, c.written, bad)
		}
		// What is needed is said to be missing, and written all the same.
		if _, last, bad := read(ReadOptions{To: CSV}, "a"); last != c.written || len(bad) != min(1, len(c.need)) || c.need != "" && !strings.Contains(bad[0], c.need) {
			t.Errorf("%s is needed, and written as %s, want %s; %v, want %q", c.last, last, c.written, bad, c.need)
		}
		kind, value, _ := strings.Cut(c.typed, " ")
		if strings.Contains(c.typed, "> ") {
			kind, value, _ = strings.Cut(c.typed, "> ")
			kind += ">"
		} else if strings.HasPrefix(c.typed, "decimal") {
			kind, value, _ = strings.Cut(c.typed, ") ")
			kind += ")"
		}
		if schema, last, bad := read(ReadOptions{}); schema != kind || !strings.HasPrefix(last, `{"a":`+value+`,`) || len(bad) > 0 {
			t.Errorf("%s is read as %s %s, want %s; %v", c.last, schema, last, c.typed, bad)
		}
		if _, last, bad := read(ReadOptions{Sample: true}); c.sample == "" && len(bad) > 0 ||
			c.sample != "" && (len(bad) != 1 || !strings.Contains(bad[0], c.sample) || !strings.HasPrefix(last, `{"a":null,"b":`)) {
			t.Errorf("by a sample, %s is read as %s; %v, want %q", c.last, last, bad, c.sample)
		}
	}
	late := strings.Repeat("{\"a\": 1, "+long+"}\n", sampleOnce/50) + "{\"a\": 2, \"c\": 1}\n"
	var bad []string
	got, err := table(t, "-", ReadOptions{Format: JSON, To: JSON, Stdin: strings.NewReader(late), Bad: func(b Bad) { bad = append(bad, sensitive.Shown(b.Reason)) }})
	if err != nil || !strings.HasSuffix(got, "\n2|null") || len(bad) != 1 || !strings.Contains(bad[0], `new key "c"`) {
		t.Errorf("a late key: %v, %v, ...%.20s", err, bad, got[max(0, len(got)-20):])
	}
}

// The readable cells of a malformed row are kept.
func TestBadRows(t *testing.T) {
	for _, c := range []struct {
		name, content, want string
		bad                 string // row:line of each
	}{
		{"a.csv", "a,b\n1,x\n2\n3,\"z\n4,y\n5,w,\n6,\"q\"u\n7,v\n", "a int64, b utf8\n1|\"x\"\n2|null\n3|null\n4|\"y\"\n5|\"w\"\n6|null\n7|\"v\"", "[1:3 2:4 4:6 5:7]"},
		{"byte.csv", "a,b,c\n1,\xff,x\n2,y,\xe4z\n", "a int64, b utf8, c utf8\n1|null|\"x\"\n2|\"y\"|null", "[0:2 1:3]"},
		{"more.csv", "a,b,c\n1,x,y\n2,q,\"x\",z\n3,\"q\"\n", "a int64, b utf8, c utf8\n1|\"x\"|\"y\"\n2|\"q\"|\"x\"\n3|\"q\"|null", "[1:3 2:4]"},
		// Where the cells after a broken one belong is known only if their number is right.
		{"shift.csv", "a,b,c\n1,\"x\",y\n2,\"q\"u,z\n3,\"q\"u,v,w\n", "a int64, b utf8, c utf8\n1|\"x\"|\"y\"\n2|null|\"z\"\n3|null|null", "[1:3 2:4]"},
		{"lines.csv", "a,b\n1,\"x\ny\"\n2,\"x\ny\"z\n3,w\n", "a int64, b utf8\n1|\"x\\ny\"\n2|null\nnull|null\n3|\"w\"", "[1:4 2:5]"},
		{"a.jsonl", "{\"a\": 1}\n{\n{\"a\": 2}\n\"x\"\n", "a int64\n1\nnull\n2\nnull", "[1:2 3:4]"},
		{"a.json", "[{\"a\": 1},\n{\"a\" 2}, 5,\n{\"a\": 3}]", "a int64\n1\nnull\nnull\n3", "[1:2 2:2]"},
		{"cut.jsonl", "{\"a\": 1, \"t\": \"x\"}\n{\"a\": 2, \"t\": \"y\", \"b\n{\"a\": 3, \"t\": \"z\"", "a int64, t utf8\n1|\"x\"\n2|\"y\"\n3|null", "[1:2 2:3]"},
		{"value.jsonl", "{\"a\": 1, \"t\": \"x\"}\n{\"a\": None, \"t\": \"y\"}\n{\"a\": 01, \"t\": \"\xff\"}\n{\"a\":, \"t\": \"\\x\"}\n{\"a\": nul, \"t\": \"a\tb\"}\n",
			"a int64, t utf8\n1|\"x\"\nnull|\"y\"\nnull|null\nnull|null\nnull|null", "[1:2 2:3 3:4 4:5]"},
		{"twice.jsonl", "{\"t\": \"first\", \"a\": 1, \"t\": \"second\"}\n{\"t\": null, \"t\": \"x\"}\n", "t utf8, a int64\n\"second\"|1\n\"x\"|null", "[0:1 1:2]"},
		{"after.jsonl", "{\"a\": 1} x {\n{\"a\": 2}}\n{\"a\": 3}, {\"a\": 4},\n", "a int64\n1\n2\n3\n4", "[0:1 1:2]"},
		{"pretty.json", "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": 1\n  }\n  \"d\": 3\n}\n{\n  \"a\": 2\n}\n", "a int64\n1\n2", "[0:1]"},
		{"open.json", "[\n{\"a\": 1},\n{\"a\": \"2},\n{\"a\": 3}\n]", "a int64\n1\nnull\n3", "[1:3]"},
		{"a.txt", "x\n\xff\ny\n", "value utf8\n\"x\"\nnull\n\"y\"", "[1:2]"},
	} {
		for _, rows := range []int{1, 2, 100} {
			var bad []string
			o := ReadOptions{Rows: rows, Bad: func(b Bad) {
				if !strings.Contains(b.Reason.Error(), fmt.Sprintf(", line %d", b.Line)) {
					t.Errorf("the reason does not say where: %v", b.Reason)
				}
				bad = append(bad, fmt.Sprintf("%d:%d", b.Row, b.Line))
			}}
			got, err := table(t, save(t, c.name, c.content), o)
			if err != nil || got != c.want || fmt.Sprint(bad) != c.bad {
				t.Errorf("%s: %v, bad rows %v, want %v\ngot  %s\nwant %s", c.name, err, bad, c.bad, got, c.want)
			}
			// However the bytes come, the rows are the same.
			bad, o.Stdin = nil, slow{strings.NewReader(c.content)}
			o.Format, _, _ = formatOf(c.name, "", false)
			if got, err := table(t, "-", o); err != nil || got != c.want || fmt.Sprint(bad) != c.bad {
				t.Errorf("%s from standard input: %v, bad rows %v, want %v\ngot  %s\nwant %s", c.name, err, bad, c.bad, got, c.want)
			}
		}
	}
}

// A batch ends at the limit of rows or of bytes. Rows before an error are returned
// before the error.
func TestBatches(t *testing.T) {
	content := "a,b\n" + strings.Repeat("1,"+strings.Repeat("x", 1000)+"\n", 100) + "oops\n"
	r, err := Open(t.Context(), save(t, "a.csv", content), ReadOptions{Rows: 30, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int64
	for {
		b, err := r.Next(t.Context())
		if err != nil {
			if !strings.Contains(err.Error(), "line 102") {
				t.Errorf("the error is %v", err)
			}
			if _, again := r.Next(t.Context()); again == nil || again.Error() != err.Error() {
				t.Errorf("after the error: %v", again)
			}
			break
		}
		sizes = append(sizes, b.NumRows())
		b.Release()
	}
	if fmt.Sprint(sizes) != "[30 30 30 10]" {
		t.Errorf("batches of %v rows", sizes)
	}
	r.Close()
	if r, err = Open(t.Context(), save(t, "a.csv", content), ReadOptions{Bytes: 10000}); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(t.Context())
	if err != nil || b.NumRows() != 10 {
		t.Errorf("a batch of 10000 bytes has %v rows of 1000, %v", b, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Next(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Next gives %v", err)
	}
}

func TestParseType(t *testing.T) {
	for text, want := range map[string]string{"string": "utf8", " Decimal( 10 , 2 ) ": "decimal(10, 2)", "decimal(5)": "decimal(5, 0)", "timestamp": "timestamp[us, tz=UTC]"} {
		if got, err := ParseType(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "text", "decimal(39,2)", "decimal(5,6)", "decimal(5,2", "decimal(x)", "decimal(-1,0)"} {
		if got, err := ParseType(text); err == nil || !strings.Contains(err.Error(), "write STRING") {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, f := range []string{"csv", "TSV", "json", "ndjson", "parquet", "txt", "text"} {
		if _, err := ParseFormat(f); err != nil {
			t.Error(err)
		}
	}
	if _, err := ParseFormat("xls"); err == nil {
		t.Error("xls is a format")
	}
}

// Progress follows the rows that are returned, even if the whole file is already in
// memory.
func TestProgress(t *testing.T) {
	for _, name := range []string{"a.csv", "a.jsonl", "a.txt", "a.csv.gz"} {
		text := strings.Repeat("\"some text\"\n", 101)
		if strings.Contains(name, "json") {
			text = strings.Repeat("{\"a\": \"some text\"}\n", 100)
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := io.WriteString(z, text); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".gz") {
			text = packed.String()
		}
		path := save(t, name, text)
		r, err := Open(t.Context(), path, ReadOptions{Rows: 10})
		if err != nil {
			t.Fatal(err)
		}
		for read := int64(0); ; {
			batch, err := r.Next(t.Context())
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			read += batch.NumRows()
			batch.Release()
			if done, total := r.Progress(); math.Abs(float64(done)/float64(total)-float64(read)/101) > 0.03 {
				t.Errorf("%s: after %d rows of 100 or 101, %d of %d bytes", name, read, done, total)
			}
		}
		r.Close()
	}
}

// bzipped2 is "a,b\n1,2\n" and "3,4\n" by the program bzip2, one after the other.
var bzipped2 = string(unhex("425a6839314159265359bf87407f00000359000010000430003000200030c00869b28823278bb9229c28485fc3a03f80" +
	"425a68393141592653592d9fe7360000015800001000040c002000219a68334d173c5dc914e14240b67f9cd8"))

func unhex(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return b
}

// A file of several bzip2 streams is read whole, also without the ending of its name.
func TestBzip2(t *testing.T) {
	for _, name := range []string{"a.csv.bz2", "a.csv"} {
		got, err := table(t, save(t, name, bzipped2), ReadOptions{})
		if err != nil || !strings.Contains(fmt.Sprint(got), "3") || !strings.Contains(fmt.Sprint(got), "1") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := FormatOf("out.csv.bz2"); err == nil || !strings.Contains(err.Error(), "read only") {
		t.Error(err)
	}
}
