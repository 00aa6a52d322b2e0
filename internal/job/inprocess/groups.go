package inprocess

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
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// mostGroups bounds the texts of a batch of groups, whose offsets have 32 bits.
const mostGroups = 1900 << 20

// CountColumn is the name of the column with the number of rows of a group.
const CountColumn = "count"

// Groups is a files.Reader that makes a row of each group of rows that are equal in some columns,
// in the order of their first rows. It has these columns, the number of rows, and the other columns
// of texts as lists of the texts that are not NULL. It reads all rows before it returns the first.
type Groups struct {
	in     files.Reader
	schema *arrow.Schema
	where  *sqlexpr.Bound // nil keeps all rows
	by     []int          // columns of in
	lists  []list
	most   int64 // bytes
	held   int64

	groups  []*group
	known   map[string]*group
	next    int
	read    bool
	largest int
}

// list is a column of lists.
type list struct {
	column int // of in
	used   bool
}

// group is a group of rows.
type group struct {
	keys  []arrow.Array // of one row each
	rows  int64
	texts [][]string // of each list
}

// MemoryError reports groups that are larger than the memory for rows.
type MemoryError struct{ Bytes int64 }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("the texts of the groups are larger than %d MB, the memory for rows", e.Bytes>>20)
}

// NewGroups groups the rows of a reader by columns; without any, all rows are one group. where is a
// condition for the rows to keep, without calls of a model; empty keeps all. most bounds the memory
// of the groups in bytes. It closes in with Close.
func NewGroups(in files.Reader, by []string, where string, most int64) (*Groups, error) {
	g := &Groups{in: in, most: min(most, mostGroups), known: map[string]*group{}}
	input := in.Schema().Fields()
	var fields []arrow.Field
	for _, name := range by {
		at := slices.IndexFunc(input, func(f arrow.Field) bool { return strings.EqualFold(f.Name, name) })
		if at < 0 {
			return nil, fmt.Errorf("there is no column %s to group by; the columns are %s", name, names(input))
		}
		if !slices.Contains(g.by, at) {
			g.by, fields = append(g.by, at), append(fields, input[at])
		}
	}
	fields = append(fields, arrow.Field{Name: CountColumn, Type: arrow.PrimitiveTypes.Int64})
	for i, f := range input {
		if !slices.Contains(g.by, i) && isText(sqlexpr.ValueType(f.Type)) {
			g.lists = append(g.lists, list{column: i})
			fields = append(fields, arrow.Field{Name: f.Name, Type: arrow.ListOf(arrow.BinaryTypes.String)})
		}
	}
	g.schema = arrow.NewSchema(fields, nil)
	if where != "" {
		e, err := sqlexpr.Parse(where)
		if err == nil {
			g.where, err = sqlexpr.BindCondition(e, in.Schema())
		}
		if err == nil && len(g.where.Calls()) > 0 {
			err = fmt.Errorf("the condition chooses rows before they are grouped, and may not call a model; add the answers to a file first, and group that file")
		}
		if err != nil {
			return nil, &job.ExpressionError{Part: job.Condition, Err: err}
		}
		files.Need(in, g.where.Columns())
	}
	return g, nil
}

func isText(t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING || t.ID() == arrow.STRING_VIEW
}

func names(fields []arrow.Field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.Name
	}
	return strings.Join(all, ", ")
}

// Lists returns the names of the columns of lists.
func (g *Groups) Lists() []string {
	var all []string
	for _, l := range g.lists {
		all = append(all, g.in.Schema().Field(l.column).Name)
	}
	return all
}

// Input returns the columns that are grouped.
func (g *Groups) Input() *arrow.Schema { return g.in.Schema() }

// Keys returns the names of the columns whose values make the groups.
func (g *Groups) Keys() []string {
	var all []string
	for _, at := range g.by {
		all = append(all, g.in.Schema().Field(at).Name)
	}
	return all
}

// Where returns the condition for the rows that are grouped; nil if there is none.
func (g *Groups) Where() *sqlexpr.Bound { return g.where }

// Use declares that columns of lists are read. The others stay empty.
func (g *Groups) Use(columns []string) {
	files.Need(g.in, columns)
	for i, name := range g.Lists() {
		g.lists[i].used = g.lists[i].used || slices.Contains(columns, name)
	}
}

func (g *Groups) Schema() *arrow.Schema         { return g.schema }
func (g *Groups) Progress() (done, total int64) { return g.in.Progress() }
func (g *Groups) Close() error                  { return g.in.Close() }

