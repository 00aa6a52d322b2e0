package report

import (
	"fmt"
	"html/template"
	"strings"
)

// Fact is a name with its value.
type Fact struct{ Name, Value string }

// Facts are shown side by side.
type Facts []Fact

func (f Facts) html(string) template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="facts"><dl>`)
	for _, fact := range f {
		fmt.Fprintf(&b, "<div><dt>%s</dt><dd>%s</dd></div>", escape(fact.Name), escape(fact.Value))
	}
	b.WriteString("</dl></div>")
	return template.HTML(b.String())
}

// Column is a column of a Table.
type Column struct {
	Name   string
	Number bool // to the right, in one line
	Long   bool // text of people: line ends are kept, long words break
}

// phoneColumns is how many columns of short values a phone is wide enough for.
const phoneColumns = 3

// Table shows rows; the first column heads each row. On a phone a table with
// many columns, or a long one, is shown value under value.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]string
	Empty   string // said instead of no rows
}

func (t Table) html(string) template.HTML {
	var b strings.Builder
	if len(t.Rows) == 0 {
		fmt.Fprintf(&b, `<div class="table"><p class="nothing">%s</p></div>`, escape(t.Empty))
		return template.HTML(b.String())
	}
	class := ""
	for _, c := range t.Columns {
		if c.Long || len(t.Columns) > phoneColumns {
			class = ` class="stack"`
		}
	}
	scroll := `tabindex="0" role="region" aria-label="` + escape(t.Caption) + `"`
	fmt.Fprintf(&b, `<div class="table"><div class="scroll" %s><table%s><caption>%s</caption><thead><tr>`, scroll, class, escape(t.Caption))
	for _, c := range t.Columns {
		fmt.Fprintf(&b, `<th scope="col"%s>%s</th>`, c.class(), escape(c.Name))
	}
	b.WriteString("</tr></thead><tbody>\n")
	for _, row := range t.Rows {
		b.WriteString("<tr>")
		for i, c := range t.Columns {
			value := ""
			if i < len(row) {
				value = row[i]
			}
			tag, scope := "td", ""
			if i == 0 {
				tag, scope = "th", ` scope="row"`
			}
			fmt.Fprintf(&b, `<%s%s%s data-name="%s">%s</%s>`, tag, scope, c.class(), escape(c.Name), escape(value), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table></div></div>")
	return template.HTML(b.String())
}

func (c Column) class() string {
	switch {
	case c.Number:
		return ` class="number"`
	case c.Long:
		return ` class="long"`
	}
	return ""
}

// escape makes text safe between tags and in quoted attributes. Control
// characters that HTML does not allow are shown as a replacement.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
	return template.HTMLEscapeString(s)
}
