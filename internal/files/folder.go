package files

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Input is a file of a folder or of a glob.
type Input struct {
	Path string
	// Rel is the path below the folder that was given, with slashes; of a file that was given, its name.
	Rel string
	// Partitions are the columns that the names of folders have, as in dt=2026-12-01.
	Partitions []Partition
}

// Partition is the value of a column in the name of a folder.
type Partition struct {
	Name  string
	Value *string // nil is NULL
}

// nullPartition is the name of a folder for NULL, as of Hive and Spark.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// FindInputs lists the files of paths, each of which is a file, a folder or a glob such as data/*.parquet, in the order of
// the paths and of names. As in Spark, files and folders whose names begin with _ or . are left out, but names of partitions such as
// _x=1 are not. anyName takes all other files; without it, a file whose name does not show its format is an error.
func FindInputs(paths []string, anyName bool) ([]Input, error) {
	var all []Input
	for _, path := range paths {
		found := []string{path}
		if _, err := os.Stat(path); err != nil && strings.ContainsAny(path, "*?[") {
			var bad error
			if found, bad = filepath.Glob(path); bad != nil {
				return nil, fmt.Errorf("%s: the pattern is malformed: %w", path, bad)
			}
			slices.Sort(found)
			found = slices.DeleteFunc(found, func(p string) bool { return hidden(filepath.Base(p)) })
			if len(found) == 0 {
				return nil, fmt.Errorf("%s: no file matches", path)
			}
		}
		for _, p := range found {
			files, err := filesBelow(p, anyName)
			if err != nil {
				return nil, err
			}
			all = append(all, files...)
		}
	}
	return all, samePartitions(all)
}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".." || strings.HasPrefix(name, "_") && !strings.Contains(name, "=")
}

func filesBelow(root string, anyName bool) (all []Input, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []Input{{Path: root, Rel: filepath.Base(root)}}, nil
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && hidden(d.Name()):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		if !anyName {
			if _, _, err := formatOf(path, "", false); err != nil {
				return err
			}
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		in := Input{Path: path, Rel: filepath.ToSlash(rel)}
		parts := strings.Split(in.Rel, "/")
		for _, folder := range parts[:len(parts)-1] {
			p, ok, err := readPartition(folder)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if ok {
				in.Partitions = append(in.Partitions, p)
			}
		}
		all = append(all, in)
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: the folder has no files with rows", root)
	}
	return all, err
}

// readPartition reads the name of a folder, NAME=VALUE with percent-encoding.
func readPartition(folder string) (p Partition, ok bool, err error) {
	name, value, ok := strings.Cut(folder, "=")
	if !ok || name == "" {
		return p, false, nil
	}
	if p.Name, err = url.PathUnescape(name); err != nil {
		return p, false, err
	}
	if value == nullPartition {
		return p, true, nil
	}
	decoded, err := url.PathUnescape(value)
	p.Value = &decoded
	return p, true, err
}

// samePartitions checks that all files have the same partition columns, in the same order.
func samePartitions(all []Input) error {
	names := func(in Input) []string {
		list := make([]string, len(in.Partitions))
		for i, p := range in.Partitions {
			list[i] = p.Name
		}
		return list
	}
	for _, in := range all[1:] {
		if first := names(all[0]); !slices.Equal(first, names(in)) {
			return fmt.Errorf("%s has the partition columns %q, and %s has %q", all[0].Path, first, in.Path, names(in))
		}
	}
	return nil
}

// PartitionFields are the partition columns of files. As Spark infers them, a column is INT, BIGINT, DOUBLE, DATE or TIMESTAMP if
// all its values are such, and otherwise STRING.
func PartitionFields(all []Input) []arrow.Field {
	var fields []arrow.Field
	for i := range all[0].Partitions {
		rank := 0
		for _, in := range all {
			if v := in.Partitions[i].Value; v != nil {
				rank = commonType(rank, partitionType(*v))
			}
		}
		fields = append(fields, arrow.Field{Name: all[0].Partitions[i].Name, Type: partitionTypes[rank], Nullable: true})
	}
	return fields
}

// Types of partition columns.
const (
	noType = iota
	intType
	longType
	doubleType
	dateType
	timestampType
	stringType
)

var partitionTypes = map[int]arrow.DataType{
	noType: arrow.BinaryTypes.String, intType: arrow.PrimitiveTypes.Int32, longType: arrow.PrimitiveTypes.Int64, doubleType: arrow.PrimitiveTypes.Float64,
	dateType: arrow.FixedWidthTypes.Date32, timestampType: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, stringType: arrow.BinaryTypes.String,
}

const timestampForm = "2006-01-02 15:04:05.999999"

func partitionType(text string) int {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n == int64(int32(n)) {
			return intType
		}
		return longType
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && !strings.ContainsAny(text, "xXpPnN_") {
		return doubleType
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return dateType
	}
	if _, err := time.Parse(timestampForm, text); err == nil {
		return timestampType
	}
	return stringType
}

