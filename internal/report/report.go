// Package report writes results as one HTML page. The page contains its styles and
// plots, has no script and fetches nothing. It adapts to light and dark themes, to
// phones and to screen readers.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// Report is a page.
type Report struct {
	Title    string
	Subtitle string
	Sections []Section
	Footer   string
}

// Section is a part of a page with a heading, an optional text and parts in order.
// A wide page shows small parts side by side.
type Section struct {
	Title string
	Text  string
	Parts []Part
}

// Part is an element of a section: Facts, Table or a plot.
type Part interface {
	// html returns the part with all text escaped. id is unique in the page.
	html(id string) template.HTML
}

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Parse(pageText))

// Write writes the page. It escapes all texts.
func (r Report) Write(w io.Writer) error {
	type section struct {
		Title, Text string
		Parts       []template.HTML
	}
	view := struct {
		Report
		Style    template.CSS
		Sections []section
	}{Report: r, Style: template.CSS(pageStyle)}
	for i, s := range r.Sections {
		v := section{Title: s.Title, Text: s.Text}
		for k, p := range s.Parts {
			v.Parts = append(v.Parts, p.html(fmt.Sprintf("p%d-%d", i, k)))
		}
		view.Sections = append(view.Sections, v)
	}
	return page.Execute(w, view)
}
