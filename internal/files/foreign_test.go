package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// foreignFiles is the folder of Parquet files that Spark 3.5.9 and 4.3.0, pyarrow
// 26.0.1, DuckDB 2.0.1 and polars 2.1.0 wrote. Each has a JSON file with the rows as
// pyarrow reads them. bench/roundtrip/parquet.py created both ("write" and as_json),
// except for the JSON of duckdb-integer_2, which pyarrow cannot read.
const foreignFiles = "parquet/testdata"

// linesOf returns the rows of a file as lines of JSON.
func linesOf(t testing.TB, path string) []string {
	t.Helper()
	var out bytes.Buffer
	r, err := Open(t.Context(), path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows := readAll(t, r)
	if rows == nil {
		return nil
	}
	write(t, "-", WriteOptions{Format: JSON, Stdout: &out}, rows)
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

// values decodes a line of JSON so that a decimal written as a number equals one
// written as a string.
func values(t testing.TB, line string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return plainValues(v)
}

func plainValues(v any) any {
	switch v := v.(type) {
	case json.Number:
		return strings.TrimSuffix(v.String(), ".0")
	case []any:
		for i := range v {
			v[i] = plainValues(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainValues(v[k])
		}
	}
	return v
}

// Files of other programs have the values that pyarrow reads, and keep them when they
// are written again.
func TestForeignParquet(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(foreignFiles, "*.parquet"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	for _, path := range paths {
		want, err := os.ReadFile(strings.TrimSuffix(path, ".parquet") + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		wanted := strings.Split(strings.TrimSpace(string(want)), "\n")
		got := linesOf(t, path)
		if len(got) != len(wanted) {
			t.Errorf("%s: %d rows, want %d", path, len(got), len(wanted))
			continue
		}
		for i := range got {
			if have, want := values(t, got[i]), values(t, wanted[i]); !reflect.DeepEqual(have, want) {
				t.Errorf("%s: row %d is %v, but pyarrow reads %v", path, i, have, want)
			}
		}
		if again := linesOf(t, rewritten(t, path)); !reflect.DeepEqual(again, got) {
			t.Errorf("%s: %s are written again as %s", path, got, again)
		}
	}
}

// rewritten copies a file with a Reader and a Writer and returns the copy's path.
func rewritten(t testing.TB, path string) string {
	t.Helper()
	r, err := Open(t.Context(), path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	again := filepath.Join(t.TempDir(), "again.parquet")
	w, err := Create(again, r.Schema(), WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		batch, err := r.Next(t.Context())
		if err != nil {
			break
		}
		if err := w.Write(batch); err != nil {
			t.Fatal(err)
		}
		batch.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return again
}

// Parquet files from past bug reports are read correctly. Their folder has a README.
func TestSharedParquetCases(t *testing.T) {
	for name, want := range map[string]string{
		"footer_rows_0": "6 rows", "spark_legacy_dates": "1 rows", "int96_far": `"9999-`, "pajson": `"{`, "dur": "5 rows",
		"data_old_list_structure": `{"a":[[1,2],[3,4]]}`, "data_hadoop_lz4_compressed": "4 rows",
	} {
		path := testkit.Data(t, "cases/files/"+name+".parquet")
		lines := linesOf(t, path)
		if text := fmt.Sprintf("%d rows: %s", len(lines), strings.Join(lines, "\n")); !strings.Contains(text, want) {
			t.Errorf("%s has %s, want %s", name, text, want)
		}
		if again := linesOf(t, rewritten(t, path)); !reflect.DeepEqual(again, lines) {
			t.Errorf("%s: %s are written again as %s", name, lines, again)
		}
	}
	_, err := Open(t.Context(), testkit.Data(t, "cases/files/enc_True.parquet"), ReadOptions{})
	if err == nil || !strings.Contains(err.Error(), "it is encrypted") || strings.Contains(err.Error(), "damaged") {
		t.Errorf("an encrypted file: %v", err)
	}
}
