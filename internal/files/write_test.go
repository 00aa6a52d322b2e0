package files

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
)

func textBatch(t testing.TB, values string) arrow.RecordBatch {
	a := fromJSON(t, memory.DefaultAllocator, arrow.BinaryTypes.String, values)
	return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "value", Type: a.DataType(), Nullable: true}}, nil), []arrow.Array{a}, -1)
}

func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// An output is there whole, or what was there before is.
func TestAtomic(t *testing.T) {
	batch := textBatch(t, `["x"]`)
	for _, name := range []string{"o.csv", "o.jsonl.gz", "o.parquet", "o.txt.zst"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			create := func(replace bool) Writer {
				w, err := Create(path, batch.Schema(), WriteOptions{Replace: replace})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Write(batch); err != nil {
					t.Fatal(err)
				}
				return w
			}
			w := create(false)
			if got := names(t, dir); got != "."+name+".firesteel-part" {
				t.Errorf("while it is written: %s", got)
			}
			if _, err := Create(path, batch.Schema(), WriteOptions{}); err == nil || !strings.Contains(err.Error(), "is being written by another process") {
				t.Errorf("a second writer: %v", err)
			}
			w.Abort()
			if got := names(t, dir); got != "" {
				t.Errorf("after Abort: %s", got)
			}
			if err := w.Close(); err == nil {
				t.Error("Close after Abort says nothing")
			}
			if err := os.WriteFile(filepath.Join(dir, "."+name+".firesteel-part"), make([]byte, 1<<20), 0o666); err != nil {
				t.Fatal(err) // what a killed process left
			}
			w = create(false)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			w.Abort()
			if got := names(t, dir); got != name {
				t.Errorf("after Close: %s", got)
			}
			before, _ := os.ReadFile(path)
			if len(before) > 10000 {
				t.Errorf("the file has %d bytes", len(before))
			}
			if _, err := Create(path, batch.Schema(), WriteOptions{}); err == nil || !strings.Contains(err.Error(), "exists") {
				t.Errorf("over a file: %v", err)
			}
			w = create(true)
			w.Write(batch)
			if now, _ := os.ReadFile(path); !bytes.Equal(now, before) {
				t.Error("the old file was changed before Close")
			}
			w.Abort()
			if now, _ := os.ReadFile(path); !bytes.Equal(now, before) {
				t.Error("Abort took the old file")
			}
			os.Chmod(path, 0o640)
			link := filepath.Join(dir, "link-"+name)
			if err := os.Symlink(name, link); err != nil {
				t.Fatal(err)
			}
			path = link
			w = create(true)
			w.Write(batch)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(link)
			if err != nil || info.Mode().IsRegular() {
				t.Errorf("the link is no link any more: %v", err)
			}
			if info, _ := os.Stat(link); info.Mode().Perm() != 0o640 {
				t.Errorf("the file's mode became %v", info.Mode())
			}
			r, err := Open(t.Context(), filepath.Join(dir, name), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got := readAll(t, r); got.NumRows() != 2 {
				t.Errorf("%d rows", got.NumRows())
			}
		})
	}
}

