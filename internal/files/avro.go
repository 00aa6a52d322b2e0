package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
)

// An Avro file begins with avroHead. Blocks of rows follow its schema, each with a
// number of rows, a length, and a mark of 16 bytes after it.
//
// Source: Apache Avro 1.12, "Object Container Files".
const avroHead = "Obj\x01"

// maxAvroBlock bounds a block in bytes, as it is and decompressed: it is held in
// memory. Writers of Avro begin a block after 16 to 64 KB.
const maxAvroBlock = 32 << 20

// avroReader reads Avro object container files.
type avroReader struct {
	in     *input
	rows   *ocf.Reader
	record *avroType
	schema *arrow.Schema
	o      ReadOptions
	read   int64 // rows so far
}

func openAvro(ctx context.Context, path string, o ReadOptions) (Reader, error) {
	in, err := openInput(ctx, path, "", o.Stdin)
	if err != nil {
		return nil, err
	}
	r := &avroReader{in: in, o: o}
	if err := r.open(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// avroNamed is a value with the name of its type, which tells the types of a union
// apart.
type avroNamed struct {
	name  string
	value any
}

// rawAvro makes the library return the values of logical types as they are in
// the file, since it limits their range, and values of named types with the name.
var rawAvro = func() (o []avro.SchemaOpt) {
	for _, kind := range []string{"record", "enum", "fixed"} {
		o = append(o, avro.WithCustomType(avro.CustomType{AvroType: kind, Decode: func(v any, n *avro.SchemaNode) (any, error) { return avroNamed{fullName(n), v}, nil }}))
	}
	for _, name := range []string{"date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos", "local-timestamp-millis",
		"local-timestamp-micros", "local-timestamp-nanos", "uuid", "decimal", "big-decimal", "duration"} {
		o = append(o, avro.WithCustomType(avro.CustomType{LogicalType: name}))
	}
	return o
}()

func (r *avroReader) open() error {
	if err := r.in.open(); err != nil {
		return err
	}
	from := bufio.NewReader(r.in)
	head, err := from.Peek(len(avroHead))
	if err != nil && err != io.EOF {
		return err
	}
	if string(head) != avroHead {
		return &WrongFormatError{r.in.name, "is not an Avro file: it does not begin with Obj and a byte 1"}
	}
	r.rows, err = ocf.NewReader(from, ocf.WithMaxBlockBytes(maxAvroBlock), ocf.WithMaxDecompressedBlockBytes(maxAvroBlock), ocf.WithSchemaOpts(rawAvro...))
	if err != nil {
		return r.explain(err)
	}
	if r.record, err = avroRow(r.rows.Schema().Root()); err != nil {
		return fmt.Errorf("%s: %w", r.in.name, err)
	}
	r.schema = arrow.NewSchema(r.record.fields, nil)
	return nil
}

// explain adds to an error the name of the file and where it is.
func (r *avroReader) explain(err error) error {
	switch {
	case err == nil, err == io.EOF, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s is truncated after row %d, at byte %d: copy or write it again", r.in.name, r.read, r.in.done.Load())
	case r.rows == nil:
		return fmt.Errorf("%s is a damaged Avro file: %w; copy or write it again", r.in.name, err)
	}
	return fmt.Errorf("%s is a damaged Avro file after row %d, before byte %d: %w; copy or write it again", r.in.name, r.read, r.in.done.Load(), err)
}

func (r *avroReader) Schema() *arrow.Schema { return r.schema }

func (r *avroReader) Progress() (done, total int64) { return r.in.done.Load(), r.in.total }

func (r *avroReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b := array.NewRecordBuilder(r.o.Allocator, r.schema)
	defer b.Release()
	n, size := 0, 0
	for n < r.o.Rows && size < r.o.Bytes {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var row any
		err := r.rows.Decode(&row)
		if err == io.EOF && n > 0 {
			break
		}
		if err != nil {
			return nil, r.explain(err)
		}
		if named, ok := row.(avroNamed); ok {
			row = named.value
		}
		values, ok := row.(map[string]any)
		if !ok {
			return nil, r.explain(fmt.Errorf("the row is %T, not a record", row))
		}
		for i, f := range r.record.fields {
			if err := r.record.of[i].append(b.Field(i), values[f.Name], &size); err != nil {
				return nil, r.explain(fmt.Errorf("column %s: %w", f.Name, err))
			}
		}
		n++
		r.read++
	}
	return b.NewRecordBatch(), nil
}

func (r *avroReader) Close() error {
	var err error
	if r.rows != nil {
		err = r.rows.Close()
	}
	return errors.Join(err, r.in.Close())
}
