package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// tree writes files, by their paths with slashes, and returns their folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindInputs(t *testing.T) {
	root := tree(t, map[string]string{
		"dt=2026-12-01/b.csv": "", "dt=2026-12-01/a.csv": "", "dt=__HIVE_DEFAULT_PARTITION__/c.csv": "", "dt=a%3Ab%2Fc/d.csv": "", "_SUCCESS": "", ".a.csv.crc": "", "dt=2026-12-01/_temporary/x.csv": "", ".hidden/y.csv": "",
	})
	all, err := FindInputs([]string{root}, false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range all {
		value := "NULL"
		if v := in.Partitions[0].Value; v != nil {
			value = *v
		}
		got = append(got, in.Rel+" "+in.Partitions[0].Name+" "+value)
	}
	// A percent-encoded name sorts by its encoded form, as the file system has it.
	want := "dt=2026-12-01/a.csv dt 2026-12-01, dt=2026-12-01/b.csv dt 2026-12-01, dt=__HIVE_DEFAULT_PARTITION__/c.csv dt NULL, dt=a%3Ab%2Fc/d.csv dt a:b/c"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("%s", text)
	}
	globbed, err := FindInputs([]string{filepath.Join(root, "dt=2026*", "*.csv")}, false)
	if err != nil || len(globbed) != 2 || globbed[0].Rel != "a.csv" || len(globbed[0].Partitions) != 0 {
		t.Errorf("%+v, %v", globbed, err)
	}
	for _, c := range []struct {
		files map[string]string
		paths []string
		want  string
	}{
		{map[string]string{"notes": ""}, []string{""}, "does not show its format"},
		{map[string]string{"_SUCCESS": ""}, []string{""}, "the folder has no files with rows"},
		{map[string]string{"a=1/x.csv": "", "b=1/x.csv": ""}, []string{""}, "has the partition columns"},
		{map[string]string{"a.csv": ""}, []string{"*.parquet"}, "no file matches"},
		{map[string]string{"a.csv": ""}, []string{"[.csv"}, "malformed"},
		{map[string]string{"a.csv": ""}, []string{"none"}, "no such file"},
		{map[string]string{"a=%zz/x.csv": ""}, []string{""}, "invalid URL escape"},
	} {
		root := tree(t, c.files)
		paths := make([]string, len(c.paths))
		for i, p := range c.paths {
			paths[i] = filepath.Join(root, p)
		}
		if _, err := FindInputs(paths, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.paths, err, c.want)
		}
	}
}

// The types are those that Spark 4.3.0 infers.
func TestPartitionTypes(t *testing.T) {
	for values, want := range map[string]string{
		"1,2": "int32", "1,3000000000": "int64", "1,1.5": "float64", "1,x": "utf8", "2026-12-01,2026-12-02": "date32", "2026-12-01,2026-12-01 10:00:00": "timestamp[us, tz=UTC]", "2026-12-01,5": "utf8",
		"007,8": "int32", "": "utf8", "1e3": "float64", "NaN": "utf8", "true": "utf8",
	} {
		var all []Input
		for v := range strings.SplitSeq(values, ",") {
			p := Partition{Name: "p", Value: &v}
			if v == "" {
				p.Value = nil
			}
			all = append(all, Input{Partitions: []Partition{p}})
		}
		if got := PartitionFields(all)[0].Type.String(); got != want {
			t.Errorf("%s: %s, want %s", values, got, want)
		}
	}
}

func TestOpenAll(t *testing.T) {
	root := tree(t, map[string]string{
		"n=1/a.csv": "id,text\n1,one\n2,two\n", "n=2/b.csv": "text,id\nthree,3\n", "n=__HIVE_DEFAULT_PARTITION__/c.jsonl": `{"id": 4, "text": "four"}` + "\n",
	})
	all, err := FindInputs([]string{root}, false)
	if err != nil {
		t.Fatal(err)
	}
	var bad []Bad
	r, err := OpenAll(t.Context(), all, ReadOptions{To: Parquet, Bad: func(b Bad) { bad = append(bad, b) }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows []string
	for {
		b, err := r.Next(t.Context())
		if err != nil {
			break
		}
		for i := range int(b.NumRows()) {
			var row []string
			for _, c := range b.Columns() {
				row = append(row, c.ValueStr(i))
			}
			rows = append(rows, strings.Join(row, " "))
		}
		b.Release()
	}
	if got := strings.Join(rows, ", "); got != "1 one 1, 2 two 1, 3 three 2, 4 four (null)" || len(bad) != 0 {
		t.Errorf("%s, %v of %v", got, bad, r.Schema())
	}
	if done, total := r.Progress(); done == 0 || done > total {
		t.Errorf("%d of %d bytes", done, total)
	}
	root = tree(t, map[string]string{"a.csv": "id,text\n1,one\n", "b.csv": "id\nx\n"})
	all, err = FindInputs([]string{root}, false)
	if err != nil {
		t.Fatal(err)
	}
	r, err = OpenAll(t.Context(), all, ReadOptions{To: Parquet})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		var b arrow.RecordBatch
		if b, err = r.Next(t.Context()); err == nil {
			b.Release()
		}
	}
	if !strings.Contains(err.Error(), "the column id is int") || !strings.Contains(err.Error(), "b.csv") {
		t.Error(err)
	}
	r.Close()
	if got := fmt.Sprint(OutputName(Input{Rel: "a/b.csv.gz"}, "out", Parquet), " ", OutputName(Input{Rel: "a/b.csv.gz"}, "out", ""), " ", OutputName(Input{Rel: "b.txt"}, "out", JSON)); got != filepath.FromSlash("out/a/b.parquet out/a/b.csv.gz out/b.jsonl") {
		t.Error(got)
	}
}