// A disk that is full is told as that, by whichever call meets it.
func TestNoSpace(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	batch := textBatch(t, `["x"]`)
	for _, f := range []Format{CSV, JSON, Parquet, Text} {
		w, err := Create("/dev/full", batch.Schema(), WriteOptions{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(batch)
		if err == nil {
			err = w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "/dev/full: no space left on the disk: free some") {
			t.Errorf("%s: %v", f, err)
		}
		w.Abort()
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteErrors(t *testing.T) {
	batch := textBatch(t, `["x"]`)
	two := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "a", Type: arrow.PrimitiveTypes.Int64}}, nil)
	number := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, nil)
	view := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String)}}, nil)
	nested := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.ListOf(arrow.StructOf())}}, nil)
	dir := t.TempDir()
	for _, c := range []struct {
		path   string
		schema *arrow.Schema
		want   string
	}{
		{"x.csv", two, `duplicate column name "a"; rename one of the columns`},
		{"x.txt", number, "a text file has one column of text, but the columns are a int64; write .csv"},
		{"x.parquet", view, "Parquet cannot store these columns"},
		{"x.parquet", nested, "column a is list"},
		{"no/x.csv", number, "the folder " + filepath.Join(dir, "no") + " does not exist; create it with mkdir -p"},
		{".", number, "does not show its format"},
		{"x", number, "does not show its format"},
	} {
		if _, err := Create(filepath.Join(dir, c.path), c.schema, WriteOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
	if got := names(t, dir); got != "" {
		t.Errorf("what was refused left %s", got)
	}
	for values, want := range map[string]string{`["a\nb"]`: "row 2: the value has line breaks", `[null]`: "row 2: the value is NULL"} {
		w, err := Create(filepath.Join(dir, "x.txt"), batch.Schema(), WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(batch)
		if err := w.Write(textBatch(t, values)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", values, err, want)
		}
		w.Abort()
	}
	for _, f := range []Format{CSV, Parquet} {
		w, err := Create("-", batch.Schema(), WriteOptions{Format: f, Stdout: brokenPipe{}})
		if err != nil {
			t.Fatal(err)
		}
		other := array.NewRecordBatch(number, []arrow.Array{fromJSON(t, memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, `[1]`)}, -1)
		if err := w.Write(other); err == nil || !strings.Contains(err.Error(), "the batch has the columns a int64, but the file value utf8") {
			t.Errorf("another schema: %v", err)
		}
		w.Write(batch)
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), "writing standard output: broken pipe") {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// Standard output receives the rows in the requested format.
func TestStandardOutput(t *testing.T) {
	batch := textBatch(t, `["x", null]`)
	for f, want := range map[Format]string{CSV: "value\nx\n\n", JSON: "{\"value\":\"x\"}\n{\"value\":null}\n"} {
		var out bytes.Buffer
		write(t, "-", WriteOptions{Format: f, Stdout: &out}, batch)
		if out.String() != want {
			t.Errorf("%s: %q", f, out.String())
		}
	}
}

// A file without rows has its columns.
func TestNoRows(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	for _, name := range []string{"x.csv", "x.parquet"} {
		path := filepath.Join(t.TempDir(), name)
		w, err := Create(path, schema, WriteOptions{})
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := table(t, path, ReadOptions{}); err != nil || got != "a utf8" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Row groups are bounded by bytes, so that a writer's memory is.
func TestRowGroups(t *testing.T) {
	batch := textBatch(t, `["`+strings.Repeat("x", 1000)+`"]`)
	path := filepath.Join(t.TempDir(), "x.parquet")
	batches := make([]arrow.RecordBatch, 100)
	for i := range batches {
		batches[i] = batch
	}
	write(t, path, WriteOptions{RowGroup: 10000}, batches...)
	r, err := Open(t.Context(), path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	other, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if n := other.NumRowGroups(); n != 10 {
		t.Errorf("%d row groups", n)
	}
	if got := readAll(t, r); got.NumRows() != 100 {
		t.Errorf("%d rows", got.NumRows())
	}
}

// A process that is killed while it writes leaves the old file, and no lock.
func TestKilledWriter(t *testing.T) {
	if path := os.Getenv("FIRESTEEL_TEST_WRITE"); path != "" {
		w, err := Create(path, textBatch(t, `["x"]`).Schema(), WriteOptions{Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(textBatch(t, `["new"]`))
		os.Stdout.WriteString("written\n")
		select {}
	}
	path := save(t, "x.csv", "value\nold\n")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
	child.Env = append(os.Environ(), "FIRESTEEL_TEST_WRITE="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, textBatch(t, `[]`).Schema(), WriteOptions{Replace: true}); err == nil || !strings.Contains(err.Error(), "is being written by another process") {
		t.Errorf("beside the other process: %v", err)
	}
	child.Process.Kill()
	child.Wait()
	if b, _ := os.ReadFile(path); string(b) != "value\nold\n" {
		t.Errorf("the file is %q", b)
	}
	write(t, path, WriteOptions{Replace: true}, textBatch(t, `["new"]`))
	if b, _ := os.ReadFile(path); string(b) != "value\nnew\n" {
		t.Errorf("the file is %q", b)
	}
	if got := names(t, filepath.Dir(path)); got != "x.csv" {
		t.Errorf("there are %s", got)
	}
}
