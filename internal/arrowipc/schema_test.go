package arrowipc

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

func schemaBytes(t testing.TB, fields ...arrow.Field) []byte {
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(arrow.NewSchema(fields, nil)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzCheckSchema checks that Arrow's reader does not run out of memory on a
// schema that CheckSchema accepts. It may return an error or panic.
func FuzzCheckSchema(f *testing.F) {
	good := schemaBytes(f,
		arrow.Field{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
		arrow.Field{Name: "u", Type: arrow.SparseUnionOf([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8}}, []arrow.UnionTypeCode{0})},
		arrow.Field{Name: "l", Type: arrow.ListOf(arrow.FixedSizeListOf(2, arrow.FixedWidthTypes.Timestamp_us)), Nullable: true})
	if err := CheckSchema(good); err != nil {
		f.Fatal(err)
	}
	for i := 1; i < len(good)-8; i += 7 { // the last 8 end the stream
		if CheckSchema(good[:min(i, 200)]) == nil {
			f.Fatalf("a schema cut after %d bytes is accepted", min(i, 200))
		}
	}
	f.Add(good)
	f.Add(schemaBytes(f, arrow.Field{Name: "a", Type: arrow.BinaryTypes.String}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if CheckSchema(b) != nil {
			return
		}
		defer func() { recover() }()
		if r, err := ipc.NewReader(bytes.NewReader(b)); err == nil {
			r.Release()
		}
	})
}
