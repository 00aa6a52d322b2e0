package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/fit"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/mlflow"
	"github.com/firesteel/firesteel/internal/report"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/internal/version"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// fitFlags are the flags of firesteel fit.
type fitFlags struct {
	ship         shipFlags
	text         textFlags
	path         string // "-" is standard input; "" if Spark reads the data
	input, label string
	output       string
	predicts     string
	separator    string
	none         string
	threshold    *float64
	balanced     bool
	features     []string
	limit        *int64
	remote       string
	table, query string
	seed         uint64
	suspects     int
	date         string
	report       string
	overwrite    bool
	mlflow       string
	experiment   string
	records      recordFlags

	labels       string // comma-separated, or JSON
	labelWith    string // the expression that makes the labels
	asking       jobOptions
	sample       int
	minAgreement *float64
	suggest      int
}

func (a *app) fit() *cobra.Command {
	var f fitFlags
	c := &cobra.Command{
		Use:   "fit [FILE]",
		Short: "Learn from labelled rows, for ai_predict",
		Long: `Fits a model that predicts the label of a text from its vector, and writes it to
one small file. ai_predict applies the file in files, SQL, DataFrames and streams:

  firesteel fit tickets.csv --input text --label topic -o topic.safetensors
  firesteel run new.csv --model topic=./topic.safetensors --add "p=ai_predict(text, 'topic')"

The vectors are those of the model of the role embed. The model is linear:
logistic regression, or ridge regression of a number. Cross-validation chooses its
regularization; with fewer than 20 rows of a label, it also reads the names of the
labels. A fifth of the rows is held out: it gives the figures, and how the
accuracy grows with the number of rows. The model in the file is fitted on all
rows. The same rows, in any order, give the same file.

The labels may come from a larger model: --label-with has an expression such as
ai_classify(text, array('a', 'b')), which labels --sample rows, through the ledger
and within budgets. Then the figures say how well the fitted model agrees with it.

With --suggest N, no model is written: -o is a CSV of N rows without a label whose
labels would help most, to be filled in.

FILE has a format of 'firesteel run'; '-' is standard input. With --remote, FILE,
--table or --query is read by Spark, whose executors compute the vectors: only
vectors and labels leave them. Rows without a label are left out.`,
		Example: `  firesteel fit tickets.csv --input text --label topic -o topic.safetensors --report fit.html
  firesteel fit tickets.jsonl --input body --label tags --predicts labels -o tags.safetensors
  firesteel fit reviews.parquet --input text --label stars --predicts number -o stars.safetensors
  firesteel fit tickets.csv --input text --label-with "ai_classify(text, array('billing', 'delivery'))" --model big=qwen2.5-coder-1.5b --sample 1000 --min-agreement 0.9 -o topic.safetensors
  firesteel fit tickets.csv --input text --label topic --suggest 50 -o label-these.csv
  firesteel fit --remote sc://localhost:15002 --table tickets --input body --label topic -o topic.safetensors`,
		Args: atMostOneFile(&f.path),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.recording(ctx, f.records, "fit", func(ctx context.Context) error { return a.runFit(ctx, f) })
		},
	}
	f.ship.add(c)
	flags := c.Flags()
	flags.StringVarP(&f.input, "input", "i", "", "column of the text; in JSON, a.b is the member b of a")
	flags.StringVarP(&f.label, "label", "l", "", "column of the label")
	flags.StringVarP(&f.output, "output", "o", "", "file to write, NAME.safetensors, or with --suggest NAME.csv")
	flags.StringVar(&f.labels, "labels", "", "labels that may have no row yet, as a,b or as JSON with descriptions: {\"a\": \"what a is\"}; with few rows, their names and descriptions help")
	flags.StringVar(&f.labelWith, "label-with", "", "expression that labels the rows, such as \"ai_classify(text, array('a', 'b'))\", instead of --label")
	flags.IntVar(&f.sample, "sample", 0, "number of texts to label with --label-with, chosen by hashes of seed and text (default: all)")
	optionalFloat(flags, &f.minAgreement, "min-agreement", "write no file if the fitted model agrees with the labels of --label-with in a smaller share of the held-out rows")
	flags.StringVar(&f.asking.ledger, "ledger", "", "directory that keeps answers of --label-with (default: ledger in firesteel's cache)")
	flags.BoolVar(&f.asking.noLedger, "no-ledger", false, "keep no answers on disk")
	optionalInt(flags, &f.asking.maxTokens, "max-tokens", "", "use at most this many tokens of prompts and answers for --label-with; rows beyond are left out")
	optionalFloat(flags, &f.asking.maxCost, "max-cost", "spend at most this much for --label-with, by --price")
	flags.StringVar(&f.asking.price, "price", "", "price of a million tokens of prompts and of a million tokens of answers, such as 0.15,0.60")
	optionalDuration(flags, &f.asking.maxTime, "max-time", "ask for at most this long for --label-with, such as 90m")
	optionalInt(flags, &f.asking.maxErrors, "max-errors", "", "stop asking after more errors than this (default: no bound)")
	flags.IntVar(&f.suggest, "suggest", 0, "write this many rows without a label whose labels would help most, and no model")
	flags.StringVar(&f.predicts, "predicts", "label", "what a row has: one label, labels (any number of them), or a number")
	flags.StringVar(&f.separator, "separator", ",", "divides several labels, unless they are a JSON list")
	flags.StringVar(&f.none, "none", "", "label of rows that have none of the labels: they choose the probability below which ai_predict returns no label")
	optionalFloat(flags, &f.threshold, "threshold", "probability below which ai_predict returns no label (default: 0; several labels: the best F1)")
	flags.BoolVar(&f.balanced, "balanced", false, "labels count equally, instead of rows: rare labels are found more often")
	flags.StringSliceVar(&f.features, "features", []string{"embed"}, "models whose vectors cross-validation compares: embed, text (the model of that role), or references")
	optionalInt(flags, &f.limit, "limit", "n", "rows to read (default: all)")
	flags.StringVar(&f.text.format, "format", "", "csv, tsv, json, parquet or text (default: by the file's name)")
	f.text.add(flags)
	flags.BoolVar(&f.text.headless, "no-header", false, "the file has no header; its columns have the names 1, 2, ...")
	flags.StringVar(&f.remote, "remote", "", "address of a Spark Connect server to compute the vectors on, sc://host:port/;key=value")
	flags.StringVar(&f.table, "table", "", "table or view of Spark to read, with --remote")
	flags.StringVar(&f.query, "query", "", "query of Spark to read, with --remote")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the intervals")
	flags.IntVar(&f.suspects, "suspects", 0, "number of rows to show whose label may be wrong, here and in the report (default: none)")
	flags.StringVar(&f.date, "date", "", "date to write into the file, such as 2026-12-01 (default: none, so that the same data give the same file)")
	flags.StringVar(&f.report, "report", "", "file for the report, as one HTML page")
	flags.BoolVar(&f.overwrite, "overwrite", false, overwriteUsage)
	addMLflow(c, &f.mlflow, &f.experiment)
	addOTLP(c, &f.records.otlp)
	return c
}

