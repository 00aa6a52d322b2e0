package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/join"
)

// matchTable is a file in memory, with the text and the key of each row.
type matchTable struct {
	schema  *arrow.Schema
	columns []arrow.Array
	rows    []join.Row
}

// shownBadRows is the number of rows that could not be read whole that are printed.
const shownBadRows = 3

// read reads a file. The first of the columns is that of the texts, and the others are
// the key.
func (m *matchRun) read(ctx context.Context, path string, columns []string) (*matchTable, error) {
	m.options.input = path
	o, err := m.readOptions()
	if err != nil {
		return nil, err
	}
	o.Sample, o.Stdin = false, m.in
	o.Bad = func(b files.Bad) {
		if m.badRows++; m.badRows <= shownBadRows {
			fmt.Fprintln(m.err, m.message(b.Reason))
		}
	}
	in, err := files.Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	t := &matchTable{schema: in.Schema()}
	var at []int
	for _, name := range columns {
		i, err := findColumn(path, fieldNames(t.schema), name)
		if err != nil {
			return nil, err
		}
		at = append(at, i)
	}
	files.Need(in, columns)
	parts := make([][]arrow.Array, t.schema.NumFields())
	for {
		batch, err := in.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		batch.Retain() // what columns of the table share
		for i, c := range batch.Columns() {
			parts[i] = append(parts[i], c)
		}
		t.addRows(batch, at)
	}
	for i, f := range t.schema.Fields() {
		column, err := concatenate(f.Type, parts[i])
		if err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", path, f.Name, err)
		}
		t.columns = append(t.columns, column)
	}
	return t, nil
}

func fieldNames(schema *arrow.Schema) (names []string) {
	for _, f := range schema.Fields() {
		names = append(names, f.Name)
	}
	return names
}

// findColumn returns the index of the column of a table with a name, in any case.
func findColumn(table string, names []string, name string) (int, error) {
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	if i < 0 {
		return 0, usagef("%s has no column %s; its columns are %s", table, name, strings.Join(names, ", "))
	}
	return i, nil
}

// addRows adds the texts and keys of a batch.
func (t *matchTable) addRows(batch arrow.RecordBatch, at []int) {
	for i := range int(batch.NumRows()) {
		r := join.Row{OK: true}
		for n, c := range at {
			column := batch.Column(c)
			if column.IsNull(i) {
				r.OK = false
				break
			}
			value := column.ValueStr(i)
			if n == 0 {
				r.Text, r.OK = value, strings.TrimSpace(value) != ""
				continue
			}
			r.Key += fmt.Sprintf("%d:%s", len(value), value)
		}
		t.rows = append(t.rows, r)
	}
}

// concatenate joins arrays of one type to one array.
func concatenate(of arrow.DataType, parts []arrow.Array) (arrow.Array, error) {
	if len(parts) == 0 {
		return array.MakeArrayOfNull(memory.DefaultAllocator, of, 0), nil
	}
	extension, is := of.(arrow.ExtensionType)
	if !is {
		return array.Concatenate(parts, memory.DefaultAllocator)
	}
	storage := make([]arrow.Array, len(parts))
	for i, p := range parts {
		storage[i] = p.(array.ExtensionArray).Storage()
	}
	all, err := array.Concatenate(storage, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	return array.NewExtensionArrayWithStorage(extension, all), nil
}

// take returns the rows of a column in the order of rows.
func take(column arrow.Array, rows []int) (arrow.Array, error) {
	parts := make([]arrow.Array, len(rows))
	for i, r := range rows {
		parts[i] = array.NewSlice(column, int64(r), int64(r)+1)
	}
	return concatenate(column.DataType(), parts)
}

// pairWriter writes rows of two tables side by side.
type pairWriter struct {
	schema      *arrow.Schema
	left, right *matchTable
	errors      bool
}

// rightPrefix is put before the name of a column of the right table that the left table
// has, too.
const rightPrefix = "right_"

// pairNames returns the names of the columns of pairs: those of both tables, that of the
// score and, unless it is empty, that of the errors.
func pairNames(left, right []string, score, errors string) ([]string, error) {
	names := slices.Clone(left)
	has := func(name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	for _, n := range right {
		name := n
		if has(name) {
			name = rightPrefix + n
		}
		if has(name) {
			return nil, usagef("both tables have a column %s, and there is a column %s, too; rename one of them", n, name)
		}
		names = append(names, name)
	}
	for _, added := range []struct{ flag, name string }{{"--score", score}, {"--errors", errors}} {
		if added.name == "" {
			continue
		}
		if has(added.name) {
			return nil, usagef("%s: the column %s exists already; give the added column another name", added.flag, added.name)
		}
		names = append(names, added.name)
	}
	return names, nil
}

// pairWriter returns the writer of the pairs of two tables: the columns of both, the
// score, and the errors if they are asked for.
func (m *matchRun) pairWriter(left, right *matchTable) (*pairWriter, error) {
	names, err := pairNames(fieldNames(left.schema), fieldNames(right.schema), m.options.score, m.options.errors)
	if err != nil {
		return nil, err
	}
	added := []arrow.Field{{Type: arrow.PrimitiveTypes.Float64}, {Type: arrow.BinaryTypes.String}}
	fields := slices.Concat(left.schema.Fields(), right.schema.Fields(), added)[:len(names)]
	for i := range fields {
		fields[i].Name, fields[i].Nullable = names[i], true
	}
	return &pairWriter{arrow.NewSchema(fields, nil), left, right, m.options.errors != ""}, nil
}

// writtenRows is the number of rows of a batch.
const writtenRows = 1024

func (w *pairWriter) write(out files.Writer, all []join.Match) error {
	for part := range slices.Chunk(all, writtenRows) {
		var left, right []int
		score, reasons := array.NewFloat64Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
		for _, x := range part {
			left, right = append(left, x.Left), append(right, x.Right)
			if x.Err != nil {
				score.AppendNull()
				reasons.Append(x.Err.Error())
				continue
			}
			score.Append(x.Score)
			reasons.AppendNull()
		}
		var columns []arrow.Array
		for _, side := range []struct {
			table *matchTable
			rows  []int
		}{{w.left, left}, {w.right, right}} {
			for _, c := range side.table.columns {
				taken, err := take(c, side.rows)
				if err != nil {
					return err
				}
				columns = append(columns, taken)
			}
		}
		columns = append(columns, score.NewArray())
		if w.errors {
			columns = append(columns, reasons.NewArray())
		}
		if err := out.Write(array.NewRecordBatch(w.schema, columns, int64(len(part)))); err != nil {
			return err
		}
	}
	return nil
}
