package spark

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DataFrameReader reads files or another source. Its methods return a new
// DataFrameReader and do not change it.
type DataFrameReader struct {
	session *Session
	source  *pb.Read_DataSource
	stream  bool
}

// Read returns a DataFrameReader.
func (s *Session) Read() DataFrameReader {
	return DataFrameReader{session: s, source: &pb.Read_DataSource{}}
}

// ReadStream returns a DataFrameReader of a stream, such as new files in a
// folder, the source rate, or Kafka. Files need a Schema. The DataFrame is
// written with WriteStream.
func (s *Session) ReadStream() DataFrameReader {
	return DataFrameReader{session: s, source: &pb.Read_DataSource{}, stream: true}
}

func (r DataFrameReader) with(change func(*pb.Read_DataSource)) DataFrameReader {
	r.source = proto.CloneOf(r.source)
	change(r.source)
	return r
}

// Format sets the source: parquet, csv, json, text, orc, jdbc, ...
func (r DataFrameReader) Format(format string) DataFrameReader {
	return r.with(func(d *pb.Read_DataSource) { d.Format = &format })
}

// Schema sets the columns as DDL, such as "id BIGINT, name STRING".
func (r DataFrameReader) Schema(ddl string) DataFrameReader {
	return r.with(func(d *pb.Read_DataSource) { d.Schema = &ddl })
}

// Option sets an option of the source.
func (r DataFrameReader) Option(key, value string) DataFrameReader {
	return r.with(func(d *pb.Read_DataSource) { d.Options = set(d.Options, key, value) })
}

// Load reads the paths, on the server's file system.
func (r DataFrameReader) Load(paths ...string) *DataFrame {
	d := r.with(func(d *pb.Read_DataSource) { d.Paths = paths }).source
	return r.session.newDataFrame(&pb.Relation{RelType: &pb.Relation_Read{Read: &pb.Read{
		ReadType: &pb.Read_DataSource_{DataSource: d}, IsStreaming: r.stream,
	}}})
}

// Parquet reads Parquet files.
func (r DataFrameReader) Parquet(paths ...string) *DataFrame {
	return r.Format("parquet").Load(paths...)
}

// CSV reads CSV files.
func (r DataFrameReader) CSV(paths ...string) *DataFrame { return r.Format("csv").Load(paths...) }

// JSON reads files with one JSON object per line.
func (r DataFrameReader) JSON(paths ...string) *DataFrame { return r.Format("json").Load(paths...) }

// ORC reads ORC files.
func (r DataFrameReader) ORC(paths ...string) *DataFrame { return r.Format("orc").Load(paths...) }

// Options sets options of the source.
func (r DataFrameReader) Options(options map[string]string) DataFrameReader {
	for _, key := range slices.Sorted(maps.Keys(options)) {
		r = r.Option(key, options[key])
	}
	return r
}

// JDBC reads a table of a database by its driver on the server. Options such as user and password are in properties.
func (r DataFrameReader) JDBC(url, table string, properties map[string]string) *DataFrame {
	return r.Format("jdbc").Options(properties).Option("url", url).Option("dbtable", table).Load()
}

// Table reads a table or view, or with ReadStream a stream of what is added to it, with the reader's options.
func (r DataFrameReader) Table(name string) *DataFrame {
	return r.session.newDataFrame(&pb.Relation{RelType: &pb.Relation_Read{Read: &pb.Read{
		ReadType:    &pb.Read_NamedTable_{NamedTable: &pb.Read_NamedTable{UnparsedIdentifier: name, Options: r.source.GetOptions()}},
		IsStreaming: r.stream,
	}}})
}

// Text reads text files into the column value, with one row per line.
func (r DataFrameReader) Text(paths ...string) *DataFrame { return r.Format("text").Load(paths...) }

