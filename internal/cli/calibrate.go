package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/eval/metric"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/spark"
)

// calibrateFlags are the flags of firesteel calibrate.
type calibrateFlags struct {
	evalFlags
	accuracy, precision, recall, delta float64
	of                                 string // label of precision and recall
	to                                 string
	output                             string
}

// cascade is what firesteel calibrate writes.
type cascade struct {
	Function  string            `json:"function"`
	Arguments json.RawMessage   `json:"arguments,omitempty"`
	Options   map[string]string `json:"options"` // to be added to those of the function
	Promises  []promise         `json:"promises"`
	Delta     float64           `json:"delta"` // all promises hold with probability 1 - delta
	Rows      int               `json:"rows"`
	Kept      int               `json:"kept"`
	Right     int               `json:"right"` // of those that are kept
	Models    string            `json:"models"`
}

// promise is a figure that a cascade keeps.
type promise struct {
	Figure string  `json:"figure"`          // accuracy, precision or recall
	Label  string  `json:"label,omitempty"` // of precision and recall
	Target float64 `json:"target"`
	Bound  float64 `json:"bound"` // the figure is at least this
	// Rows are the rows that the figure refers to: those with the label, or the answers that are kept.
	Rows  int `json:"rows"`
	Right int `json:"right"`
}

func (a *app) calibrate() *cobra.Command {
	var f calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate [FILE]",
		Short: "Choose which rows go on to a larger model",
		Long: `Asks a function about labelled rows, and chooses the probability from which its
answers are kept. The rows below it go to a larger model, by two options of the
function:

  ai_predict(text, 'topic', MAP('escalate_below', '0.87', 'escalate_to', 'big'))

The probability is the smallest that keeps what is asked for:
  --accuracy P   of the answers that are kept, a share of P is right
  --precision P  of the answers --of LABEL that are kept, a share of P is right
  --recall P     of the rows of --of LABEL, a share of P is kept with this label or
                 sent to the larger model
--recall goes with either of the others. Without any, it is --accuracy 0.95.

Of all tables like the labelled rows, these hold with probability 1 - delta: the
bound is exact for any number of rows. Rows that had no part in fitting must be
taken. If no probability holds, the command fails: label more rows, or ask for
less.

FILE has a format of 'firesteel run'. With --remote, the function is asked on
Spark, about the rows of FILE, --table or --query.`,
		Example: `  firesteel calibrate checked.csv --function ai_predict --args '{"model": "topic"}' --model topic=./topic.safetensors --input text --label topic --accuracy 0.95 --to big
  firesteel calibrate checked.csv --function ai_classify --input text --label topic --accuracy 0.9 --delta 0.1 --to big -o cascade.json
  firesteel calibrate checked.csv --function ai_filter --args '{"predicate": "the customer wants money back"}' --input text --label refund --recall 0.95 --to big`,
		Args: atMostOneFile(&f.path),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.recording(ctx, f.records, "calibrate", func(ctx context.Context) error { return a.runCalibrate(ctx, f) })
		},
	}
	f.ship.addModels(c)
	flags := c.Flags()
	flags.StringVar(&f.ship.precision, "model-precision", "auto", "precision of the weights in memory (--precision of other commands): auto, f32, int8 or file")
	flags.StringVarP(&f.function, "function", "f", "", "the function: ai_predict, ai_classify or ai_filter")
	flags.StringVarP(&f.input, "input", "i", "", "column of the text; in JSON, a.b is the member b of a")
	flags.StringVarP(&f.label, "label", "l", "", "column of the expected answer")
	flags.StringVar(&f.arguments, "args", "", `the other arguments, as JSON: {"labels": ["a", "b"]}`)
	flags.StringToStringVar(&f.renamed, "map", nil, "labels of the data and the labels of the function that they stand for: 1=positive,0=negative")
	flags.Float64Var(&f.accuracy, "accuracy", 0, "share of the answers that are kept that must be right (default: 0.95 without --precision and --recall)")
	flags.Float64Var(&f.precision, "precision", 0, "share of the answers --of that are kept that must be right")
	flags.Float64Var(&f.recall, "recall", 0, "share of the rows --of a label that must be kept with it, or sent on")
	flags.StringVar(&f.of, "of", "", "label of --precision and --recall (default: true, for ai_filter)")
	flags.Float64Var(&f.delta, "delta", 0.05, "probability with which a share may be smaller")
	flags.StringVar(&f.to, "to", "big", "name of the larger model in the queries")
	optionalInt(flags, &f.limit, "limit", "n", "rows to read (default: all)")
	flags.StringVar(&f.text.format, "format", "", "csv, tsv, json, parquet or text (default: by the file's name)")
	f.text.add(flags)
	flags.BoolVar(&f.text.headless, "no-header", false, "the file has no header; its columns have the names 1, 2, ...")
	flags.StringVar(&f.remote, "remote", "", "address of a Spark Connect server to run on, sc://host:port/;key=value")
	flags.StringVar(&f.table, "table", "", "table or view of Spark to read, with --remote")
	flags.StringVar(&f.query, "query", "", "query of Spark to read, with --remote")
	addOTLP(c, &f.records.otlp)
	flags.StringVarP(&f.output, "output", "o", "", "file for the result, as JSON")
	flags.BoolVar(&f.overwrite, "overwrite", false, overwriteUsage)
	return c
}

// escalates lists the functions that send rows on.
var escalates = map[string]bool{"ai_predict": true, "ai_classify": true, "ai_filter": true}

