package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
)

// calibrateFlags are the flags of firesteel calibrate.
type calibrateFlags struct {
	evalFlags
	accuracy, delta float64
	to              string
	output          string
}

// cascade is what firesteel calibrate writes.
type cascade struct {
	Function  string            `json:"function"`
	Arguments json.RawMessage   `json:"arguments,omitempty"`
	Options   map[string]string `json:"options"` // to be added to those of the function
	Accuracy  float64           `json:"accuracy"`
	Delta     float64           `json:"delta"`
	Bound     float64           `json:"bound"` // the accuracy of what is kept is at least this
	Rows      int               `json:"rows"`
	Kept      int               `json:"kept"`
	Right     int               `json:"right"`
	Models    string            `json:"models"`
}

func (a *app) calibrate() *cobra.Command {
	var f calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate FILE",
		Short: "Choose which rows go on to a larger model",
		Long: `Asks a function about labelled rows, and chooses the probability from which its
answers are right in a given share of the rows. The rows below it go to a larger
model, by two options of the function:

  ai_predict(text, 'topic', MAP('escalate_below', '0.87', 'escalate_to', 'big'))

Of all tables like the labelled rows, the answers that are kept have the accuracy
with probability 1 - delta: the bound is exact for any number of rows. Rows that
had no part in fitting must be taken. If no probability keeps the accuracy, the
command fails: label more rows, or ask for less.`,
		Example: `  firesteel calibrate checked.csv --function ai_predict --args '{"model": "topic"}' --model topic=./topic.safetensors --input text --label topic --accuracy 0.95 --to big
  firesteel calibrate checked.csv --function ai_classify --input text --label topic --accuracy 0.9 --delta 0.1 --to big -o cascade.json`,
		Args: oneFile(&f.path),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.runCalibrate(ctx, f)
		},
	}
	f.ship.addModels(c)
	flags := c.Flags()
	flags.StringVar(&f.ship.precision, "precision", "auto", "precision of the weights in memory: auto, f32, int8 or file")
	flags.StringVarP(&f.function, "function", "f", "", "the function: ai_predict, ai_classify or ai_filter")
	flags.StringVarP(&f.input, "input", "i", "", "column of the text; in JSON, a.b is the member b of a")
	flags.StringVarP(&f.label, "label", "l", "", "column of the expected answer")
	flags.StringVar(&f.arguments, "args", "", `the other arguments, as JSON: {"labels": ["a", "b"]}`)
	flags.StringToStringVar(&f.renamed, "map", nil, "labels of the data and the labels of the function that they stand for: 1=positive,0=negative")
	flags.Float64Var(&f.accuracy, "accuracy", 0.95, "share of the answers that are kept that must be right")
	flags.Float64Var(&f.delta, "delta", 0.05, "probability with which the share may be smaller")
	flags.StringVar(&f.to, "to", "big", "name of the larger model in the queries")
	optionalInt(flags, &f.limit, "limit", "n", "rows to read (default: all)")
	flags.StringVar(&f.text.format, "format", "", "csv, tsv, json, parquet or text (default: by the file's name)")
	f.text.add(flags)
	flags.BoolVar(&f.text.headless, "no-header", false, "the file has no header; its columns have the names 1, 2, ...")
	flags.StringVarP(&f.output, "output", "o", "", "file for the result, as JSON")
	flags.BoolVar(&f.overwrite, "overwrite", false, overwriteUsage)
	return c
}

// escalates lists the functions that send rows on.
var escalates = map[string]bool{"ai_predict": true, "ai_classify": true, "ai_filter": true}

func (a *app) runCalibrate(ctx context.Context, f calibrateFlags) error {
	switch {
	case !escalates[f.function]:
		return usagef("--function is ai_predict, ai_classify or ai_filter")
	case !(f.accuracy > 0 && f.accuracy < 1) || !(f.delta > 0 && f.delta < 1):
		return usagef("--accuracy and --delta must be between 0 and 1")
	case f.to == "":
		return usagef("--to names the larger model")
	}
	o, err := f.check()
	if err != nil {
		return err
	}
	o.Data, o.ShowContent = a.data(f.evalFlags), a.logContent
	rows, err := a.evalRows(ctx, f.evalFlags, nil)
	if err != nil {
		return evalHint(f.evalFlags, err)
	}
	e, err := eval.New(o, rows)
	if err != nil {
		return evalHint(f.evalFlags, err)
	}
	var out *atomicfile.File
	if f.output != "" {
		if out, err = createFile("-o", f.output, atomicfile.Options{Overwrite: f.overwrite, Inputs: f.inputs()}); err != nil {
			return err
		}
		defer out.Abort()
	}
	if err := a.askModel(ctx, f.ship, e, false, nil); err != nil {
		return err
	}
	right, sure, models := e.Sure()
	kept, ok := metric.KeepAccuracy(right, sure, f.accuracy, f.delta)
	n := 0
	for _, r := range right {
		if r {
			n++
		}
	}
	fmt.Fprintf(a.out, "%s on %s: %d of %d answers are right, %.3f\n", f.function, o.Data, n, len(right), float64(n)/float64(len(right)))
	if !ok {
		return fmt.Errorf("no probability keeps an accuracy of %g with probability %g on these %d rows: label more rows, or lower --accuracy", f.accuracy, 1-f.delta, len(right))
	}
	result := cascade{Function: f.function, Options: map[string]string{"escalate_below": fmt.Sprint(kept.Threshold), "escalate_to": f.to}, Accuracy: f.accuracy, Delta: f.delta,
		Bound: kept.Bound, Rows: len(right), Kept: kept.Rows, Right: kept.Right, Models: models}
	if f.arguments != "" {
		result.Arguments = json.RawMessage(f.arguments)
	}
	fmt.Fprintf(a.out, "kept from a probability of %g: %d of %d rows, of which %d are right, %.3f, and at least %.3f with probability %g\n", kept.Threshold, kept.Rows, len(right), kept.Right,
		float64(kept.Right)/float64(kept.Rows), kept.Bound, 1-f.delta)
	fmt.Fprintf(a.out, "sent on: %.1f %% of the rows\noptions: MAP('escalate_below', '%g', 'escalate_to', '%s')\n", 100-100*float64(kept.Rows)/float64(len(right)), kept.Threshold, f.to)
	if out == nil {
		return nil
	}
	w := json.NewEncoder(out)
	w.SetIndent("", "  ")
	if err := w.Encode(result); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return fmt.Errorf("-o: %w", overwriteHint(err))
	}
	fmt.Fprintln(a.err, "written:", f.output)
	return nil
}
