package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/eval/onspark"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/mlflow"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/sqlexpr"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// evalFlags are the flags of firesteel eval.
type evalFlags struct {
	ship          shipFlags
	text          textFlags
	path          string // "-" is standard input; "" if Spark reads the data
	input, label  string
	second        string // column of the second text
	limit         *int64
	function      string
	arguments     string
	renamed       map[string]string
	only          []string
	metrics       string
	compareModel  string
	comparePrompt string // a prompt, or @ and a file
	compareFunc   string
	compareArgs   string
	none          string
	baseline      string
	remote        string
	table, query  string
	seed          uint64
	errors        int
	report        string
	overwrite     bool
	mlflow        string
	experiment    string
	records       recordFlags
}

func (a *app) eval() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval [FILE]",
		Short: "Measure how good a function's answers are, on labelled data",
		Long: `Asks a function for each row of labelled data and measures its answers: figures
with intervals, tests against another function, model, prompt or a plain prompt, and
with --errors N the worst answers.

FILE has a format of 'firesteel run' (CSV, TSV, JSON, Parquet or text, compressed
or not), or CoNLL (lines of words and tags; the columns are input and label). '-'
is standard input. With --remote, the model runs on Spark as the function of a
query, over FILE, --table or --query. Otherwise it runs in this process.

The figures depend on the function:
  labels   accuracy, macro-F1, precision, recall and F1 of each label, and
           calibration if the function returns probabilities
  text     ROUGE-1, ROUGE-2, ROUGE-L, chrF, exact match; several references are a
           JSON list
  extract  exact and partial F1 of spans, labelled {"label": "value", ...}
           or [{"label": l, "start": s, "end": e}, ...] in characters
  scores   Spearman's and Pearson's correlation with a number, of ai_similarity,
           ai_embed, ai_rank and ai_score
  mask     the same for the spans that [MASKED] replaces, labelled by positions or
           by the masked text
Rows without a label are left out. Rows without an answer count as wrong.`,
		Example: `  firesteel eval reviews.csv --function ai_analyze_sentiment --input text --label stars --map 1=negative,5=positive
  firesteel eval tickets.jsonl --function ai_classify --input body --label topic --baseline plain --report out.html
  firesteel eval --remote sc://localhost:15002 --table reviews --function ai_analyze_sentiment --input text --label mood
  firesteel eval checked.csv --function ai_classify --compare-function ai_predict --compare-args '{"model": "topic"}' --model topic=./topic.safetensors --input text --label topic
  firesteel eval papers.parquet --function ai_summarize --input abstract --label summary --compare-model ./other.gguf`,
		Args: atMostOneFile(&f.path),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.recording(ctx, f.records, "eval", func(ctx context.Context) error { return a.runEval(ctx, f) })
		},
	}
	f.ship.add(c)
	flags := c.Flags()
	flags.StringVarP(&f.function, "function", "f", "", "the function to measure; 'firesteel functions' lists them")
	flags.StringVarP(&f.input, "input", "i", "", "column of the function's first argument; in JSON, a.b is the member b of a")
	flags.StringVar(&f.second, "second", "", "column of the second text, for ai_similarity, ai_embed and ai_rank")
	flags.StringVarP(&f.label, "label", "l", "", "column of the expected answer")
	flags.StringVar(&f.arguments, "args", "", `the other arguments, as JSON: {"labels": ["a", "b"]}`)
	flags.StringToStringVar(&f.renamed, "map", nil, "labels of the data and the labels of the function that they stand for: 1=positive,0=negative")
	flags.StringSliceVar(&f.only, "only", nil, "labels of spans that count, after --map (default: all)")
	flags.StringVar(&f.metrics, "metrics", "", "figures to compute: labels, text, extract, mask or scores (default: those of the function)")
	flags.StringVar(&f.compareModel, "compare-model", "", "another model to compare with, or the name of a --model")
	flags.StringVar(&f.comparePrompt, "compare-prompt", "", "a prompt to compare with, in which {content} is the input and {name} an argument; @FILE reads it from a file")
	flags.StringVar(&f.compareFunc, "compare-function", "", "another function to compare with (default with --compare-args: the same one)")
	flags.StringVar(&f.compareArgs, "compare-args", "", "the other arguments of the function to compare with, as JSON")
	flags.StringVar(&f.none, "none", "", "label of the data for rows of which the function returns NULL: none of the labels fits")
	flags.StringVar(&f.baseline, "baseline", "", "'plain' compares with a plain prompt to the same model")
	optionalInt(flags, &f.limit, "limit", "n", "rows to read (default: all)")
	flags.StringVar(&f.text.format, "format", "", "csv, tsv, json, parquet, text or conll (default: by the file's name)")
	f.text.add(flags)
	flags.BoolVar(&f.text.headless, "no-header", false, "the file has no header; its columns have the names 1, 2, ...")
	flags.StringVar(&f.remote, "remote", "", "address of a Spark Connect server to run on, sc://host:port/;key=value")
	flags.StringVar(&f.table, "table", "", "table or view of Spark to read, with --remote")
	flags.StringVar(&f.query, "query", "", "query of Spark to read, with --remote")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the intervals and tests")
	flags.IntVar(&f.errors, "errors", 0, "number of the worst answers to show with input and label, here and in the report (default: none)")
	flags.StringVar(&f.report, "report", "", "file for the report, as one HTML page")
	flags.BoolVar(&f.overwrite, "overwrite", false, overwriteUsage)
	addMLflow(c, &f.mlflow, &f.experiment)
	addOTLP(c, &f.records.otlp)
	return c
}

