package files

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/files/parquet"
)

// Bounds are what is known of the values of a column in a part of a table: a row group of Parquet, or a file by the name of its
// folders. Rows is 0 if the number of rows is not known.
type Bounds = parquet.Bounds

// Pruning is the part of a table that is needed.
type Pruning struct {
	// Columns are read. Others may be NULL in all rows; formats other than Parquet read them all the same. Nil reads all.
	Columns []string
	// Skip reports whether no row of a part is needed. bounds returns what is known of a column. Nil skips none.
	Skip func(bounds func(column string) Bounds) bool
	// Asks are the columns whose bounds Skip may ask for.
	Asks []string
}

// Skips counts what a Reader skipped so far.
type Skips struct {
	Files, OfFiles   int // Files were skipped whole, by the names of their folders
	Groups, OfGroups int // row groups of the other files, if they are Parquet
	Rows             int64
}

func (s Skips) plus(o Skips) Skips {
	return Skips{s.Files + o.Files, s.OfFiles + o.OfFiles, s.Groups + o.Groups, s.OfGroups + o.OfGroups, s.Rows + o.Rows}
}

// pruned is a Reader that can skip parts.
type pruned interface {
	// prune is called before the first Next. known are the bounds of columns that are the same in all rows.
	prune(p Pruning, known map[string]Bounds) error
	skipped() Skips
}

// Prune declares which part of a table is needed, before the first Next.
func Prune(r Reader, p Pruning) error {
	if r, ok := r.(pruned); ok {
		return r.prune(p, nil)
	}
	return nil
}

// Skipped counts what a Reader skipped because of Prune. The rows precede those of the next batch.
func Skipped(r Reader) Skips {
	if r, ok := r.(pruned); ok {
		return r.skipped()
	}
	return Skips{OfFiles: 1}
}

var unknownBounds = Bounds{Nulls: -1}

func (r *parquetReader) prune(p Pruning, known map[string]Bounds) error {
	index := map[string]int{}
	for i, f := range r.Schema().Fields() {
		index[f.Name] = i
	}
	var of parquet.Pruning
	if p.Columns != nil {
		needed := map[int]bool{}
		for _, name := range p.Columns {
			if i, ok := index[name]; ok {
				needed[i] = true
			}
		}
		of.Needed = func(i int) bool { return needed[i] }
	}
	if p.Skip != nil {
		for _, name := range p.Asks {
			if i, ok := index[name]; ok {
				of.Asks = append(of.Asks, i)
			}
		}
		of.Skip = func(bounds func(int) Bounds) bool {
			return p.Skip(func(column string) Bounds {
				if b, ok := known[column]; ok {
					return b
				}
				if i, ok := index[column]; ok {
					return bounds(i)
				}
				return unknownBounds
			})
		}
	}
	return r.explain(r.Reader.Prune(of))
}

func (r *parquetReader) skipped() Skips {
	skipped, groups, rows := r.Skipped()
	return Skips{OfFiles: 1, Groups: skipped, OfGroups: groups, Rows: rows}
}

// partitionBounds are the bounds of partition columns.
func partitionBounds(fields []arrow.Field, values []any) map[string]Bounds {
	known := map[string]Bounds{}
	for i, f := range fields {
		if values[i] == nil {
			known[f.Name] = Bounds{Rows: 1, Nulls: 1}
			continue
		}
		b := array.NewBuilder(memory.DefaultAllocator, f.Type)
		appendConstant(b, values[i])
		appendConstant(b, values[i])
		known[f.Name] = Bounds{Rows: 1, Range: b.NewArray()}
		b.Release()
	}
	return known
}

// skips reports whether no row of a file is needed, by its partition columns alone.
func (p Pruning) skips(known map[string]Bounds) bool {
	return p.Skip != nil && len(known) > 0 && p.Skip(func(column string) Bounds {
		if b, ok := known[column]; ok {
			return b
		}
		return unknownBounds
	})
}

func (w *withPartitions) prune(p Pruning, _ map[string]Bounds) error {
	known := partitionBounds(w.fields, w.values)
	if w.left = p.skips(known); w.left {
		return nil
	}
	if r, ok := w.Reader.(pruned); ok {
		return r.prune(p, known)
	}
	return nil
}

func (w *withPartitions) skipped() Skips {
	if w.left {
		return Skips{Files: 1, OfFiles: 1}
	}
	return Skipped(w.Reader)
}

func (c *concat) prune(p Pruning, _ map[string]Bounds) error {
	c.pruning = p
	return Prune(c.current, p)
}

func (c *concat) skipped() Skips { return c.skips.plus(Skipped(c.current)) }

// skipsNext reports whether no row of the next file is needed. A partition that cannot be read is an error of opening the file.
func (c *concat) skipsNext() bool {
	in := c.inputs[c.next]
	values := make([]any, len(c.fields))
	for i, f := range c.fields {
		v, err := partitionValue(f.Type, in.Partitions[i].Value)
		if err != nil {
			return false
		}
		values[i] = v
	}
	return c.pruning.skips(partitionBounds(c.fields, values))
}
