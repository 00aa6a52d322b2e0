package spark

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A slice counts by its own rows, not by the buffers that it looks into.
func TestSliceOfLargeBatch(t *testing.T) {
	f := newFake(t)
	s, mem := f.start(t, "")
	b := array.NewRecordBuilder(mem, arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues(make([]int64, inlineRows), nil)
	batch := b.NewRecordBatch()
	defer batch.Release()
	for _, c := range []struct{ rows, pieces int }{
		{10, 0}, // travel with each query
		{inlineRows / 4, (inlineRows/4 + pieceRows - 1) / pieceRows},
	} {
		slice := batch.NewSlice(5, int64(5+c.rows))
		d, err := s.CreateDataFrame(t.Context(), slice)
		slice.Release()
		if err != nil {
			t.Fatal(err)
		}
		pieces := len(d.relation.GetChunkedCachedLocalRelation().GetDataHashes())
		if inline := d.relation.GetLocalRelation() != nil; inline != (c.pieces == 0) || pieces != c.pieces {
			t.Errorf("%d rows: inline %v, %d pieces; want %d", c.rows, inline, pieces, c.pieces)
		}
	}
}