// check finds mistakes in the flags before anything is read.
func (f *fitFlags) check() error {
	sources := slices.DeleteFunc([]string{f.path, f.table, f.query}, func(s string) bool { return s == "" })
	switch {
	case len(sources) != 1:
		return usagef("name the labelled data: one of FILE, --table and --query")
	case f.path == "" && f.remote == "":
		return usagef("--table and --query are read by Spark; name it by --remote sc://host:port")
	case f.path != "" && f.remote != "":
		return usagef("with --remote, Spark reads the data: name a table or a query, such as --query \"SELECT * FROM csv.`/data/tickets.csv`\"")
	case f.input == "" || f.label == "" && f.labelWith == "":
		return usagef("name the columns by --input and --label")
	case f.label != "" && f.labelWith != "":
		return usagef("--label and --label-with exclude each other")
	case f.labelWith != "" && f.remote != "":
		return usagef("--label-with labels the rows of a file; on Spark, label a table by 'firesteel sql' or 'firesteel run --remote', and fit that")
	case f.labelWith == "" && (f.sample != 0 || f.minAgreement != nil || f.asking.any()):
		return usagef("--sample, --min-agreement and budgets are for --label-with")
	case f.sample < 0 || f.suggest < 0:
		return usagef("--sample and --suggest must be at least 0")
	case f.suggest > 0 && (f.remote != "" || f.labelWith != "" || f.predicts == string(llm.PredictsNumber)):
		return usagef("--suggest is for labels in a file")
	case f.suggest > 0 && f.mlflow != "":
		return usagef("--suggest fits nothing that --mlflow could record")
	case f.suggest > 0 && !strings.HasSuffix(f.output, ".csv"):
		return usagef("with --suggest, -o names the CSV file of the rows to label, as in -o label-these.csv")
	case f.output == "":
		return usagef("name the file to write, as in -o topic.safetensors")
	case f.suggest == 0 && !strings.HasSuffix(f.output, ".safetensors"):
		return usagef("-o %s: the name must end in .safetensors, by which the file is recognized", f.output)
	case !slices.Contains(llm.PredictionKinds, llm.PredictionKind(f.predicts)):
		return usagef("--predicts %q does not exist; write label, labels or number", f.predicts)
	case f.none != "" && f.predicts != string(llm.PredictsLabel):
		return usagef("--none is for --predicts label: a row of several labels may have an empty list, and a number is always there")
	case f.labels != "" && f.predicts != string(llm.PredictsLabel):
		return usagef("--labels is for --predicts label")
	case f.threshold != nil && !(*f.threshold >= 0 && *f.threshold <= 1):
		return usagef("--threshold must be a number from 0 to 1")
	case f.threshold != nil && f.predicts == string(llm.PredictsNumber), f.balanced && f.predicts == string(llm.PredictsNumber):
		return usagef("--threshold and --balanced are for labels, not for a number")
	case f.separator == "":
		return usagef("--separator must not be empty")
	case f.limit != nil && *f.limit < 1:
		return usagef("--limit must be at least 1")
	case f.suspects < 0:
		return usagef("--suspects must be at least 0")
	case len(f.features) == 0:
		return usagef("--features must name at least one model")
	}
	if _, _, err := f.givenLabels(); err != nil {
		return err
	}
	if f.date != "" {
		if _, err := time.Parse(time.DateOnly, f.date); err != nil {
			return usagef("--date %q is not a date such as 2026-12-01", f.date)
		}
	}
	if f.labelWith != "" {
		o := f.asking
		o.ship, o.add, o.badRows = f.ship, []string{labelColumn + "=" + f.labelWith}, "keep"
		return o.check()
	}
	return f.ship.check()
}

