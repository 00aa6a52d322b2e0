package parquet

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// A file of another program is written again with the same schema, byte for byte,
// and the same key-value pairs. The test of the package files with the same file
// name lists the programs and checks the values.
func TestForeignSchemasAreKept(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.parquet")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d files: %v", len(paths), err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, batches := readBack(t, b, defaultOptions)
		for _, batch := range batches {
			if !batch.Schema().Equal(r.Schema()) {
				t.Errorf("%s: a batch has the schema %s", path, batch.Schema())
			}
		}
		rewritten := fileOf(t, batches...)
		before, err := parseMetaData(metaOf(b))
		if err != nil {
			t.Fatal(err)
		}
		after, err := parseMetaData(metaOf(rewritten))
		if err != nil {
			t.Fatal(err)
		}
		if len(before.elements) != len(after.elements) {
			t.Errorf("%s: %d elements, want %d", path, len(after.elements), len(before.elements))
			continue
		}
		for i := range before.elements {
			if !bytes.Equal(before.elements[i].raw, after.elements[i].raw) {
				t.Errorf("%s: element %d is %x, want %x", path, i, after.elements[i].raw, before.elements[i].raw)
			}
		}
		if !reflect.DeepEqual(before.keyValues, after.keyValues) || before.rows != after.rows {
			t.Errorf("%s: %d rows and %q, want %d and %q", path, after.rows, after.keyValues, before.rows, before.keyValues)
		}
	}
}
