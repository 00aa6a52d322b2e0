package spark

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// CreateDataFrame creates a DataFrame from local rows: an arrow.RecordBatch, an
// arrow.Table, or a slice of structs. The exported fields of the struct are the
// columns. The tag `spark:"name"` sets the name of a column, and `spark:"-"`
// omits the field. Pointers, slices and maps are nullable, and nil is NULL. int
// is BIGINT, time.Time TIMESTAMP, udf.Date DATE, time.Duration INTERVAL DAY TO SECOND, []byte
// BINARY and Decimal DECIMAL(38,18); structs, slices and maps are STRUCT, ARRAY
// and MAP.
//
// Rows of more than 1 MiB are uploaded once and stored on the server for the
// session; fewer rows are sent with each query. CreateDataFrame does not retain
// the Arrow data.
func (s *Session) CreateDataFrame(ctx context.Context, rows any) (*DataFrame, error) {
	switch x := rows.(type) {
	case arrow.RecordBatch:
		return s.localRows(ctx, x.Schema(), []arrow.RecordBatch{x})
	case arrow.Table:
		reader := array.NewTableReader(x, -1)
		defer reader.Release()
		var batches []arrow.RecordBatch
		defer func() {
			for _, b := range batches {
				b.Release()
			}
		}()
		for reader.Next() {
			b := reader.RecordBatch()
			b.Retain()
			batches = append(batches, b)
		}
		if err := reader.Err(); err != nil {
			return nil, fmt.Errorf("arrow table: %w", err)
		}
		return s.localRows(ctx, x.Schema(), batches)
	}
	batch, err := s.structBatch(rows)
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	return s.localRows(ctx, batch.Schema(), []arrow.RecordBatch{batch})
}

// CreateDataFrameOf creates a DataFrame from rows whose columns are known at run time only. rows is a [][]any with the
// values in the order of the schema, a []map[string]any with values by name, of which missing ones are NULL, or a []Row.
// Values have the types of Row, or others that lose nothing, such as int for BIGINT; nil is NULL.
func (s *Session) CreateDataFrameOf(ctx context.Context, schema StructType, rows any) (*DataFrame, error) {
	batch, err := s.dynamicBatch(schema, rows)
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	return s.localRows(ctx, batch.Schema(), []arrow.RecordBatch{batch})
}

func (s *Session) structBatch(rows any) (arrow.RecordBatch, error) {
	v := reflect.ValueOf(rows)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows must be an arrow.RecordBatch, an arrow.Table or a slice of structs, not %T", rows)
	}
	t, err := typeOfGo(v.Type().Elem())
	if err != nil {
		return nil, err
	}
	row, ok := t.(StructType)
	if !ok {
		return nil, fmt.Errorf("%s is a single value in Spark; rows must be structs of columns", v.Type().Elem())
	}
	schema, err := row.ArrowSchema()
	if err != nil {
		return nil, err
	}
	fields, err := sqltypes.Fields(v.Type().Elem())
	if err != nil {
		return nil, err
	}
	b := array.NewRecordBuilder(s.config.allocator, schema)
	defer b.Release()
	for i := range v.Len() {
		for j, f := range fields {
			if err := appendGo(b.Field(j), v.Index(i).FieldByIndex(f.Index)); err != nil {
				return nil, fmt.Errorf("row %d, column %s: %w", i, f.Name, err)
			}
		}
	}
	return b.NewRecordBatch(), nil
}

// Rows up to inlineBytes are sent with each query. Larger ones are uploaded in
// chunks of at most chunkBytes and chunkRows, or less by the server's settings.
const (
	inlineBytes = 1 << 20
	chunkBytes  = 16 << 20
	chunkRows   = 10_000
)

