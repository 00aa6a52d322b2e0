package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
	"github.com/firesteel/firesteel/llm/models"
)

func (a *app) showEntry(c *cobra.Command, name string, asJSON bool) error {
	ctx, stop := interruptible(c)
	defer stop()
	all, err := catalogue.Current()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	e, ok := all.Lookup(name)
	if !ok {
		near := ""
		if names := all.Similar(name); len(names) > 0 {
			near = fmt.Sprintf("; did you mean %s?", strings.Join(names, ", "))
		}
		return fmt.Errorf("%w: the catalogue has no model %q%s; 'firesteel models' lists them", errUsage, name, near)
	}
	if asJSON {
		return a.printJSON(map[string]any{"models": map[string]any{e.Name: e}})
	}
	r, err := models.Parse(name)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("not on this machine; 'firesteel models get %s' downloads it", e.Name)
	if m, err := models.Local(ctx, r); err == nil {
		path = m.Path()
	}
	fmt.Fprintf(a.out, "%s: %s\n\n", e.Name, e.About)
	w := tabwriter.NewWriter(a.out, 0, 4, 3, ' ', 0)
	row := func(field, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", field, value)
		}
	}
	row("roles", rolesText(all, e))
	row("architecture", e.Architecture)
	if e.Parameters > 0 {
		row("parameters", fmt.Sprintf("%.1f million", float64(e.Parameters)/1e6))
	}
	row("size", sizeText(e.Size))
	if e.Memory > 0 {
		row("memory", fetch.Bytes(e.Memory)+" with weights in 8 bits")
	}
	if e.Context > 0 {
		row("context", fmt.Sprintf("%d tokens", e.Context))
	}
	row("languages", strings.Join(e.Languages, " "))
	row("licence", strings.TrimSpace(e.Licence.SPDX+" "+e.Licence.URL))
	row("attribution", e.Licence.Attribution)
	row("digest", e.Digest())
	row("path", path)
	for i, s := range e.Sources {
		row(fmt.Sprintf("source %d", i+1), s)
	}
	if len(e.Files) > 1 {
		for _, f := range e.Files {
			row("file", fmt.Sprintf("%s  %s, SHA-256 %s", f.Name, fetch.Bytes(f.Size), f.SHA256))
		}
	}
	for _, s := range e.Speeds {
		row("speed", fmt.Sprintf("%g %s (%s, %s)", s.Value, s.Of, s.On, s.Date))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.printMeasured(e)
}

// rolesText names the roles of a model, and those that it is the default for.
func rolesText(c *catalogue.Catalogue, e *catalogue.Entry) string {
	var roles []string
	for _, r := range llm.Roles {
		if e.Has(r) {
			text := string(r)
			if c.Defaults[r] == e.Name {
				text += " (default)"
			}
			roles = append(roles, text)
		}
	}
	return strings.Join(roles, ", ")
}

// printMeasured prints the measured figures of a model.
func (a *app) printMeasured(e *catalogue.Entry) error {
	if len(e.Measured) == 0 {
		text := "\nNot measured.\n"
		if !e.Tested {
			text = "\nNot tested here.\n"
		}
		_, err := fmt.Fprint(a.out, text)
		return err
	}
	fmt.Fprintln(a.out)
	w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FUNCTION\tMETRIC\tVALUE\t95 %\tPLAIN PROMPT\tDATA\tROWS\tPRECISION\tDATE")
	figures := slices.Clone(e.Measured)
	slices.SortStableFunc(figures, func(a, b catalogue.Figure) int { return strings.Compare(a.Function, b.Function) })
	var notes []string // below the table, which they would make too wide
	for _, f := range figures {
		interval, rows := "", ""
		if f.Low != 0 || f.High != 0 {
			interval = figureText(f.Low) + " to " + figureText(f.High)
		}
		if f.Rows > 0 {
			rows = fmt.Sprint(f.Rows)
		}
		data := f.Data
		if f.Note != "" {
			notes = append(notes, f.Note)
			data += fmt.Sprintf(" [%d]", len(notes))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Function, f.Metric, figureText(f.Value), interval, plainText(f), data, rows, f.Precision, f.Date)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, n := range notes {
		fmt.Fprintf(a.out, "[%d] %s\n", i+1, n)
	}
	return nil
}

// plainText writes the value of a plain prompt, or nothing if it was not measured.
func plainText(f catalogue.Figure) string {
	if f.Plain == nil {
		return ""
	}
	return figureText(*f.Plain)
}
