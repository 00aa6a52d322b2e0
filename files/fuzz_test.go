package files

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
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

// FuzzFooter walks over any bytes; the footer of a file that was written is
// good.
func FuzzFooter(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.parquet")
	write(f, path, WriteOptions{}, textBatch(f, `["a", null]`))
	whole, err := os.ReadFile(path)
	if err == nil {
		err = checkFooter(bytes.NewReader(whole), int64(len(whole)))
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("PAR1\x19\xfc\xff\xff\xff\xff\xff\xff\x00\x00\x08\x00\x00\x00PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) { checkFooter(bytes.NewReader(b), int64(len(b))) })
}

// Damaged Parquet files are errors.
func TestDamagedParquet(t *testing.T) {
	batch := textBatch(t, `["some text", null, "and more text, and more text", "some text"]`)
	path := filepath.Join(t.TempDir(), "x.parquet")
	write(t, path, WriteOptions{}, batch, batch)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range whole {
		for _, flip := range []byte{0x01, 0xff} {
			damaged := bytes.Clone(whole)
			damaged[i] ^= flip
			if err := os.WriteFile(path, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			r, err := Open(t.Context(), path, ReadOptions{})
			if err != nil {
				refused++
				continue
			}
			for err == nil {
				var b arrow.RecordBatch
				if b, err = r.Next(t.Context()); err == nil {
					b.Release()
				}
			}
			if err != io.EOF {
				refused++
			}
			r.Close()
		}
	}
	if refused < len(whole) {
		t.Errorf("of %d damaged files, only %d were refused", 2*len(whole), refused)
	}
}