// any reports whether a flag of asking for labels is given.
func (o *jobOptions) any() bool {
	return o.ledger != "" || o.noLedger || o.maxTokens != nil || o.maxCost != nil || o.maxTime != nil || o.maxErrors != nil || o.price != ""
}

// fitData names the labelled data in reports.
func (a *app) fitData(f fitFlags) string {
	switch {
	case f.path == "-":
		return "standard input"
	case f.path != "":
		return filepath.Base(f.path)
	case f.table != "":
		return "table " + f.table
	case a.logContent:
		return f.query
	}
	return sqlexpr.Mask(f.query)
}

func (a *app) runFit(ctx context.Context, f fitFlags) error {
	if err := errors.Join(f.check(), checkMLflow(f.mlflow)); err != nil {
		return err
	}
	files := atomicfile.Options{Overwrite: f.overwrite, Inputs: f.ship.paths(f.path)}
	out, err := createFile("-o", f.output, files) // now, so that an error comes before the work
	if err != nil {
		return err
	}
	defer out.Abort()
	var page *atomicfile.File
	if f.report != "" {
		if page, err = createFile("--report", f.report, files); err != nil {
			return err
		}
		defer page.Abort()
	}
	var session *spark.Session
	if f.remote != "" {
		if session, err = a.connect(ctx, f.remote, f.ship); err != nil {
			return err
		}
		defer session.Close()
	}
	s, err := a.fitBest(ctx, f, session)
	if err != nil {
		return fitHint(err)
	}
	s.Head.Created = f.date
	if err := s.WriteText(a.out); err != nil {
		return err
	}
	if f.suggest > 0 {
		if err := writeSuggestions(out, f, s.suggested, s.Text); err != nil {
			return err
		}
	} else if err := s.Head.Write(out); err != nil {
		return err
	}
	if page != nil {
		s.Footer = fmt.Sprintf("firesteel %s, %s", version.String(), time.Now().UTC().Format("2 January 2006 15:04 MST"))
		if err := s.Page().Write(page); err != nil {
			return fmt.Errorf("the report: %w", err)
		}
		if err := page.Commit(); err != nil {
			return fmt.Errorf("--report: %w", overwriteHint(err))
		}
		fmt.Fprintf(a.err, "report: %s\n", f.report)
	}
	if err := agreement(s.Result, f.minAgreement); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return fmt.Errorf("-o: %w", overwriteHint(err))
	}
	if f.suggest > 0 {
		fmt.Fprintf(a.err, "written: %s, %d rows: fill in the column %s, and fit them with the others\n", f.output, len(s.suggested), f.label)
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(f.output), ".safetensors")
	fmt.Fprintf(a.err, "written: %s\n  apply it by --model %s=%s%s and %s(%s, '%s')\n", f.output, name, shellPath(f.output), embedFlag(f, s.Head.Embedder.Role, s.embedder), fitFunction[s.Head.Predicts], f.input, name)
	if f.mlflow == "" {
		return nil
	}
	return a.logRun(ctx, f.mlflow, mlflow.Run{Experiment: f.experiment, Name: "fit " + name, Metrics: append(figures("", s.Figures), mlflow.Metric{Key: "rows", Value: float64(s.Head.Data.Rows)}),
		Params: []mlflow.Param{
			{Key: "data", Value: s.Data}, {Key: "data.digest", Value: s.Head.Data.Digest}, {Key: "labels", Value: fmt.Sprint(len(s.Head.Labels))}, {Key: "embedder", Value: s.Head.Embedder.Name},
			{Key: "C", Value: fmt.Sprint(s.Head.C)}, {Key: "names", Value: fmt.Sprint(s.Head.Names)}, {Key: "temperature", Value: fmt.Sprint(s.Head.Temperature)}, {Key: "seed", Value: fmt.Sprint(f.seed)},
		}}, s.Page(), f.output)
}