// commonType is the type that holds values of both types.
func commonType(a, b int) int {
	low, high := min(a, b), max(a, b)
	switch {
	case low == noType, low == high, high <= doubleType, low == dateType && high == timestampType:
		return high
	}
	return stringType
}

// withPartitions adds constant columns to the rows of a file.
type withPartitions struct {
	Reader
	schema *arrow.Schema
	fields []arrow.Field
	values []any // of the fields; nil is NULL
	left   bool  // no row is needed, see Prune
}

// WithPartitions adds the partition columns of a file to its rows. A column of the file of the same name is an error.
func WithPartitions(r Reader, in Input, fields []arrow.Field) (Reader, error) {
	if len(fields) == 0 {
		return r, nil
	}
	schema := r.Schema()
	for _, f := range fields {
		if schema.HasField(f.Name) {
			return nil, fmt.Errorf("%s: the column %s is in the file and in the names of its folders", in.Path, f.Name)
		}
	}
	metadata := schema.Metadata()
	w := &withPartitions{Reader: r, fields: fields, schema: arrow.NewSchema(append(slices.Clone(schema.Fields()), fields...), &metadata)}
	for i, f := range fields {
		v, err := partitionValue(f.Type, in.Partitions[i].Value)
		if err != nil {
			return nil, fmt.Errorf("%s: the partition %s: %w", in.Path, f.Name, err)
		}
		w.values = append(w.values, v)
	}
	return w, nil
}

func partitionValue(t arrow.DataType, text *string) (any, error) {
	if text == nil {
		return nil, nil
	}
	switch t.ID() {
	case arrow.INT32, arrow.INT64:
		return strconv.ParseInt(*text, 10, 64)
	case arrow.FLOAT64:
		return strconv.ParseFloat(*text, 64)
	case arrow.DATE32:
		d, err := time.Parse(time.DateOnly, *text)
		return arrow.Date32FromTime(d), err
	case arrow.TIMESTAMP:
		at, err := time.Parse(timestampForm, *text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, *text)
		}
		return arrow.Timestamp(at.UnixMicro()), err
	}
	return *text, nil
}

func (w *withPartitions) Schema() *arrow.Schema { return w.schema }

func (w *withPartitions) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if w.left {
		return nil, io.EOF
	}
	batch, err := w.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer batch.Release()
	columns := slices.Clone(batch.Columns())
	for i, f := range w.fields {
		b := array.NewBuilder(memory.DefaultAllocator, f.Type)
		b.Reserve(int(batch.NumRows()))
		for range batch.NumRows() {
			appendConstant(b, w.values[i])
		}
		column := b.NewArray()
		b.Release()
		defer column.Release()
		columns = append(columns, column)
	}
	return array.NewRecordBatch(w.schema, columns, batch.NumRows()), nil
}

func appendConstant(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.Int32Builder:
		if n, ok := v.(int64); ok {
			b.Append(int32(n))
			return
		}
	case *array.Int64Builder:
		if n, ok := v.(int64); ok {
			b.Append(n)
			return
		}
	case *array.Float64Builder:
		if x, ok := v.(float64); ok {
			b.Append(x)
			return
		}
	case *array.Date32Builder:
		if d, ok := v.(arrow.Date32); ok {
			b.Append(d)
			return
		}
	case *array.TimestampBuilder:
		if at, ok := v.(arrow.Timestamp); ok {
			b.Append(at)
			return
		}
	case *array.StringBuilder:
		if s, ok := v.(string); ok {
			b.Append(s)
			return
		}
	}
	b.AppendNull()
}

// SameColumns reports the first difference of the columns of two files, by name in any order.
func SameColumns(first, other string, a, b *arrow.Schema) error {
	for _, f := range a.Fields() {
		i := b.FieldIndices(f.Name)
		if len(i) == 0 {
			return fmt.Errorf("%s has no column %s, which %s has", other, f.Name, first)
		}
		if g := b.Field(i[0]); !arrow.TypeEqual(f.Type, g.Type) {
			return fmt.Errorf("the column %s is %s in %s and %s in %s", f.Name, f.Type, first, g.Type, other)
		}
	}
	for _, f := range b.Fields() {
		if !a.HasField(f.Name) {
			return fmt.Errorf("%s has no column %s, which %s has", first, f.Name, other)
		}
	}
	return nil
}

// OutputName is the path of a file of a folder in another folder, whose format is given or, if it is empty, stays.
func OutputName(in Input, folder string, format Format) string {
	rel := filepath.FromSlash(in.Rel)
	if format == "" {
		return filepath.Join(folder, rel)
	}
	for _, packed := range []compression{gzipped, zstded, bzipped, xzed} {
		rel = strings.TrimSuffix(rel, string(packed))
	}
	ending := cmp.Or(map[Format]string{Text: ".txt"}[format], "."+string(format))
	return filepath.Join(folder, strings.TrimSuffix(rel, filepath.Ext(rel))+ending)
}