// groupsOfBatch is the number of groups that Next returns, unless they are large.
const (
	groupsOfBatch = 256
	bytesOfBatch  = 64 << 20
)

func (g *Groups) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if err := g.readAll(ctx); err != nil {
		return nil, err
	}
	if g.next == len(g.groups) {
		return nil, io.EOF
	}
	columns := make([]array.Builder, len(g.lists))
	for i := range columns {
		columns[i] = array.NewListBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String)
		defer columns[i].Release()
	}
	counts := array.NewInt64Builder(memory.DefaultAllocator)
	defer counts.Release()
	from, bytes := g.next, 0
	for g.next < len(g.groups) && g.next-from < groupsOfBatch && bytes < bytesOfBatch {
		of := g.groups[g.next]
		counts.Append(of.rows)
		for i, c := range columns {
			b := c.(*array.ListBuilder)
			b.Append(true)
			for _, text := range of.texts[i] {
				bytes += len(text)
				b.ValueBuilder().(*array.StringBuilder).Append(text)
			}
		}
		g.next++
	}
	all := make([]arrow.Array, 0, g.schema.NumFields())
	defer func() {
		for _, a := range all {
			a.Release()
		}
	}()
	for k := range g.by {
		var keys []arrow.Array
		for _, of := range g.groups[from:g.next] {
			keys = append(keys, of.keys[k])
		}
		joined, err := array.Concatenate(keys, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		all = append(all, joined)
	}
	all = append(all, counts.NewArray())
	for _, c := range columns {
		all = append(all, c.NewArray())
	}
	n := g.next - from
	for i := from; i < g.next; i++ {
		for _, k := range g.groups[i].keys {
			k.Release()
		}
		g.groups[i] = nil
	}
	return array.NewRecordBatch(g.schema, all, int64(n)), nil
}

// readAll reads all rows in its first call.
func (g *Groups) readAll(ctx context.Context) error {
	if g.read {
		return nil
	}
	g.read = true
	for {
		batch, err := g.in.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		err = g.add(batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
	if len(g.by) == 0 && len(g.groups) == 0 { // as without GROUP BY in SQL
		g.groups = append(g.groups, &group{texts: make([][]string, len(g.lists))})
	}
	g.known = nil
	return nil
}

// add adds the rows of a batch to their groups.
func (g *Groups) add(batch arrow.RecordBatch) error {
	n := int(batch.NumRows())
	var kept []bool
	if g.where != nil {
		var err error
		if kept, err = g.where.KeepPlain(memory.DefaultAllocator, batch); err != nil {
			return fmt.Errorf("the condition: %w", err)
		}
	}
	texts := make([]arrow.Array, len(g.lists))
	for i, l := range g.lists {
		if l.used {
			texts[i] = sqlexpr.Values(memory.DefaultAllocator, batch.Column(l.column))
			defer texts[i].Release()
		}
	}
	for row := range n {
		if kept != nil && !kept[row] {
			continue
		}
		of, err := g.of(batch, row)
		if err != nil {
			return err
		}
		of.rows++
		for i, a := range texts {
			if a == nil || a.IsNull(row) {
				continue
			}
			text := strings.Clone(a.ValueStr(row))
			of.texts[i] = append(of.texts[i], text)
			g.held += int64(len(text)) + 32
			g.largest = max(g.largest, len(of.texts[i]))
		}
		if g.held > g.most {
			return &MemoryError{g.most}
		}
	}
	return nil
}

// of returns the group of a row.
func (g *Groups) of(batch arrow.RecordBatch, row int) (*group, error) {
	var key strings.Builder
	for _, c := range g.by {
		if a := batch.Column(c); a.IsNull(row) {
			key.WriteString("-")
		} else {
			value := a.ValueStr(row)
			fmt.Fprintf(&key, "%d:%s", len(value), value)
		}
	}
	if of, ok := g.known[key.String()]; ok {
		return of, nil
	}
	of := &group{texts: make([][]string, len(g.lists))}
	for _, c := range g.by {
		slice := array.NewSlice(batch.Column(c), int64(row), int64(row)+1)
		copied, err := array.Concatenate([]arrow.Array{slice}, memory.DefaultAllocator)
		slice.Release()
		if err != nil {
			return nil, err
		}
		of.keys = append(of.keys, copied)
	}
	g.held += int64(len(key.String())) + 256
	g.known[key.String()] = of
	g.groups = append(g.groups, of)
	return of, nil
}

// Count returns the number of groups, and the number of texts of the largest list, of the rows that
// are read.
func (g *Groups) Count() (groups, largest int) { return len(g.groups), g.largest }
