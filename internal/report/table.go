package report

import (
	"fmt"
	"html/template"
	"strings"
)

// Fact is a name with its value.
type Fact struct{ Name, Value string }

// Facts are names and values side by side.
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
	Number bool // aligned to the right, on one line
	Long   bool // text with line ends, in which long words may break
}

// phoneColumns is the number of columns of short values that fit on a phone.
const phoneColumns = 3

// Table shows rows. The first column has the headings of the rows. On a phone, a
// table with many or long columns shows the values of a row below each other.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]string
	Empty   string // text of a table without rows
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

// escape makes text safe between tags and in quoted attributes. It replaces control
// characters, which HTML does not allow.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"))
	return template.HTMLEscapeString(s)
}

// shortCharacters is the length to which Shorten cuts.
const shortCharacters = 1000

// Shorten cuts a text of more than 1000 characters, and appends its length.
func Shorten(s string) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) <= shortCharacters {
		return string(r)
	}
	return fmt.Sprintf("%s… (%d characters)", string(r[:shortCharacters]), len(r))
}
