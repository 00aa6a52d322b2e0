package files

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// readBytes reads content as a file of a format, its bad rows as NULLs.
func readBytes(t testing.TB, content []byte, o ReadOptions) (arrow.RecordBatch, int, error) {
	bad := 0
	o.Stdin, o.Bad, o.Allocator = bytes.NewReader(content), func(Bad) { bad++ }, checked(t)
	r, err := Open(t.Context(), "-", o)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	batch, err := readUntil(r)
	return batch, bad, err
}

// FuzzCSV reads any bytes: what is read comes back when it is written, and
// what encoding/csv reads too is the same.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\n", "a\n\"x\ny\"\"\"\n\n", "a,b\r\n,\"\"\r\n", "a\n\"", "a,b\n\"x\"y,1\n2\n", "\xef\xbb\xbfa\n-0.50\n", "a\n1\n1.5\nx"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		batch, bad, err := readBytes(t, content, ReadOptions{Format: CSV, Rows: 7, MaxRow: 1 << 16})
		if err != nil || batch == nil {
			return
		}
		defer batch.Release()
		var out bytes.Buffer
		write(t, "-", WriteOptions{Format: CSV, Stdout: &out}, batch)
		again, _, err := readBytes(t, out.Bytes(), ReadOptions{Format: CSV})
		if err != nil {
			t.Fatalf("%q was written, and is no CSV: %v", out.Bytes(), err)
		}
		defer again.Release()
		if bad == 0 && !array.RecordEqual(batch, again) {
			t.Fatalf("read %v\nwritten as %q\nand read %v", batch, out.Bytes(), again)
		}
		std := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))))
		records, err := std.ReadAll()
		if err != nil || bad > 0 || batch.NumCols() == 1 || bytes.Contains(content, []byte("\r")) {
			return // of which encoding/csv thinks otherwise
		}
		if int(batch.NumRows()) != len(records)-1 {
			t.Fatalf("%d rows of %q", batch.NumRows(), records)
		}
		for i, record := range records[1:] {
			var cells []string
			for _, a := range batch.Columns() {
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

// FuzzJSON reads any bytes: what is read comes back when it is written.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": 1}`, "{\"a\": [1, {\"b\": null}]}\n{\"a\": \"x\"}", `[{"a": "\u00e4\"]"}, {"a": 1e5}, 3]`, `{"a":{"b":{"c":[[],[[0.1]]]}}}`,
		`{"a": 12345678901234567890, "a": -0, "b": 1e400}`, "{\"\\ud800\": 1}\n\n[", `[ ]`, `{"a":[null]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		batch, bad, err := readBytes(t, content, ReadOptions{Format: JSON, Rows: 7, MaxRow: 1 << 16})
		if err != nil || batch == nil {
			return
		}
		defer batch.Release()
		var out bytes.Buffer
		write(t, "-", WriteOptions{Format: JSON, Stdout: &out}, batch)
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			if !json.Valid([]byte(line)) {
				t.Fatalf("%q was written", line)
			}
		}
		again, _, err := readBytes(t, out.Bytes(), ReadOptions{Format: JSON})
		if err != nil {
			t.Fatalf("%q was written, and is not read: %v", out.Bytes(), err)
		}
		defer again.Release()
		if bad == 0 && batch.Schema().Equal(again.Schema()) && !array.RecordEqual(batch, again) {
			t.Fatalf("read %v\nwritten as %q\nand read %v", batch, out.Bytes(), again)
		}
	})
}

// FuzzText reads any bytes as lines.
func FuzzText(f *testing.F) {
	f.Add([]byte("a\r\n\nb"))
	f.Add([]byte("\xff\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		batch, bad, err := readBytes(t, content, ReadOptions{Format: Text, Rows: 7, MaxRow: 1 << 16})
		if err != nil || batch == nil {
			return
		}
		defer batch.Release()
		lines := bytes.Count(content, []byte("\n"))
		if len(content) > 0 && content[len(content)-1] != '\n' && !bytes.Equal(content, []byte("\xef\xbb\xbf")) {
			lines++
		}
		if rows := int(batch.NumRows()); rows != lines && !bytes.HasSuffix(content, []byte("\n\xef\xbb\xbf")) {
			t.Fatalf("%d rows of %d lines, %d of them bad: %q", rows, lines, bad, content)
		}
	})
}

// A damaged Parquet file is an error, or the damage is where no row is.
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
	refused, other := 0, 0
	for i := range whole {
		for _, flip := range []byte{0x01, 0xff} {
			damaged := bytes.Clone(whole)
			damaged[i] ^= flip
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			switch got, err := read(); {
			case err != nil:
				refused++
				if !strings.Contains(err.Error(), path) {
					t.Errorf("%v: does not name the file", err)
				}
			case got == nil || !array.ApproxEqual(got.Column(0), right.Column(0)):
				other++ // pages have no checksums
			}
		}
	}
	if refused < len(whole)/2 || other > len(whole)/10 {
		t.Errorf("of %d damaged files of %d bytes, %d were refused, and %d were read otherwise", 2*len(whole), len(whole), refused, other)
	}
}
