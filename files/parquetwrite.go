package files

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

type parquetWriter struct {
	out    *output
	w      *pqarrow.FileWriter
	mem    memory.Allocator
	schema *arrow.Schema // of the batches
	stored *arrow.Schema // of the file
	most   int64         // bytes of a row group
	group  int64         // bytes of the current one
	closed bool
}

func createParquet(out *output, schema *arrow.Schema, o WriteOptions) (Writer, error) {
	stored, err := storable(schema)
	if err != nil {
		out.abort()
		return nil, fmt.Errorf("%s: %w; write .jsonl", out.path, err)
	}
	props := parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithAllocator(o.Allocator), parquet.WithCreatedBy("firesteel"))
	// With the schema of Arrow inside, all types come back as they were.
	w, err := pqarrow.NewFileWriter(stored, out, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema(), pqarrow.WithAllocator(o.Allocator)))
	if err != nil {
		out.abort()
		return nil, fmt.Errorf("%s: Parquet cannot hold these columns: %w; write .jsonl", out.path, err)
	}
	return &parquetWriter{out: out, w: w, mem: o.Allocator, schema: schema, stored: stored, most: o.RowGroup}, nil
}

func (w *parquetWriter) Write(batch arrow.RecordBatch) error {
	return w.guarded(func() error {
		if !batch.Schema().Equal(w.schema) {
			return fmt.Errorf("the batch has the columns %s, but the file %s", describe(batch.Schema()), describe(w.schema))
		}
		if w.schema != w.stored {
			var err error
			if batch, err = w.convert(batch); err != nil {
				return err
			}
			defer batch.Release()
		}
		if w.group >= w.most {
			if err := w.w.NewBufferedRowGroupChecked(); err != nil {
				return err
			}
			w.group = 0
		}
		w.group += sizeOf(batch)
		return w.w.WriteBuffered(batch)
	})
}

// guarded adds the file's name to the library's errors, and to its panics.
func (w *parquetWriter) guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil && w.out.err != nil {
			err = w.out.err // the cause, explained
		} else if err != nil {
			err = fmt.Errorf("writing %s: %w", w.out.path, err)
		}
	}()
	return f()
}

func (w *parquetWriter) Close() error {
	if !w.closed {
		w.closed = true
		if err := w.guarded(w.w.Close); err != nil {
			w.out.abort()
			return err
		}
	}
	return w.out.close()
}

func (w *parquetWriter) Abort() {
	if !w.closed {
		w.closed = true
		if w.out.err == nil {
			w.out.err = fmt.Errorf("writing %s: it was given up", w.out.path)
		}
		w.guarded(w.w.Close) // frees its memory; nothing is written any more
	}
	w.out.abort()
}

// storable is a schema as the file has it: where there may be NULLs, lists of a
// fixed length become lists of any, as Parquet's writer cannot write such NULLs.
func storable(schema *arrow.Schema) (*arrow.Schema, error) {
	fields := schema.Fields()
	changed := false
	for i, f := range fields {
		if l, ok := f.Type.(*arrow.FixedSizeListType); ok && f.Nullable {
			fields[i].Type = arrow.ListOfField(l.ElemField())
			changed = true
		}
		if nestedFixed(fields[i].Type) {
			return nil, fmt.Errorf("column %s is %s: Parquet cannot hold lists of a fixed length within others where they may be NULL", f.Name, f.Type)
		}
	}
	if !changed {
		return schema, nil
	}
	metadata := schema.Metadata()
	return arrow.NewSchema(fields, &metadata), nil
}

// nestedFixed finds nullable lists of a fixed length within a type.
func nestedFixed(t arrow.DataType) bool {
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return false
	}
	for _, f := range nested.Fields() {
		if _, fixed := f.Type.(*arrow.FixedSizeListType); fixed && f.Nullable || nestedFixed(f.Type) {
			return true
		}
	}
	return false
}

// convert makes a batch of the file's schema; the caller releases it.
func (w *parquetWriter) convert(batch arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, batch.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for k, a := range batch.Columns() {
		fixed, ok := a.(*array.FixedSizeList)
		if !ok || w.stored.Field(k).Type.ID() != arrow.LIST {
			a.Retain()
			columns[k] = a
			continue
		}
		var err error
		if columns[k], err = w.listOf(fixed, w.stored.Field(k).Type); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(w.stored, columns, batch.NumRows()), nil
}

// listOf drops the elements that lie under NULLs.
func (w *parquetWriter) listOf(a *array.FixedSizeList, t arrow.DataType) (arrow.Array, error) {
	var parts []arrow.Array
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	offsets, valid := array.NewInt32Builder(w.mem), array.NewBooleanBuilder(w.mem)
	defer offsets.Release()
	defer valid.Release()
	at := int32(0)
	offsets.Append(at)
	parts = append(parts, array.NewSlice(a.ListValues(), 0, 0)) // none is too few
	for i := range a.Len() {
		if a.IsValid(i) {
			from, to := a.ValueOffsets(i)
			parts = append(parts, array.NewSlice(a.ListValues(), from, to))
			at += int32(to - from)
		}
		offsets.Append(at)
		valid.Append(a.IsValid(i))
	}
	values, err := array.Concatenate(parts, w.mem)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	ends, bits := offsets.NewInt32Array(), valid.NewBooleanArray()
	defer ends.Release()
	defer bits.Release()
	data := array.NewData(t, a.Len(), []*memory.Buffer{bits.Data().Buffers()[1], ends.Data().Buffers()[1]}, []arrow.ArrayData{values.Data()}, a.NullN(), 0)
	defer data.Release()
	return array.MakeFromData(data), nil
}