func (s *Session) localRows(ctx context.Context, schema *arrow.Schema, batches []arrow.RecordBatch) (*DataFrame, error) {
	if _, err := SchemaFromArrow(schema); err != nil {
		return nil, err
	}
	size, err := encodedSize(schema, batches)
	if err != nil {
		return nil, err
	}
	relation := &pb.Relation{}
	switch {
	case size <= inlineBytes:
		data, err := encode(schema, batches)
		if err != nil {
			return nil, err
		}
		relation.RelType = &pb.Relation_LocalRelation{LocalRelation: &pb.LocalRelation{Data: data}}
	case s.atLeast(4, 1):
		hashes, err := s.uploadChunks(ctx, schema, batches)
		if err != nil {
			return nil, fmt.Errorf("local rows: %w", err)
		}
		relation.RelType = &pb.Relation_ChunkedCachedLocalRelation{ChunkedCachedLocalRelation: &pb.ChunkedCachedLocalRelation{DataHashes: hashes}}
	default:
		data, err := encode(schema, batches)
		if err != nil {
			return nil, err
		}
		blob, err := proto.Marshal(&pb.LocalRelation{Data: data})
		if err != nil {
			return nil, fmt.Errorf("local rows: %w", err)
		}
		name, err := s.CacheArtifact(ctx, blob)
		if err != nil {
			return nil, fmt.Errorf("local rows: %w", err)
		}
		relation.RelType = &pb.Relation_CachedLocalRelation{CachedLocalRelation: &pb.CachedLocalRelation{Hash: hashOf(name)}}
	}
	return s.newDataFrame(relation), nil
}

func hashOf(cacheName string) string { return strings.TrimPrefix(cacheName, "cache/") }

// uploadChunks uploads the rows in chunks, each a separate Arrow stream, and
// returns their hashes.
func (s *Session) uploadChunks(ctx context.Context, schema *arrow.Schema, batches []arrow.RecordBatch) ([]string, error) {
	const rowsKey, bytesKey = "spark.sql.session.localRelationChunkSizeRows", "spark.sql.session.localRelationChunkSizeBytes"
	conf, err := s.Conf().get(ctx, rowsKey, bytesKey)
	if err != nil {
		return nil, err
	}
	maxRows, maxBytes := atMost(conf[rowsKey], chunkRows), atMost(conf[bytesKey], chunkBytes)
	var hashes []string
	for _, b := range batches {
		if b.NumRows() == 0 {
			continue
		}
		size, err := encodedSize(schema, []arrow.RecordBatch{b})
		if err != nil {
			return nil, err
		}
		perRow := max(1, size/b.NumRows())
		step := max(1, min(maxRows, maxBytes/perRow))
		for at := int64(0); at < b.NumRows(); at += step {
			slice := b.NewSlice(at, min(at+step, b.NumRows()))
			data, err := encode(schema, []arrow.RecordBatch{slice})
			slice.Release()
			if err != nil {
				return nil, err
			}
			name, err := s.CacheArtifact(ctx, data)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, hashOf(name))
		}
	}
	return hashes, nil
}

// atMost returns the number in a server's setting, or limit if that is lower or
// the setting is not a positive number.
func atMost(setting string, limit int64) int64 {
	if n, err := strconv.ParseInt(setting, 10, 64); err == nil && n > 0 && n < limit {
		return n
	}
	return limit
}

// encode returns an Arrow IPC stream. It has at least one batch, because the
// server requires one even without rows.
func encode(schema *arrow.Schema, batches []arrow.RecordBatch) ([]byte, error) {
	var b bytes.Buffer
	if err := encodeTo(&b, schema, batches); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encodeTo(out io.Writer, schema *arrow.Schema, batches []arrow.RecordBatch) error {
	w := ipc.NewWriter(out, ipc.WithSchema(schema))
	if len(batches) == 0 {
		builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		defer builder.Release()
		empty := builder.NewRecordBatch()
		defer empty.Release()
		batches = []arrow.RecordBatch{empty}
	}
	for _, batch := range batches {
		if err := w.Write(batch); err != nil {
			return fmt.Errorf("local rows: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("local rows: %w", err)
	}
	return nil
}

// encodedSize returns the size of the stream of encode in bytes. The size of the
// buffers may be much larger, because a batch may be a slice of them.
func encodedSize(schema *arrow.Schema, batches []arrow.RecordBatch) (int64, error) {
	var n counter
	if err := encodeTo(&n, schema, batches); err != nil {
		return 0, err
	}
	return int64(n), nil
}

type counter int64

func (n *counter) Write(b []byte) (int, error) {
	*n += counter(len(b))
	return len(b), nil
}
