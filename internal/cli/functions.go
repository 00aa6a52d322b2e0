package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
)

func (a *app) functions() *cobra.Command {
	return &cobra.Command{
		Use:     "functions [name]",
		Short:   "List the AI functions, or explain one",
		Example: "  firesteel functions\n  firesteel functions ai_classify",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%w: '%s' takes one function's name, but got %q", errUsage, c.CommandPath(), args)
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, f := range ai.All() {
				if len(args) == 0 && strings.HasPrefix(f.Name, start) {
					names = append(names, f.Name+"\t"+f.Summary)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.explainFunction(args[0])
			}
			return a.listFunctions()
		},
	}
}

func (a *app) listFunctions() error {
	w := tabwriter.NewWriter(a.out, 0, 4, 3, ' ', 0)
	for _, f := range ai.All() {
		if f.Of == nil {
			fmt.Fprintf(w, "%s\t%s\n", f.Signature(), f.Summary)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.out, "\nEach also as try_ai_...: it gives a row's error beside its result.")
	return err
}

func (a *app) explainFunction(name string) error {
	f, err := ai.Lookup(strings.ToLower(strings.TrimSuffix(name, "()")))
	if err != nil {
		return fmt.Errorf("%w: %w; 'firesteel functions' lists them", errUsage, err)
	}
	returns := strings.TrimSpace(indent(wrap(f.Returns.String(), 71), "       "))
	fmt.Fprintf(a.out, "%s\n    -> %s\n\n%s\n\n", f.Signature(), returns, wrap("It "+f.Summary+".", 78))
	for _, p := range f.Params {
		about := p.About
		if p.Optional {
			about += " (optional)"
		}
		fmt.Fprintf(a.out, "  %s  %s\n%s\n", p.Name, p.Type, indent(wrap(about, 72), "      "))
	}
	fmt.Fprintf(a.out, "\n%s\n", wrap(f.Detail, 78))
	models := ai.Models(f)
	if !f.WithoutModel() {
		models = "Good enough: " + models
	}
	fmt.Fprintf(a.out, "\n%s\n", wrap(models, 78))
	if f.Measured != "" {
		fmt.Fprintf(a.out, "\n%s\n", wrap("Measured: "+f.Measured, 78))
	}
	if f.Weakness != "" {
		fmt.Fprintf(a.out, "\n%s\n", wrap("Known weakness: "+f.Weakness, 78))
	}
	if f.Differs != "" {
		fmt.Fprintf(a.out, "\n%s\n", wrap("Differences from Databricks: "+f.Differs, 78))
	}
	_, err = fmt.Fprintf(a.out, "\nExample:\n  %s\n", f.Example)
	return err
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }

// wrap breaks text into lines of at most width characters, between words.
func wrap(text string, width int) string {
	var b strings.Builder
	line := 0
	for _, word := range strings.Fields(text) {
		if line > 0 && line+1+len(word) > width {
			b.WriteByte('\n')
			line = 0
		}
		if line > 0 {
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String()
}
