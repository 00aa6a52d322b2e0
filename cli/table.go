package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// tableRows is how many rows a table shows, unless a limit is given.
const tableRows = 20

// maxCell is how many characters of a value a table shows.
const maxCell = 80

// tableWriter shows rows for people to read, as Spark does.
type tableWriter struct {
	to     io.Writer
	schema *arrow.Schema
	rows   [][]string
	done   bool
}

var inOneLine = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`, "\t", `\t`)

func (w *tableWriter) Write(batch arrow.RecordBatch) error {
	for i := range int(batch.NumRows()) {
		cells := make([]string, batch.NumCols())
		for c := range cells {
			cells[c] = "NULL"
			if column := batch.Column(c); !column.IsNull(i) && column.DataType().ID() != arrow.NULL {
				cells[c] = shortCell(inOneLine.Replace(column.ValueStr(i)))
			}
		}
		w.rows = append(w.rows, cells)
	}
	return nil
}

func shortCell(s string) string {
	if utf8.RuneCountInString(s) <= maxCell {
		return s
	}
	return string([]rune(s)[:maxCell-3]) + "..."
}

func (w *tableWriter) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	var names []string
	for _, f := range w.schema.Fields() {
		names = append(names, shortCell(f.Name))
	}
	widths := make([]int, len(names))
	for _, row := range append([][]string{names}, w.rows...) {
		for c, cell := range row {
			widths[c] = max(widths[c], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	rule := func() {
		for _, n := range widths {
			b.WriteString("+" + strings.Repeat("-", n))
		}
		b.WriteString("+\n")
	}
	line := func(row []string) {
		for c, cell := range row {
			b.WriteString("|" + cell + strings.Repeat(" ", widths[c]-utf8.RuneCountInString(cell)))
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

func (w *tableWriter) Abort() { w.done = true }
