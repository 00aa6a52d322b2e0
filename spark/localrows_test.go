package spark

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// The size of a slice is that of its own rows, not of its buffers.
func TestSliceOfLargeBatch(t *testing.T) {
	f := newFake(t)
	s, mem := f.start(t, "")
	b := array.NewRecordBuilder(mem, arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues(make([]int64, inlineBytes), nil)
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, c := range []struct{ rows, chunks int }{
		{10, 0}, // sent with each query
		{inlineBytes / 4, (inlineBytes/4 + chunkRows - 1) / chunkRows},
	} {
		slice := batch.NewSlice(5, int64(5+c.rows))
		d, err := s.CreateDataFrame(t.Context(), slice)
		slice.Release()
		if err != nil {
			t.Fatal(err)
		}
		chunks := len(d.relation.GetChunkedCachedLocalRelation().GetDataHashes())
		if inline := d.relation.GetLocalRelation() != nil; inline != (c.chunks == 0) || chunks != c.chunks {
			t.Errorf("%d rows: inline %v, %d chunks; want %d", c.rows, inline, chunks, c.chunks)
		}
	}
}