// promises lists what the flags ask for, without bounds.
func (f *calibrateFlags) promises() ([]promise, error) {
	var all []promise
	// Recall is first: it grows with the probability, which the others need not do.
	for _, p := range []promise{{Figure: "recall", Label: f.of, Target: f.recall}, {Figure: "precision", Label: f.of, Target: f.precision}, {Figure: "accuracy", Target: f.accuracy}} {
		if p.Target != 0 {
			all = append(all, p)
		}
		if !(p.Target >= 0 && p.Target < 1) {
			return nil, usagef("--%s must be between 0 and 1", p.Figure)
		}
	}
	if all == nil {
		all = []promise{{Figure: "accuracy", Target: 0.95}}
	}
	labelled := f.precision != 0 || f.recall != 0
	switch {
	case f.accuracy != 0 && f.precision != 0:
		return nil, usagef("--accuracy and --precision exclude each other; either goes with --recall")
	case labelled && f.of == "":
		return nil, usagef("--precision and --recall are those of a label; name it by --of")
	case !labelled && f.of != "" && f.function != "ai_filter":
		return nil, usagef("--of names the label of --precision or --recall; give one of them")
	}
	return all, nil
}

func (a *app) runCalibrate(ctx context.Context, f calibrateFlags) error {
	if f.of == "" && f.function == "ai_filter" {
		f.of = "true"
	}
	promises, err := f.promises()
	switch {
	case !escalates[f.function]:
		return usagef("--function is ai_predict, ai_classify or ai_filter")
	case err != nil:
		return err
	case !(f.delta > 0 && f.delta < 1):
		return usagef("--delta must be between 0 and 1")
	case f.to == "":
		return usagef("--to names the larger model")
	}
	o, err := f.check()
	if err != nil {
		return err
	}
	o.Data, o.ShowContent = a.data(f.evalFlags), a.logContent
	var session *spark.Session
	if f.remote != "" {
		if session, err = a.connect(ctx, f.remote, f.ship); err != nil {
			return err
		}
		defer session.Close()
	}
	rows, err := a.evalRows(ctx, f.evalFlags, session)
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
	if err := a.askModel(ctx, f.ship, e, false, session); err != nil {
		return err
	}
	judged, models := e.Judged()
	result := cascade{Function: f.function, Promises: promises, Delta: f.delta, Rows: len(judged), Models: models}
	if f.arguments != "" {
		result.Arguments = json.RawMessage(f.arguments)
	}
	right := countJudged(judged, rightAnswer)
	fmt.Fprintf(a.out, "%s on %s: %d of %d answers are right, %.3f\n", f.function, o.Data, right, len(judged), float64(right)/float64(len(judged)))
	if err := result.keep(judged, f.to); err != nil {
		return err
	}
	result.write(a.out)
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

func rightAnswer(j eval.Judged) bool { return j.Answer == j.Gold }

func countJudged(rows []eval.Judged, is func(eval.Judged) bool) (n int) {
	for _, j := range rows {
		if is(j) {
			n++
		}
	}
	return n
}

// keep chooses the smallest probability that keeps all promises.
func (c *cascade) keep(judged []eval.Judged, to string) error {
	threshold := 0.0
	for i := range c.Promises {
		p := &c.Promises[i]
		var right []bool
		var probability []float64
		of, counts := metric.OfKept, func(j eval.Judged) bool { return p.Figure == "accuracy" || j.Answer == p.Label }
		if p.Figure == "recall" {
			of, counts = metric.OfAll, func(j eval.Judged) bool { return j.Gold == p.Label }
		}
		for _, j := range judged {
			if counts(j) {
				right, probability = append(right, rightAnswer(j)), append(probability, j.Probability)
			}
		}
		// Each promise has its part of delta, so that all hold together.
		kept, ok := metric.Keep(right, probability, of, metric.Goal{Target: p.Target, Delta: c.Delta / float64(len(c.Promises)), From: threshold})
		if !ok {
			return fmt.Errorf("no probability keeps %s of %g with probability %g on these %d rows: label more rows, or lower --%s", p.name(), p.Target, 1-c.Delta, len(right), p.Figure)
		}
		threshold, p.Bound, p.Rows, p.Right = kept.Threshold, kept.Bound, kept.Rows, kept.Right
	}
	at := func(j eval.Judged) bool { return j.Probability >= threshold }
	c.Kept = countJudged(judged, at)
	c.Right = countJudged(judged, func(j eval.Judged) bool { return at(j) && rightAnswer(j) })
	c.Options = map[string]string{"escalate_below": fmt.Sprint(threshold), "escalate_to": to}
	return nil
}

// name is the figure with its label.
func (p *promise) name() string {
	if p.Label == "" {
		return "an " + p.Figure
	}
	return fmt.Sprintf("a %s of %s", p.Figure, p.Label)
}

// write prints the result.
func (c *cascade) write(w io.Writer) {
	fmt.Fprintf(w, "kept from a probability of %s: %d of %d rows, of which %d are right, %.3f\n", c.Options["escalate_below"], c.Kept, c.Rows, c.Right, float64(c.Right)/float64(max(1, c.Kept)))
	for _, p := range c.Promises {
		fmt.Fprintf(w, "%s of at least %.3f with probability %g\n", p.name(), p.Bound, 1-c.Delta)
	}
	options := make([]string, 0, 4)
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		options = append(options, "'"+name+"'", "'"+strings.ReplaceAll(c.Options[name], "'", "''")+"'")
	}
	fmt.Fprintf(w, "sent on: %.1f %% of the rows\noptions: MAP(%s)\n", 100-100*float64(c.Kept)/float64(c.Rows), strings.Join(options, ", "))
}
