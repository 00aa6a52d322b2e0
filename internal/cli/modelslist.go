package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
	"github.com/firesteel/firesteel/llm/models"
)

// modelsFlags select the models of a list.
type modelsFlags struct {
	role               string
	downloaded, asJSON bool
}

// listedModel is a model of the list: of the catalogue, or another one on this
// machine.
type listedModel struct {
	Name       string             `json:"name,omitempty"` // in the catalogue
	Reference  string             `json:"reference"`
	About      string             `json:"about,omitempty"`
	Roles      []llm.ModelRole    `json:"roles,omitempty"`
	DefaultFor []llm.ModelRole    `json:"default_for,omitempty"`
	Size       int64              `json:"size"` // bytes; 0 if unknown
	Parameters int64              `json:"parameters,omitempty"`
	Licence    string             `json:"licence,omitempty"`
	Downloaded bool               `json:"downloaded"`
	Path       string             `json:"path,omitempty"`
	Best       []catalogue.Figure `json:"best,omitempty"` // functions that the model is good enough for
	Tested     bool               `json:"tested"`
	measured   bool
}

// maxBest limits the functions that a line of the list names.
const maxBest = 3

func (a *app) listModels(c *cobra.Command, f modelsFlags) error {
	role := llm.ModelRole(f.role)
	if f.role != "" && !slices.Contains(llm.Roles, role) {
		return fmt.Errorf("%w: --role is text, embed, tag or rank, not %q", errUsage, f.role)
	}
	ctx, stop := interruptible(c)
	defer stop()
	all, err := catalogue.Current()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	var list []listedModel
	here := map[string]bool{} // paths of models of the catalogue
	for _, name := range all.Names() {
		e := all.Models[name]
		r, err := models.Parse(name)
		if err != nil {
			return err
		}
		m := listedModel{
			Name: name, Reference: name, About: e.About, Roles: e.Roles, Size: e.Size, Parameters: e.Parameters,
			Licence: e.Licence.SPDX, Best: all.Best(e), Tested: e.Tested, measured: len(e.Measured) > 0,
		}
		for _, r := range llm.Roles {
			if all.Defaults[r] == name {
				m.DefaultFor = append(m.DefaultFor, r)
			}
		}
		switch local, err := models.Local(ctx, r); {
		case err == nil:
			m.Downloaded, m.Path, m.Size = true, local.Path(), local.Size
			here[local.Path()] = true
		case !errors.Is(err, fs.ErrNotExist):
			fmt.Fprintln(a.err, err)
		}
		if (f.role == "" || e.Has(role)) && (m.Downloaded || !f.downloaded) {
			list = append(list, m)
		}
	}
	others, err := models.List()
	if err != nil {
		return err
	}
	for _, m := range others {
		if !here[m.Path()] && f.role == "" {
			list = append(list, listedModel{Reference: m.Reference.String(), Size: m.Size, Downloaded: true, Path: m.Path()})
		}
	}
	if f.asJSON {
		return a.printJSON(map[string]any{"models": list})
	}
	return a.printModels(list)
}

// printModels prints two tables: the models of the catalogue, and the others.
func (a *app) printModels(list []listedModel) error {
	w := tabwriter.NewWriter(a.out, 0, 4, 3, ' ', 0)
	named := slices.IndexFunc(list, func(m listedModel) bool { return m.Name == "" })
	if named < 0 {
		named = len(list)
	}
	if named > 0 {
		fmt.Fprintln(w, "NAME\tROLE\tSIZE\tLICENCE\tHERE\tGOOD AT")
	}
	for _, m := range list[:named] {
		var roles []string
		for _, r := range m.Roles {
			text := string(r)
			if slices.Contains(m.DefaultFor, r) {
				text += "*"
			}
			roles = append(roles, text)
		}
		here := "no"
		if m.Downloaded {
			here = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, strings.Join(roles, " "), sizeText(m.Size), m.Licence, here, m.goodAt())
	}
	if others := list[named:]; len(others) > 0 {
		if named > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, "OTHER REFERENCE\tSIZE\tPATH")
		for _, m := range others {
			fmt.Fprintf(w, "%s\t%s\t%s\n", m.Reference, sizeText(m.Size), m.Path)
		}
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "There is no such model.")
	}
	if err := w.Flush(); err != nil || named == 0 {
		return err
	}
	_, err := fmt.Fprintln(a.out, "\n* is the default. 'firesteel models get NAME' downloads a model, 'firesteel models show NAME' shows all its figures.")
	return err
}

// goodAt names the functions that a model is good enough for.
func (m listedModel) goodAt() string {
	switch {
	case !m.Tested && !m.measured:
		return "not tested here"
	case !m.measured:
		return "not measured"
	case len(m.Best) == 0:
		return "-"
	}
	var best []string
	for _, f := range m.Best[:min(len(m.Best), maxBest)] {
		best = append(best, fmt.Sprintf("%s %s", f.Function, figureText(f.Value)))
	}
	if len(m.Best) > maxBest {
		best = append(best, fmt.Sprintf("and %d more", len(m.Best)-maxBest))
	}
	return strings.Join(best, ", ")
}

func sizeText(n int64) string {
	if n == 0 {
		return ""
	}
	return fetch.Bytes(n)
}

// figureText writes a figure between 0 and 1 with two digits, and others as they
// are.
func figureText(v float64) string { return catalogue.FigureText(v) }
