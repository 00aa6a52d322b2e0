package spark

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DataFrameReader says how files or another source are read. Its methods give a new
// DataFrameReader and leave it as it is.
type DataFrameReader struct {
	session *Session
	source  *pb.Read_DataSource
	stream  bool
}

// Read starts a Reader.
func (s *Session) Read() DataFrameReader {
	return DataFrameReader{session: s, source: &pb.Read_DataSource{}}
}

// ReadStream starts a Reader of a stream: of new files in a folder, of the
// source rate, of Kafka, ... Files need a Schema. The DataFrame is for
// WriteStream.
func (s *Session) ReadStream() DataFrameReader {
	return DataFrameReader{session: s, source: &pb.Read_DataSource{}, stream: true}
}

func (r DataFrameReader) with(change func(*pb.Read_DataSource)) DataFrameReader {
	r.source = proto.CloneOf(r.source)
	change(r.source)
	return r
}

// Format names the source: parquet, csv, json, text, orc, jdbc, ...
func (r DataFrameReader) Format(format string) DataFrameReader {
	return r.with(func(d *pb.Read_DataSource) { d.Format = &format })
}

// Schema sets the columns as DDL, as in "id BIGINT, name STRING".
func (r DataFrameReader) Schema(ddl string) DataFrameReader {
	return r.with(func(d *pb.Read_DataSource) { d.Schema = &ddl })
}

// Option sets an option of the source.
func (r DataFrameReader) Option(key, value string) DataFrameReader {
	return r.with(func(d *pb.Read_DataSource) { d.Options = set(d.Options, key, value) })
}

// Load reads the paths, which the server opens.
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

// JSON reads files of one JSON object a line.
func (r DataFrameReader) JSON(paths ...string) *DataFrame { return r.Format("json").Load(paths...) }

// Text reads text files into the column value, one row a line.
func (r DataFrameReader) Text(paths ...string) *DataFrame { return r.Format("text").Load(paths...) }

func set(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// DataFrameWriter says how a DataFrame is stored. Its methods give a new DataFrameWriter and
// leave it as it is.
type DataFrameWriter struct {
	of        *DataFrame
	format    string
	mode      string
	options   map[string]string
	partition []string
}

// Write starts a Writer.
func (d *DataFrame) Write() DataFrameWriter { return DataFrameWriter{of: d} }

// Mode says what happens if there is data already: append, overwrite, ignore,
// or error (the default).
func (w DataFrameWriter) Mode(mode string) DataFrameWriter { w.mode = mode; return w }

// Format names the format: parquet, csv, json, text, orc, ...
func (w DataFrameWriter) Format(format string) DataFrameWriter { w.format = format; return w }

// Option sets an option of the format.
func (w DataFrameWriter) Option(key, value string) DataFrameWriter {
	w.options = set(w.options, key, value)
	return w
}

// PartitionBy makes a folder for each value of the columns.
func (w DataFrameWriter) PartitionBy(columns ...string) DataFrameWriter {
	w.partition = slices.Clone(columns)
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
	mode, ok := saveModes[strings.ToLower(w.mode)]
	if !ok {
		return fmt.Errorf("write: there is no mode %q; the modes are append, overwrite, ignore and error", w.mode)
	}
	op := &pb.WriteOperation{
		Input:               w.of.relation,
		Mode:                mode,
		Options:             w.options,
		PartitioningColumns: w.partition,
	}
	if w.format != "" {
		op.Source = &w.format
	}
	to(op)
	return w.of.command(ctx, &pb.Command{CommandType: &pb.Command_WriteOperation{WriteOperation: op}})
}

// Save writes files below path, on the server's file system. The path is empty
// for formats without one, such as jdbc and noop.
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

// JSON writes files of one JSON object a line.
func (w DataFrameWriter) JSON(ctx context.Context, path string) error {
	return w.Format("json").Save(ctx, path)
}

// SaveAsTable writes a table of the catalog; columns are matched by name if
// the table is there.
func (w DataFrameWriter) SaveAsTable(ctx context.Context, name string) error {
	return w.table(ctx, name, pb.WriteOperation_SaveTable_TABLE_SAVE_METHOD_SAVE_AS_TABLE)
}

// InsertInto adds to a table of the catalog (or replaces its rows, in mode
// overwrite); columns are matched by their order.
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