// check finds mistakes in the flags before anything is read. It returns the options
// of the evaluation.
func (f *evalFlags) check() (o eval.Options, err error) {
	usage := func(format string, args ...any) (eval.Options, error) {
		return eval.Options{}, fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
	}
	if f.function == "" {
		return usage("name the function to measure, as in --function ai_analyze_sentiment")
	}
	if o.Function, err = ai.Lookup(strings.TrimSuffix(f.function, "()")); err != nil {
		return usage("%w; 'firesteel functions' lists them", err)
	}
	if o.Function.Params[0].Name == "endpoint" {
		return usage("the first argument of %s is a model, not a text; measure ai_gen with --model", o.Function.Name)
	}
	sources := slices.DeleteFunc([]string{f.path, f.table, f.query}, func(s string) bool { return s == "" })
	switch {
	case len(sources) != 1:
		return usage("name the labelled data: one of FILE, --table and --query")
	case f.path == "" && f.remote == "":
		return usage("--table and --query are read by Spark; name it by --remote sc://host:port")
	case f.baseline != "" && f.baseline != "plain":
		return usage("--baseline %q does not exist; write --baseline plain", f.baseline)
	case f.limit != nil && *f.limit < 1:
		return usage("--limit must be at least 1")
	case f.errors < 0:
		return usage("--errors must be at least 0")
	}
	if _, err := f.ship.set(); err != nil {
		return o, err
	}
	if f.isCoNLL() {
		f.input, f.label = cmp.Or(f.input, "input"), cmp.Or(f.label, "label")
	}
	if f.input == "" || f.label == "" {
		return usage("name the columns by --input and --label")
	}
	if o.Kind = eval.Kind(f.metrics); f.metrics == "" {
		if o.Kind, err = eval.KindOf(o.Function.Name); err != nil {
			return usage("%w; choose them by --metrics labels, text, extract, mask or scores", err)
		}
	} else if !slices.Contains(eval.Kinds(), o.Kind) {
		return usage("--metrics %q does not exist; write labels, text, extract, mask or scores", f.metrics)
	}
	if two := o.Kind == eval.ScoreKind && eval.TwoTexts(o.Function.Name); two && f.second == "" {
		return usage("%s is measured on two texts; name the column of the other one by --second", o.Function.Name)
	} else if !two && f.second != "" {
		return usage("--second is for ai_similarity, ai_embed and ai_rank, which are measured on two texts")
	}
	if o.Plain = f.baseline == "plain"; o.Plain {
		if _, err := eval.PlainPrompt(o.Function.Name); err != nil {
			return usage("--baseline plain: %w", err)
		}
	}
	if o.Prompt = f.comparePrompt; f.promptFile() != "" {
		b, err := os.ReadFile(f.promptFile())
		if err != nil {
			return o, fmt.Errorf("--compare-prompt: %w", err)
		}
		o.Prompt = string(b)
	}
	if o.Prompt != "" && !strings.Contains(o.Prompt, eval.Content) {
		return usage("--compare-prompt has no %s for the input", eval.Content)
	}
	if f.compareFunc != "" || f.compareArgs != "" {
		if o.OtherFunction, err = ai.Lookup(strings.TrimSuffix(cmp.Or(f.compareFunc, f.function), "()")); err != nil {
			return usage("--compare-function: %w; 'firesteel functions' lists them", err)
		}
		if kind, err := eval.KindOf(o.OtherFunction.Name); f.metrics == "" && (err != nil || kind != o.Kind) {
			return usage("--compare-function: %s is not measured as %s is", o.OtherFunction.Name, o.Function.Name)
		}
	}
	if f.none != "" && o.Kind != eval.LabelKind {
		return usage("--none is for functions that return a label")
	}
	o.OtherArguments, o.None = f.compareArgs, f.none
	o.Arguments, o.Renamed, o.Keep, o.OtherModel, o.Seed, o.Worst = f.arguments, f.renamed, f.only, f.compareModel, f.seed, f.errors
	o.WorstHint, o.MatrixHint = "--errors N shows the N worst", "--report shows it"
	return o, nil
}

