package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// groupPlan is what the leaves of a file share about its row groups.
type groupPlan struct {
	skip   []bool
	stated []int64 // number of rows in the metadata
	read   []int64 // number of rows that the first leaf has read, -1 before
}

func newGroupPlan(stated []int64) *groupPlan {
	p := &groupPlan{skip: make([]bool, len(stated)), stated: stated, read: make([]int64, len(stated))}
	for i := range p.read {
		p.read[i] = -1
	}
	return p
}

// Pruning is what a Reader leaves out.
type Pruning struct {
	// Needed reports whether a column is read, by its index in the schema. The others are NULL in all rows. Nil reads all.
	Needed func(column int) bool
	// Skip reports whether no row of a row group is needed. bounds returns what is known of a column. Nil skips none.
	Skip func(bounds func(column int) Bounds) bool
	// Asks are the columns whose bounds Skip may ask for.
	Asks []int
}

// Prune leaves out columns and row groups. It must precede the first Next, and is called once.
func (r *Reader) Prune(p Pruning) error {
	if r.foot == nil {
		return fmt.Errorf("columns and row groups are chosen before the first batch")
	}
	foot := r.foot
	r.foot = nil
	return recovered(func() error {
		if p.Needed != nil {
			r.leaveOut(p.Needed)
		}
		if p.Skip != nil {
			r.skip(foot, p)
		}
		return nil
	})
}

// leaveOut removes the leaves of columns that are not needed. One leaf remains, which tells the number of rows.
func (r *Reader) leaveOut(needed func(int) bool) {
	r.unread, r.blank = make([]bool, len(r.columns)), make([]arrow.Array, len(r.columns))
	any := false
	for i := range r.columns {
		r.unread[i] = !needed(i)
		any = any || !r.unread[i]
	}
	keep := -1
	for i, c := range r.columns {
		if !r.unread[i] {
			continue
		}
		for _, leaf := range c.leaves {
			if !any && (keep < 0 || r.leaves[keep] != nil && r.leaves[keep].node.rep > 0 && r.leaves[leaf].node.rep == 0) {
				if keep >= 0 {
					r.leaves[keep] = nil
				}
				keep = leaf
				continue
			}
			r.leaves[leaf] = nil
		}
	}
}

func (r *Reader) skip(foot *footer, p Pruning) {
	wanted := map[int]bool{}
	for _, i := range p.Asks {
		if c := r.columns[i]; c.kind == leafKind {
			wanted[c.leaves[0]] = true
		}
	}
	defined := definedOrders(foot.columnOrders, len(foot.leaves))
	for group, of := range chunkStatistics(foot.groups, wanted) {
		var held []arrow.Array
		r.plan.skip[group] = p.Skip(func(i int) Bounds {
			b := Bounds{Rows: foot.rows[group], Nulls: -1}
			if c := r.columns[i]; c.kind == leafKind {
				if s, ok := of[c.leaves[0]]; ok {
					b = r.bounds(c, foot.rows[group], s, defined[c.leaves[0]])
				}
			}
			if b.Range != nil {
				held = append(held, b.Range)
			}
			return b
		})
		for _, a := range held {
			a.Release()
		}
	}
}

// Skipped returns the number of row groups and rows that were skipped before the end of the latest batch, or in the whole file
// after the last one, and the number of row groups up to there.
func (r *Reader) Skipped() (skipped, groups int, rows int64) {
	end := len(r.plan.skip)
	for _, l := range r.leaves {
		if l != nil {
			end = l.next
			break
		}
	}
	for i := range end {
		if r.plan.skip[i] {
			skipped++
			rows += r.plan.stated[i]
		}
	}
	return skipped, end, rows
}

// blanks returns NULLs for a column that is not read.
func (r *Reader) blanks(column, rows int) arrow.Array {
	if a := r.blank[column]; a != nil && a.Len() < rows {
		a.Release()
		r.blank[column] = nil
	}
	if r.blank[column] == nil {
		r.blank[column] = array.MakeArrayOfNull(r.o.Allocator, r.schema.Field(column).Type, max(rows, r.o.Rows))
	}
	return array.NewSlice(r.blank[column], 0, int64(rows))
}
