package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/terminal"
)

// tableRows is the number of rows of a table without a limit.
const tableRows = 20

// maxCell is the maximum width of a value in a table, in columns of the terminal.
const maxCell = 80

// tableWriter prints rows as a table, in the style of Spark.
type tableWriter struct {
	to     io.Writer
	schema *arrow.Schema
	rows   [][]string
	done   bool
}

func (w *tableWriter) Write(batch arrow.RecordBatch) error {
	for i := range int(batch.NumRows()) {
		cells := make([]string, batch.NumCols())
		for c := range cells {
			cells[c] = "NULL"
			if column := batch.Column(c); !column.IsNull(i) && column.DataType().ID() != arrow.NULL {
				cells[c] = shortCell(terminal.InOneLine(column.ValueStr(i)))
			}
		}
		w.rows = append(w.rows, cells)
	}
	return nil
}

func shortCell(s string) string {
	return terminal.Cut(s, maxCell)
}

func (w *tableWriter) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	var names []string
	for _, f := range w.schema.Fields() {
		names = append(names, shortCell(terminal.InOneLine(f.Name)))
	}
	widths := make([]int, len(names))
	for _, row := range append([][]string{names}, w.rows...) {
		for c, cell := range row {
			widths[c] = max(widths[c], terminal.Width(cell))
		}
	}
	fitWidths(widths, terminal.Columns(w.to))
	var b strings.Builder
	rule := func() {
		for _, n := range widths {
			b.WriteString("+" + strings.Repeat("-", n))
		}
		b.WriteString("+\n")
	}
	line := func(row []string) {
		for c, cell := range row {
			cell = terminal.Cut(cell, widths[c])
			b.WriteString("|" + cell + strings.Repeat(" ", widths[c]-terminal.Width(cell)))
		}
		b.WriteString("|\n")
	}
	rule()
	line(names)
	rule()
	for _, row := range w.rows {
		line(row)
	}
	rule()
	_, err := fmt.Fprint(w.to, b.String())
	return err
}

// minWidth is the width below which fit does not narrow a column.
const minWidth = 8

// fitWidths narrows the widest columns until the table fits into the terminal's columns;
// 0 narrows none. A table with too many columns stays wider.
func fitWidths(widths []int, columns int) {
	if columns == 0 {
		return
	}
	over := 1 - columns
	for _, n := range widths {
		over += n + 1
	}
	for ; over > 0; over-- {
		widest := 0
		for c, n := range widths {
			if n > widths[widest] {
				widest = c
			}
		}
		if len(widths) == 0 || widths[widest] <= minWidth {
			return
		}
		widths[widest]--
	}
}

func (w *tableWriter) Abort() { w.done = true }