func (f *evalFlags) isCoNLL() bool { return f.path != "" && eval.IsCoNLL(f.path, f.text.format) }

// promptFile is the file of --compare-prompt, or "".
func (f *evalFlags) promptFile() string {
	file, ok := strings.CutPrefix(f.comparePrompt, "@")
	if !ok {
		return ""
	}
	return file
}

// inputs are the files and folders that the evaluation reads.
func (f *evalFlags) inputs() []string {
	in := []string{f.path, f.compareModel, f.promptFile()}
	if f.path == "-" {
		in[0] = "/dev/stdin" // the file that it is redirected from, if any
	}
	return f.ship.paths(in...)
}

// data names the labelled data in reports.
func (a *app) data(f evalFlags) string {
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

func (a *app) runEval(ctx context.Context, f evalFlags) error {
	o, err := f.check()
	if err == nil {
		err = checkMLflow(f.mlflow)
	}
	if err != nil {
		return err
	}
	o.Data, o.ShowContent = a.data(f), a.logContent
	var session *spark.Session
	if f.remote != "" {
		if session, err = a.connect(ctx, f.remote, f.ship); err != nil {
			return err
		}
		defer session.Close()
	}
	rows, err := a.evalRows(ctx, f, session)
	if err != nil {
		return evalHint(f, err)
	}
	e, err := eval.New(o, rows)
	if err != nil {
		return evalHint(f, err)
	}
	// The report is written at the end. It is created now, so that an error comes
	// before the work.
	var report *atomicfile.File
	if f.report != "" {
		if report, err = createFile("--report", f.report, atomicfile.Options{Overwrite: f.overwrite, Inputs: f.inputs()}); err != nil {
			return err
		}
		defer report.Abort()
	}
	if err := a.askAll(ctx, f, e, session); err != nil {
		return err
	}
	e.Measure()
	if err := e.WriteText(a.out); err != nil {
		return err
	}
	if report != nil {
		if err := e.Page().Write(report); err != nil {
			return fmt.Errorf("the report: %w", err)
		}
		if err := report.Commit(); err != nil {
			return fmt.Errorf("--report: %w", overwriteHint(err))
		}
		fmt.Fprintf(a.err, "report: %s\n", f.report)
	}
	if f.mlflow == "" {
		return nil
	}
	run := mlflow.Run{Experiment: f.experiment, Name: "eval " + f.function, Params: []mlflow.Param{{Key: "function", Value: f.function}, {Key: "data", Value: o.Data}, {Key: "seed", Value: fmt.Sprint(f.seed)}}}
	if f.arguments != "" && a.logContent {
		run.Params = append(run.Params, mlflow.Param{Key: "arguments", Value: f.arguments})
	}
	for i, m := range e.Figures() {
		prefix := ""
		if i > 0 {
			prefix = strings.ReplaceAll(m.System, " ", "_") + "."
		}
		run.Params = append(run.Params, mlflow.Param{Key: prefix + "model", Value: m.Model})
		run.Metrics = append(run.Metrics, append(figures(prefix, m.Scores), mlflow.Metric{Key: prefix + "rows", Value: float64(m.Rows)}, mlflow.Metric{Key: prefix + "rows_per_second", Value: m.RowsPerSecond})...)
	}
	return a.logRun(ctx, f.mlflow, run, e.Page())
}

// evalRows reads the labelled data.
func (a *app) evalRows(ctx context.Context, f evalFlags, session *spark.Session) ([]eval.Row, error) {
	if f.path == "" {
		defer a.queries.end()
		query := f.query
		if query == "" {
			query = "SELECT * FROM " + f.table
		}
		return onspark.Rows(ctx, session, query, f.input, f.label, f.second, f.limit)
	}
	text, conll := f.text, f.isCoNLL()
	if conll {
		text.format = ""
	}
	o, err := text.options()
	if err != nil {
		return nil, err
	}
	o.Stdin = a.in
	return eval.ReadFile(ctx, eval.File{Path: f.path, Options: o, CoNLL: conll, Input: f.input, Label: f.label, Second: f.second, Limit: f.limit})
}

// evalHint adds to an error of package eval the flag that corrects it.
func evalHint(f evalFlags, err error) error {
	args := "--args"
	var other *eval.OtherError
	if errors.As(err, &other) {
		args = "--compare-args"
	}
	var column *eval.ColumnError
	var arguments *eval.ArgumentsError
	var call *ai.CallError
	var label *eval.LabelError
	switch {
	case errors.As(err, &column):
		hint := ""
		if f.text.headless {
			hint = " (--no-header names them by number)"
		} else if len(column.Columns) < 2 && f.path != "" {
			hint = "; --format names another format"
		}
		return fmt.Errorf("%w: --%s: %w%s", errUsage, column.Role, err, hint)
	case errors.As(err, &call) && call.Argument < 0:
		return fmt.Errorf(`%w: %w; give it by %s '{"%s": ...}'`, errUsage, call, args, call.Param)
	case errors.As(err, &call) && call.Expected != "":
		return fmt.Errorf("%w: %s: %s of %s is %s, but must be %s", errUsage, args, call.Param, call.Function, call.Given, call.Expected)
	case errors.As(err, &call):
		return fmt.Errorf("%w: %s: %w", errUsage, args, call)
	case errors.As(err, &arguments):
		return fmt.Errorf(`%w: %s is a JSON object of the function's arguments, such as {"labels": ["a", "b"]}: %w`, errUsage, args, arguments.Err)
	case errors.As(err, &label):
		return fmt.Errorf("%w; --map LABEL=... maps it to one of them", err)
	}
	return err
}

// askAll asks the systems of the main model, then those of the other one, so that
// only one model is in memory.
func (a *app) askAll(ctx context.Context, f evalFlags, e *eval.Evaluation, session *spark.Session) error {
	err := a.askModel(ctx, f.ship, e, false, session)
	if err != nil || f.compareModel == "" {
		return err
	}
	ship := f.ship
	ship.models = []string{ship.find(f.compareModel)}
	if asks := e.Asks(true); len(asks) > 0 && asks[0].Role != llm.Text {
		ship.models[0] = string(asks[0].Role) + "=" + ship.models[0]
	}
	if session != nil {
		if session, err = a.connect(ctx, f.remote, ship); err != nil {
			return err
		}
		defer session.Close()
	}
	return a.askModel(ctx, ship, e, true, session)
}

func (a *app) askModel(ctx context.Context, ship shipFlags, e *eval.Evaluation, other bool, session *spark.Session) error {
	progress := func(system string, rows int) (func(int), func()) {
		meter := newRowMeter(a.err, system, rows)
		return meter.step, func() {
			a.queries.end()
			meter.end()
		}
	}
	if session != nil {
		return e.Ask(ctx, &onspark.Asker{Session: session, Reference: ship.reference}, other, progress)
	}
	local := &eval.Local{}
	if asks := e.Asks(other); len(asks) > 0 {
		o, err := ship.modelOptions(fetch.NewProgress(a.err))
		if err != nil {
			return err
		}
		opened, err := a.lazyModels(ship, o, nil)
		if err != nil {
			return err
		}
		defer opened.Close()
		if err := openAsked(ctx, opened, asks); err != nil {
			return err
		}
		if note := movedNote(opened.Set()); note != "" {
			fmt.Fprintln(a.err, note)
		}
		local.Source = opened.Source
	}
	return e.Ask(ctx, local, other, progress)
}