// fitFunction is the function that applies what is fitted.
var fitFunction = map[llm.PredictionKind]string{llm.PredictsLabel: "ai_predict", llm.PredictsLabels: "ai_predict_labels", llm.PredictsNumber: "ai_predict_number"}

// shellPath writes a relative path so that it is not taken for a name.
func shellPath(path string) string {
	if filepath.IsAbs(path) || strings.HasPrefix(path, ".") {
		return path
	}
	return "./" + path
}

// embedFlag is the flag that names the embedder again, if it is not the default.
func embedFlag(f fitFlags, role llm.ModelRole, reference string) string {
	if role == llm.Embed && len(f.ship.models) == 0 && reference == "" {
		return ""
	}
	return " --model embed=" + reference
}

// fitted is a fit with the embedder whose vectors it reads.
type fitted struct {
	fit.Summary
	embedder  string // its reference; empty for the default
	suggested []fit.Suggestion
}

// fitBest fits the vectors of each of the models, and returns the best fit.
func (a *app) fitBest(ctx context.Context, f fitFlags, session *spark.Session) (*fitted, error) {
	o := fit.Options{Predicts: llm.PredictionKind(f.predicts), None: f.none, Threshold: f.threshold, Balanced: f.balanced, Seed: f.seed}
	source, err := a.newFitSource(ctx, f, session)
	if err != nil {
		return nil, err
	}
	defer source.close()
	var best *fitted
	var compared []string
	for _, feature := range f.features {
		rows, err := source.rows(ctx, feature)
		if err != nil {
			return nil, err
		}
		if o.Names, err = source.names(ctx, rows); err != nil {
			return nil, err
		}
		meter := newFitMeter(a.err)
		o.Progress = meter.step
		r, err := fit.Fit(ctx, rows, o)
		meter.end()
		if err != nil {
			return nil, err
		}
		name := source.embedder.Name
		compared = append(compared, fmt.Sprintf("%s %.4f", name, r.Choices[r.Best].Loss))
		if best != nil && best.Choices[best.Best].Loss <= r.Choices[r.Best].Loss {
			continue
		}
		dimensions := r.Head.Embedder.Dimensions
		r.Head.Embedder = source.embedder
		r.Head.Embedder.Dimensions = dimensions
		r.Head.Data.LabelledBy, r.Head.Data.By = source.labelledBy, source.labellers
		r.Head.Versions = append([]string{"firesteel " + version.String()}, embedVersions()...)
		best = &fitted{Summary: fit.Summary{Result: r, Data: a.fitData(f), Notes: source.notes(), Suspects: f.suspects, Text: source.text, SuspectsHint: "--suspects N shows N of them"}, embedder: source.reference}
		if f.suggest > 0 {
			best.suggested = fit.Suggest(r.Head, source.unlabelledRows, f.suggest)
		}
	}
	if len(compared) > 1 {
		best.Notes = append(best.Notes, report.Fact{Name: "vectors", Value: fmt.Sprintf("of %s, by the loss in cross-validation: %s", best.Head.Embedder.Name, strings.Join(compared, ", "))})
	}
	return best, nil
}

// fitHint adds to an error of package fit the flag that corrects it.
func fitHint(err error) error {
	var few *fit.TooFewError
	if errors.As(err, &few) && strings.Contains(few.What, "Numbers are fitted") {
		return fmt.Errorf("%w: --predicts number", err)
	}
	return err
}

// embedVersions are the versions of ai_embed.
func embedVersions() []string {
	f, err := ai.Lookup("ai_embed")
	if err != nil {
		return nil
	}
	return f.Versions()
}
