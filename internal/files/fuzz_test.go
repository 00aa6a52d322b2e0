package files

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// readBytes reads content in the format of o. It also returns the bad rows as text.
func readBytes(t testing.TB, content io.Reader, o ReadOptions) (arrow.RecordBatch, string, error) {
	var bad strings.Builder
	o.Stdin, o.Bad, o.Allocator = content, func(b Bad) { fmt.Fprintln(&bad, b.Row, b.Line, b.Reason) }, checked(t)
	r, err := Open(t.Context(), "-", o)
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	batch, err := readUntil(r)
	return batch, bad.String(), err
}

// rewrite reads content and writes its rows in a text format. It checks that reading
// the whole content and reading it byte by byte give the same result.
func rewrite(t testing.TB, content []byte, o ReadOptions, to Format) (out []byte, bad string, ok bool) {
	o.To, o.MaxRow, o.Rows = to, 1<<16, 7
	read := func(r io.Reader) ([]byte, string, error) {
		batch, bad, err := readBytes(t, r, o)
		if err != nil || batch == nil {
			return nil, bad, err
		}
		defer batch.Release()
		var out bytes.Buffer
		write(t, "-", WriteOptions{Format: to, Stdout: &out}, batch)
		return out.Bytes(), bad, nil
	}
	out, bad, err := read(bytes.NewReader(content))
	again, badAgain, errAgain := read(slow{bytes.NewReader(content)})
	if !bytes.Equal(out, again) || bad != badAgain || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		t.Fatalf("read whole: %q, %s, %v\nread by bytes: %q, %s, %v", out, bad, err, again, badAgain, errAgain)
	}
	return out, bad, err == nil && out != nil
}

// rfc is the dialect of the Writer.
var rfc = ReadOptions{Format: CSV, Delimiter: ",", Quote: `"`, Escape: `"`, Encoding: "utf-8"}

// FuzzCSV reads any bytes in any dialect. Output that is read again gives the same
// output, and content that encoding/csv can read has the same cells.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\n", "a\n\"x\ny\"\"\"\n\n", "a,b\r\n,\"\"\r\n", "a\n\"", "a,b\n\"x\"y,1\n2\n", "\xef\xbb\xbfa\n-0.50\n", "a\n1\n1.5\nx", "a;b\r1;'x;y'\r",
		"a,b\r\r\n1,\"2\"\r\r\n", "sep=|\na|b\n", "a,b\n1,\"x\\\", y\"\n"} {
		f.Add([]byte(s), "", "", "", "", "", uint8(0), "")
	}
	f.Add([]byte("x\n#c\na||b\n1||NA\n"), "||", "none", "", "#", "NA", uint8(1), "latin1")
	f.Add([]byte("\xfe\xff\x00a\x00;\x00b\x00\n\xd8\x00\x00;"), ";", "'", "\\", "//", "", uint8(0), "utf-16")
	f.Fuzz(func(t *testing.T, content []byte, delimiter, quote, escape, comment, null string, skip uint8, encoding string) {
		o := ReadOptions{Format: CSV, Delimiter: delimiter, Quote: quote, Escape: escape, Comment: comment, Skip: int(skip), Encoding: encoding}
		if null != "" {
			o.Null = []string{null}
		}
		if o.Check() != nil {
			return
		}
		out, bad, ok := rewrite(t, content, o, CSV)
		if !ok {
			return
		}
		if again, _, ok := rewrite(t, out, rfc, CSV); !ok || !bytes.Equal(out, again) {
			t.Fatalf("%q was written; it is read and written again as %q", out, again)
		}
		// The content can also be read as typed values and written as JSON.
		if batch, _, err := readBytes(t, bytes.NewReader(content), o); err == nil && batch != nil {
			batch.Release()
		}
		if json, _, ok := rewrite(t, content, o, JSON); !ok || bytes.Count(json, []byte("\n")) < 1 {
			t.Fatalf("as JSON: %q", json)
		}
		std := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))))
		records, err := std.ReadAll()
		if err != nil || len(records) == 0 || len(records[0]) < 2 || bad != "" || bytes.Contains(content, []byte("\r")) || !reflect.DeepEqual(o, ReadOptions{Format: CSV}) {
			return // encoding/csv reads such content differently
		}
		batch, _, err := readBytes(t, bytes.NewReader(content), rfc)
		if err != nil || batch == nil {
			return
		}
		defer batch.Release()
		if int(batch.NumRows()) != len(records)-1 {
			t.Fatalf("%d rows of %q", batch.NumRows(), records)
		}
		o = rfc
		o.To = CSV
		written, _, _ := readBytes(t, bytes.NewReader(content), o)
		defer written.Release()
		for i, record := range records[1:] {
			var cells []string
			for _, a := range written.Columns() {
				text := []byte{}
				if !isNull(a, i) {
					text, _ = appendScalar(nil, a, i)
				}
				cells = append(cells, string(text))
			}
			if !reflect.DeepEqual(cells, record) {
				t.Fatalf("row %d is %q, not %q", i, cells, record)
			}
		}
	})
}

