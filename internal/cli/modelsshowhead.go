package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/llm"
)

// isHeadFile reports whether an argument is the file of a head, which need not be
// well-formed.
func isHeadFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && strings.HasSuffix(strings.ToLower(path), ".safetensors")
}

// shownLabels is the number of labels that are listed.
const shownLabels = 20

// showHead prints what a head says of itself.
func (a *app) showHead(path string, asJSON bool) error {
	h, err := head.Read(path)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(h.Description)
	}
	fmt.Fprintf(a.out, "%s: predicts %s, fitted by firesteel fit\n\n", path, h.Predicts)
	w := tabwriter.NewWriter(a.out, 0, 4, 3, ' ', 0)
	row := func(field, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", field, value)
		}
	}
	row("apply by", fitFunction[h.Predicts])
	if h.Predicts != llm.PredictsNumber {
		labels := slices.Clone(h.Labels[:min(len(h.Labels), shownLabels)])
		text := strings.Join(labels, ", ")
		if more := len(h.Labels) - len(labels); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		row("labels", fmt.Sprintf("%d: %s", len(h.Labels), text))
		row("temperature", fmt.Sprintf("%g", h.Temperature))
		row("threshold", fmt.Sprintf("%g", h.Threshold))
		row("none of the labels", h.None)
		row("class weights", h.ClassWeights)
	}
	row("embedder", fmt.Sprintf("%s, role %s, %d dimensions, %s, %s", h.Embedder.Name, h.Embedder.Role, h.Embedder.Dimensions, h.Embedder.Precision, h.Embedder.Engine))
	row("its digest", h.Embedder.Digest)
	regularization := fmt.Sprintf("C = %g", h.C)
	if h.Names > 0 {
		regularization += fmt.Sprintf(", drawn to the names of the labels with the weight %g", h.Names)
	}
	row("regularization", regularization)
	row("rows", fmt.Sprintf("%d, of which %d were held out to measure", h.Data.Rows, h.Data.HeldOut))
	row("digest of the data", h.Data.Digest)
	row("labelled by", h.Data.LabelledBy)
	row("with the model", h.Data.By)
	row("seed", fmt.Sprint(h.Data.Seed))
	row("versions", strings.Join(h.Versions, ", "))
	row("date", h.Created)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	for _, f := range h.Figures {
		fmt.Fprintf(w, "%s\t%s\t%s to %s\n", f.Name, fmt.Sprintf("%.3f", f.Value), fmt.Sprintf("%.3f", f.Low), fmt.Sprintf("%.3f", f.High))
	}
	return w.Flush()
}