func set(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// DataFrameWriter writes a DataFrame. Its methods return a new DataFrameWriter
// and do not change it.
type DataFrameWriter struct {
	df        *DataFrame
	format    string
	mode      string
	options   map[string]string
	partition []string
	bucket    *pb.WriteOperation_BucketBy
	sort      []string
	cluster   []string
	err       error
}

// Write returns a DataFrameWriter.
func (d *DataFrame) Write() DataFrameWriter { return DataFrameWriter{df: d} }

// Mode sets the behaviour if data exists: append, overwrite, ignore or error (the
// default).
func (w DataFrameWriter) Mode(mode string) DataFrameWriter { w.mode = mode; return w }

// Format sets the format: parquet, csv, json, text, orc, ...
func (w DataFrameWriter) Format(format string) DataFrameWriter { w.format = format; return w }

// Option sets an option of the format.
func (w DataFrameWriter) Option(key, value string) DataFrameWriter {
	w.options = set(w.options, key, value)
	return w
}

// PartitionBy writes a folder for each distinct value of the columns.
func (w DataFrameWriter) PartitionBy(columns ...string) DataFrameWriter {
	w.partition = slices.Clone(columns)
	return w
}

// Options sets options of the format.
func (w DataFrameWriter) Options(options map[string]string) DataFrameWriter {
	for _, key := range slices.Sorted(maps.Keys(options)) {
		w = w.Option(key, options[key])
	}
	return w
}

// BucketBy divides the rows of a table into n buckets by the hashes of columns, for SaveAsTable.
func (w DataFrameWriter) BucketBy(n int, columns ...string) DataFrameWriter {
	if n < 1 || n > math.MaxInt32 || len(columns) == 0 {
		w.err = fmt.Errorf("bucket by: %d buckets of %d columns; there must be at least one of each", n, len(columns))
	}
	w.bucket = &pb.WriteOperation_BucketBy{NumBuckets: int32(n), BucketColumnNames: slices.Clone(columns)}
	return w
}

// SortBy sorts the rows of each bucket, for SaveAsTable with BucketBy.
func (w DataFrameWriter) SortBy(columns ...string) DataFrameWriter {
	w.sort = slices.Clone(columns)
	return w
}

// ClusterBy clusters a table by columns, for SaveAsTable, since Spark 4.0.
func (w DataFrameWriter) ClusterBy(columns ...string) DataFrameWriter {
	w.cluster, w.err = slices.Clone(columns), errors.Join(w.err, w.df.session.since("cluster by", 4, 0))
	return w
}

var saveModes = map[string]pb.WriteOperation_SaveMode{
	"":              pb.WriteOperation_SAVE_MODE_ERROR_IF_EXISTS,
	"error":         pb.WriteOperation_SAVE_MODE_ERROR_IF_EXISTS,
	"errorifexists": pb.WriteOperation_SAVE_MODE_ERROR_IF_EXISTS,
	"append":        pb.WriteOperation_SAVE_MODE_APPEND,
	"overwrite":     pb.WriteOperation_SAVE_MODE_OVERWRITE,
	"ignore":        pb.WriteOperation_SAVE_MODE_IGNORE,
}

func (w DataFrameWriter) write(ctx context.Context, to func(*pb.WriteOperation)) error {
	if w.err != nil {
		return w.err
	}
	mode, ok := saveModes[strings.ToLower(w.mode)]
	if !ok {
		return fmt.Errorf("write: there is no mode %q; the modes are append, overwrite, ignore and error", w.mode)
	}
	op := &pb.WriteOperation{
		Input:               w.df.relation,
		Mode:                mode,
		Options:             w.options,
		PartitioningColumns: w.partition,
		BucketBy:            w.bucket,
		SortColumnNames:     w.sort,
		ClusteringColumns:   w.cluster,
	}
	if w.format != "" {
		op.Source = &w.format
	}
	to(op)
	return w.df.command(ctx, &pb.Command{CommandType: &pb.Command_WriteOperation{WriteOperation: op}})
}

// Save writes files to the folder path, on the server's file system. path is
// empty for formats without one, such as jdbc and noop.
func (w DataFrameWriter) Save(ctx context.Context, path string) error {
	return w.write(ctx, func(op *pb.WriteOperation) {
		if path != "" {
			op.SaveType = &pb.WriteOperation_Path{Path: path}
		}
	})
}

// Parquet writes Parquet files.
func (w DataFrameWriter) Parquet(ctx context.Context, path string) error {
	return w.Format("parquet").Save(ctx, path)
}

// CSV writes CSV files.
func (w DataFrameWriter) CSV(ctx context.Context, path string) error {
	return w.Format("csv").Save(ctx, path)
}

// JSON writes files with one JSON object per line.
func (w DataFrameWriter) JSON(ctx context.Context, path string) error {
	return w.Format("json").Save(ctx, path)
}

// ORC writes ORC files.
func (w DataFrameWriter) ORC(ctx context.Context, path string) error {
	return w.Format("orc").Save(ctx, path)
}

// Text writes text files; there must be one column, of strings.
func (w DataFrameWriter) Text(ctx context.Context, path string) error {
	return w.Format("text").Save(ctx, path)
}

// JDBC writes a table of a database by its driver on the server. Options such as user and password are in properties.
func (w DataFrameWriter) JDBC(ctx context.Context, url, table string, properties map[string]string) error {
	return w.Format("jdbc").Options(properties).Option("url", url).Option("dbtable", table).Save(ctx, "")
}

// SaveAsTable writes a table of the catalog. If the table exists, columns are
// matched by name.
func (w DataFrameWriter) SaveAsTable(ctx context.Context, name string) error {
	return w.table(ctx, name, pb.WriteOperation_SaveTable_TABLE_SAVE_METHOD_SAVE_AS_TABLE)
}

// InsertInto appends rows to a table of the catalog, or replaces its rows in mode
// overwrite. Columns are matched by position.
func (w DataFrameWriter) InsertInto(ctx context.Context, name string) error {
	if w.mode == "" {
		w.mode = "append"
	}
	return w.table(ctx, name, pb.WriteOperation_SaveTable_TABLE_SAVE_METHOD_INSERT_INTO)
}

func (w DataFrameWriter) table(ctx context.Context, name string, method pb.WriteOperation_SaveTable_TableSaveMethod) error {
	return w.write(ctx, func(op *pb.WriteOperation) {
		op.SaveType = &pb.WriteOperation_Table{Table: &pb.WriteOperation_SaveTable{TableName: name, SaveMethod: method}}
	})
}
