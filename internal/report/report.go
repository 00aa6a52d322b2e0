// Package report writes what a command found as one HTML file: its styles and
// plots are inside, nothing is fetched, and nothing in it runs. It reads well
// in light and dark and on a phone, and by a screen reader.
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

// Section is a part of a page under a heading, with an optional text and parts
// in order. Parts that can stand side by side do where there is room.
type Section struct {
	Title string
	Text  string
	Parts []Part
}

// Part is something to show: Facts, Table, or a plot.
type Part interface {
	// html gives the part, with all text escaped; id is unique in its page.
	html(id string) template.HTML
}

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Parse(pageText))

// Write writes the page. All texts in it are shown as they are, whatever they
// hold.
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