// FuzzJSON reads any bytes. Output that is read again gives the same output, and
// the objects have the same values as in encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": 1}`, "{\"a\": [1, {\"b\": null}]}\n{\"a\": \"x\"}", `[{"a": "\u00e4\"]"}, {"a": 1e5}, 3]`, `{"a":{"b":{"c":[[],[[0.1]]]}}}`,
		`{"a": 12345678901234567890, "a": -0, "b": 1e400}`, "{\"\\ud800\": 1}\n\n[", `[ ]`, `{"a":[null]}`, "{\n \"a\": 1\n}\r{\"a\": \n[\n1 ]}", "{\"a\": \"x\n{\"a\": nul}\n", `{"a":NaN}{"a":"\ud83d\ude00\ud800"} x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		o := ReadOptions{Format: JSON, Encoding: "utf-8"}
		out, bad, ok := rewrite(t, content, o, JSON)
		if !ok {
			return
		}
		if again, _, ok := rewrite(t, out, o, JSON); !ok || !bytes.Equal(out, again) {
			t.Fatalf("%q was written; it is read and written again as %q", out, again)
		}
		if batch, _, err := readBytes(t, bytes.NewReader(content), o); err == nil && batch != nil {
			var typed bytes.Buffer
			write(t, "-", WriteOptions{Format: JSON, Stdout: &typed}, batch)
			batch.Release()
			for _, line := range strings.Split(strings.TrimSpace(typed.String()), "\n") {
				if !json.Valid([]byte(line)) {
					t.Fatalf("%q was written", line)
				}
			}
		}
		if _, _, ok := rewrite(t, content, o, CSV); !ok {
			t.Fatal("the rows cannot be written as CSV")
		}
		// If encoding/json reads every line as an object, the output has the same
		// objects, except for null members.
		lines := bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n"))
		var want []any
		for _, line := range bytes.FieldsFunc(content, func(r rune) bool { return r == '\n' || r == '\r' }) {
			var v map[string]any
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if d.Decode(&v) != nil || v == nil || d.InputOffset() != int64(len(bytes.TrimRight(line, " \t"))) {
				return
			}
			want = append(want, withoutNull(v))
		}
		if bad != "" {
			return
		}
		if len(want) != len(lines) {
			t.Fatalf("%d lines are written of %d objects: %q", len(lines), len(want), out)
		}
		for i, line := range lines {
			var v map[string]any
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			if err := d.Decode(&v); err != nil || !reflect.DeepEqual(withoutNull(v), want[i]) {
				t.Fatalf("%q was written, want %v (%v)", line, want[i], err)
			}
		}
	})
}

// withoutNull removes the null members of an object and returns the object.
func withoutNull(object map[string]any) any {
	for name, v := range object {
		if v == nil {
			delete(object, name)
		}
	}
	return object
}

// FuzzEncoding reads any bytes in any encoding, whole and byte by byte.
func FuzzEncoding(f *testing.F) {
	for _, encoding := range []string{"", "utf-8", "utf-16", "utf-16le", "utf-16be", "latin1", "windows-1252", "shift_jis", "gb18030", "euc-kr"} {
		f.Add([]byte("a\xe4\x00\n\xd8\x3d\xde\x00\xff"), encoding)
	}
	f.Fuzz(func(t *testing.T, content []byte, encoding string) {
		if checkEncoding(encoding) != nil {
			return
		}
		rewrite(t, content, ReadOptions{Format: Text, Encoding: encoding}, CSV)
	})
}

// FuzzText checks that a text file has one row for each line.
func FuzzText(f *testing.F) {
	f.Add([]byte("a\r\n\nb"))
	f.Add([]byte("\xff\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		batch, bad, err := readBytes(t, bytes.NewReader(content), ReadOptions{Format: Text, Encoding: "utf-8", Rows: 7, MaxRow: 1 << 16})
		if err != nil || batch == nil {
			return
		}
		defer batch.Release()
		if bytes.IndexByte(content, '\n') < 0 {
			content = bytes.ReplaceAll(content, []byte("\r"), []byte("\n"))
		}
		lines := bytes.Count(content, []byte("\n"))
		if len(content) > 0 && content[len(content)-1] != '\n' && !bytes.Equal(content, []byte("\xef\xbb\xbf")) {
			lines++
		}
		if rows := int(batch.NumRows()); rows != lines && !bytes.HasSuffix(content, []byte("\n\xef\xbb\xbf")) {
			t.Fatalf("%d rows of %d lines, bad are %s: %q", rows, lines, bad, content)
		}
	})
}

// Most single-byte changes to a Parquet file are reported with the file's name. None
// causes a panic. Pages have no checksums, so some changes are not detected.
func TestDamagedParquet(t *testing.T) {
	batch := textBatch(t, `["some text", null, "and more text, and more text", "some text"]`)
	path := filepath.Join(t.TempDir(), "x.parquet")
	write(t, path, WriteOptions{}, batch, batch)
	read := func() (arrow.RecordBatch, error) {
		r, err := Open(t.Context(), path, ReadOptions{})
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return readUntil(r)
	}
	right, err := read()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rejected, undetected := 0, 0
	for i := range whole {
		for _, flip := range []byte{0x01, 0xff} {
			damaged := bytes.Clone(whole)
			damaged[i] ^= flip
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			switch got, err := read(); {
			case err != nil:
				rejected++
				if !strings.Contains(err.Error(), path) {
					t.Errorf("%v: does not name the file", err)
				}
			case got == nil || !array.ApproxEqual(got.Column(0), right.Column(0)):
				undetected++
			}
		}
	}
	if rejected < len(whole)/2 || undetected > len(whole)/10 {
		t.Errorf("of %d damaged files of %d bytes, %d were rejected, and %d were read with other values", 2*len(whole), len(whole), rejected, undetected)
	}
}
