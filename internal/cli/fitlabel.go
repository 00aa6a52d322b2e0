package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/fit"
	"github.com/firesteel/firesteel/internal/job"
)

// labelColumn is the column that --label-with computes.
const labelColumn = "firesteel_label"

// sampleTexts returns the first n distinct texts in the order of the hashes of seed and text, so that
// the sample does not depend on the order of the rows. n of 0 takes all.
func sampleTexts(rows []eval.Row, seed uint64, n int) []eval.Row {
	type hashed struct {
		eval.Row
		sum [sha256.Size]byte
	}
	var all []hashed
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Input == nil || strings.TrimSpace(*r.Input) == "" || seen[*r.Input] {
			continue
		}
		seen[*r.Input] = true
		all = append(all, hashed{r, sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), *r.Input...))})
	}
	slices.SortFunc(all, func(a, b hashed) int {
		return cmp.Or(bytes.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.Number, b.Number))
	})
	if n > 0 {
		all = all[:min(n, len(all))]
	}
	sampled := make([]eval.Row, len(all))
	for i, h := range all {
		sampled[i] = h.Row
	}
	return sampled
}

// labelSample replaces the rows by a sample that the expression of --label-with labels.
func (s *fitSource) labelSample(ctx context.Context) error {
	f := s.flags
	s.data = sampleTexts(s.data, f.seed, f.sample)
	if len(s.data) == 0 {
		return fmt.Errorf("no row has a text to label")
	}
	o := f.asking
	o.ship, o.add = f.ship, []string{labelColumn + "=" + f.labelWith}
	r := &fileRun{fileJob: fileJob{app: s.app, options: &o}, options: &runOptions{jobOptions: o}}
	defer r.fileJob.close()
	r.executor.In = textsOf(f.input, s.data)
	if err := r.bind(o.spec()); err != nil {
		return fmt.Errorf("--label-with: %w", err)
	}
	out := &labelWriter{column: r.plan.Output.NumFields() - 1}
	r.executor.Out = out
	for _, step := range []func(context.Context) error{r.openLedger, r.openModels} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	meter := newJobMeter(s.err, "labels of "+f.input)
	r.executor.Progress, r.executor.Every = meter.step, meter.every
	summary, err := r.executor.Run(ctx, r.plan)
	meter.end()
	if err != nil {
		return err
	}
	r.printSummary(summary)
	if len(out.labels) != len(s.data) {
		return fmt.Errorf("%d of %d rows were labelled", len(out.labels), len(s.data))
	}
	for i := range s.data {
		s.data[i].Label = out.labels[i]
	}
	s.labelledBy = s.maskedSQL(f.labelWith)
	var by []string
	for _, info := range job.Infos(r.models, r.plan.Asks()) {
		if info.Name != "" && !slices.Contains(by, info.Name) {
			by = append(by, info.Name)
		}
	}
	s.labellers = strings.Join(by, ", ")
	return nil
}

// textsOf returns a table of the texts of rows, with one column.
func textsOf(name string, rows []eval.Row) *textRows {
	t := &textRows{schema: arrow.NewSchema([]arrow.Field{{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}}, nil)}
	for _, r := range rows {
		t.rows = append(t.rows, []string{*r.Input})
	}
	return t
}

// labelWriter is a files.Writer that keeps the labels: a text, the field label of a STRUCT, and other
// values as JSON.
type labelWriter struct {
	column int
	labels []*string
}

func (w *labelWriter) Write(batch arrow.RecordBatch) error {
	for i := range int(batch.NumRows()) {
		b, err := files.AppendJSON(nil, batch.Column(w.column), i)
		if err != nil {
			return err
		}
		w.labels = append(w.labels, labelOf(b))
	}
	return nil
}

func labelOf(value []byte) *string {
	text := string(value)
	var parts struct{ Label *string }
	switch {
	case text == "null":
		return nil
	case value[0] == '"':
		if json.Unmarshal(value, &text) != nil {
			return nil
		}
	case value[0] == '{' && json.Unmarshal(value, &parts) == nil:
		return parts.Label
	}
	return &text
}

func (w *labelWriter) Close() error { return nil }
func (w *labelWriter) Abort()       {}

// agreement returns an error if a fit agrees with the model that made its labels in too few rows.
func agreement(r *fit.Result, least *float64) error {
	if least == nil {
		return nil
	}
	figure := r.Figures[0]
	if figure.Name == "mean absolute error" {
		figure = r.Figures[2]
	}
	if figure.Value >= *least {
		return nil
	}
	return fmt.Errorf("the %s with the labels is %.3f (%.3f to %.3f), below --min-agreement %g: no file is written; label more rows by --sample, or lower it", figure.Name, figure.Value, figure.Low, figure.High, *least)
}

// writeSuggestions writes rows to be labelled as CSV.
func writeSuggestions(w io.Writer, f fitFlags, all []fit.Suggestion, text func(fit.Row) string) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"row", f.input, f.label, "predicted", "probability"}) // Flush reports errors
	for _, s := range all {
		_ = out.Write([]string{fmt.Sprint(s.Row.Number), text(s.Row), "", s.Label, fmt.Sprintf("%.3f", s.Probability)})
	}
	out.Flush()
	return out.Error()
}
