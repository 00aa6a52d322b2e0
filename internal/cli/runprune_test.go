package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// writeGroups writes rows id from first on to a Parquet file of row groups of 100 rows.
func writeGroups(t *testing.T, path string, first, rows int, stats bool) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "other", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := first; i < first+rows; i++ {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("It is good number %d", i%7))
		b.Field(2).(*array.StringBuilder).Append(strings.Repeat("x", i%50))
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, pq.NewWriterProperties(pq.WithMaxRowGroupLength(100), pq.WithStats(stats)), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(b.NewRecordBatch())
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, out.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Row groups and files that the condition excludes are not read. Outputs, counts and row numbers are those of the same rows in
// files without statistics.
func TestRunPruned(t *testing.T) {
	fakeModels(t)
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	t.Chdir(t.TempDir())
	for _, of := range []struct {
		folder string
		stats  bool
	}{{"stated", true}, {"bare", false}} {
		writeGroups(t, of.folder+"/one.parquet", 0, 1000, of.stats)
		for day := range 3 {
			writeGroups(t, fmt.Sprintf("%s-days/dt=2026-12-0%d/part.parquet", of.folder, day+1), 1000*day, 300, of.stats)
		}
	}
	run := func(args ...string) (out, errs string) {
		t.Helper()
		status, out, errs := do(args...)
		if status != exitOK {
			t.Fatalf("%q: exit code %d\n%s%s", args, status, out, errs)
		}
		return out, errs
	}
	counts := func(errs string) string {
		for line := range strings.Lines(errs) {
			if strings.Contains(line, "rows in = ") {
				return line
			}
		}
		return errs
	}
	for _, c := range []struct {
		args         string
		unread, rows string
	}{
		{"run /one.parquet --where id>=250&id<320", "8 of 10 row groups", "70 rows in"},
		{"run /one.parquet --where id<5|id>995", "8 of 10 row groups", "9 rows in"},
		{"run /one.parquet --where id=5|text='It@is@good@number@00'", "", "1 rows in"},
		{"run /one.parquet --where other@IS@NULL", "10 of 10 row groups", "0 rows in"},
		{"run /one.parquet --where id@IN(150,850)&length(other)>=0 --sample 0.99", "8 of 10 row groups", ""},
		{"run /one.parquet --where id>890 --group-by text", "8 of 10 row groups", "7 rows in"},
		{"run /one.parquet --where id<0 --group-by@", "10 of 10 row groups", "1 rows in"},
		{"run /one.parquet --where id>890 --drop id --drop other --add n=length(text)", "8 of 10 row groups", "109 rows in"},
		{"run -days --where dt=DATE'2026-12-02'&id<1100", "2 of 3 files and 2 of 3 row groups", "100 rows in"},
		{"run -days --where dt<>DATE'2026-12-02'", "1 of 3 files", "600 rows in"},
		{"run -days --where dt@IS@NULL", "3 of 3 files", "0 rows in"},
	} {
		args := func(folder string) []string {
			text := strings.ReplaceAll(c.args, "run ", "run "+folder)
			all := strings.Fields(strings.NewReplacer("&", " @AND@ ", "|", " @OR@ ", "--group-by@", "--group-by=").Replace(strings.ReplaceAll(text, " ", "\x00")))
			all = strings.Split(strings.Join(all, ""), "\x00")
			for i := range all {
				all[i] = strings.ReplaceAll(all[i], "@", " ")
			}
			return append(all, "--output-format", "jsonl")
		}
		got, errs := run(args("stated")...)
		want, bareErrs := run(args("bare")...)
		if got != want || counts(errs) != counts(bareErrs) && !strings.Contains(c.args, "-days") {
			t.Errorf("%s:\n%s%s\nwithout statistics:\n%s%s", c.args, got, errs, want, bareErrs)
		}
		line := "not read, because no row meets the condition: " + c.unread + "\n"
		if c.unread != "" && !strings.Contains(errs, line) || c.unread == "" && strings.Contains(errs, "not read,") || !strings.Contains(counts(errs), c.rows) {
			t.Errorf("%s: want %q in\n%s", c.args, c.unread, errs)
		}
	}
	out, _ := run("explain", "stated/one.parquet", "--where", "id < 150", "--add", "mood=ai_analyze_sentiment(text)")
	if !strings.Contains(out, ": 150 of 1000 rows\n") || !strings.Contains(out, "unread   8 of 10 row groups, in which no row meets the condition\n") {
		t.Error(out)
	}
	out, _ = run("explain", "stated-days", "--where", "dt > '2026-12-02' AND id > 2250", "--add", "n=length(text)")
	if !strings.Contains(out, "unread   2 of 3 files and 2 of 3 row groups,") {
		t.Error(out)
	}
	// A folder is written with all its files.
	_, errs := run("run", "stated-days", "--where", "dt = '2026-12-01' AND id < 100", "-o", "out/")
	if !strings.Contains(errs, "2 of 3 files and 2 of 3 row groups") || !strings.Contains(errs, "100 rows in") {
		t.Error(errs)
	}
	if empty, _ := run("run", "out/dt=2026-12-02/part.parquet", "--where", "true", "--output-format", "csv"); empty != "id,text,other\n" {
		t.Errorf("%q", empty)
	}
}
