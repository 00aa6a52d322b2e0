package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/spark"
)

// evalFlags are those of firesteel eval.
type evalFlags struct {
	ship          shipFlags
	data          dataSource
	function      string
	arguments     string
	renamed       map[string]string
	only          []string
	metrics       string
	compareModel  string
	comparePrompt string
	promptFile    string // that comparePrompt was read from; "" for none
	baseline      string
	remote        string
	table, query  string
	seed          uint64
	errors        int
	report        string
	overwrite     bool
	logContent    bool
}

func (a *app) eval() *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval [FILE]",
		Short: "Measure how good a function's answers are, on labelled data",
		Long: `Asks a function for each row of labelled data, and says how good the answers
are, with intervals, tests against another model, another prompt, or the same
model asked in plain words, and with --errors N examples of wrong ones.

FILE is a table as 'firesteel run' reads it (CSV, TSV, JSON, Parquet, packed or
not), or CoNLL (columns of words and tags, named input and label); '-' is standard
input. With
--remote, the model runs on Spark as the function of a query, over FILE, --table
or --query; otherwise it runs in this process.

The figures fit the function:
  labels   accuracy, macro-F1, precision, recall and F1 of each label, and
           calibration where the function gives probabilities
  text     ROUGE-1, -2, -L, chrF, exact match; several references are a JSON list
  extract  exact and partial F1 of spans, labelled {"label": "value", ...}
           or [{"label": l, "start": s, "end": e}, ...] by characters
  mask     the same for what [MASKED] hides, labelled by places or masked text
Rows without a label are left out, and rows without an answer count as wrong.`,
		Example: `  firesteel eval reviews.csv --function ai_analyze_sentiment --input text --label stars --map 1=negative,5=positive
  firesteel eval tickets.jsonl --function ai_classify --input body --label topic --baseline plain --report out.html
  firesteel eval --remote sc://localhost:15002 --table reviews --function ai_analyze_sentiment --input text --label mood
  firesteel eval papers.jsonl --function ai_summarize --input abstract --label summary --compare-model ./other.gguf`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%w: '%s' takes one file, but got %q", errUsage, c.CommandPath(), args)
			}
			if len(args) == 1 {
				f.data.path = args[0]
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			f.logContent = a.logContent
			return a.runEval(ctx, f)
		},
	}
	f.ship.add(c)
	flags := c.Flags()
	flags.StringVarP(&f.function, "function", "f", "", "the function to measure; 'firesteel functions' lists them")
	flags.StringVarP(&f.data.input, "input", "i", "", "column of the function's first argument; in JSON, a.b is b within a")
	flags.StringVarP(&f.data.label, "label", "l", "", "column of what the answer should be")
	flags.StringVar(&f.arguments, "args", "", `the other arguments, as JSON: {"labels": ["a", "b"]}`)
	flags.StringToStringVar(&f.renamed, "map", nil, "names of labels in the data and the function's: 1=positive,0=negative")
	flags.StringSliceVar(&f.only, "only", nil, "labels of spans that count, after --map (default: all)")
	flags.StringVar(&f.metrics, "metrics", "", "figures other than those that fit the function: labels, text, extract or mask")
	flags.StringVar(&f.compareModel, "compare-model", "", "another model to compare with, or the name of a --model")
	flags.StringVar(&f.comparePrompt, "compare-prompt", "", "a prompt to compare with, in which {content} is the input and {name} an argument; @FILE reads it")
	flags.StringVar(&f.baseline, "baseline", "", "'plain' compares with the same model asked in plain words")
	optionalInt(flags, &f.data.limit, "limit", "n", "rows to read (default: all)")
	flags.StringVar(&f.data.text.format, "format", "", "csv, tsv, json, parquet, text or conll (default: by the file's name)")
	f.data.text.add(flags)
	flags.BoolVar(&f.data.text.headless, "no-header", false, "the file has no header; its columns are named 1, 2, ...")
	flags.StringVar(&f.remote, "remote", "", "address of a Spark Connect server to run on, sc://host:port/;key=value")
	flags.StringVar(&f.table, "table", "", "table or view of Spark to read, with --remote")
	flags.StringVar(&f.query, "query", "", "query of Spark to read, with --remote")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the intervals and tests")
	flags.IntVar(&f.errors, "errors", 0, "examples of wrong answers to show, here and in the report: input, label and answer (default: none)")
	flags.StringVar(&f.report, "report", "", "file for the report, as one HTML page")
	flags.BoolVar(&f.overwrite, "overwrite", false, overwriteUsage)
	return c
}

// check finds mistakes in how the command was called, before anything is read.
func (f *evalFlags) check() (*ai.Function, eval.Kind, error) {
	usage := func(format string, args ...any) (*ai.Function, eval.Kind, error) {
		return nil, "", fmt.Errorf("%w: "+format, append([]any{errUsage}, args...)...)
	}
	if f.function == "" {
		return usage("name the function to measure, as in --function ai_analyze_sentiment")
	}
	fn, err := ai.Lookup(strings.ToLower(strings.TrimSuffix(f.function, "()")))
	if err != nil {
		return usage("%w; 'firesteel functions' lists them", err)
	}
	if strings.HasSuffix(fn.Name, "ai_query") {
		return usage("the first argument of ai_query is no text of the data; measure ai_gen with --model instead")
	}
	sources := 0
	for _, s := range []string{f.data.path, f.table, f.query} {
		if s != "" {
			sources++
		}
	}
	switch {
	case sources != 1:
		return usage("name the labelled data: one of FILE, --table and --query")
	case f.data.path == "" && f.remote == "":
		return usage("--table and --query are read by Spark; name it by --remote sc://host:port")
	case f.baseline != "" && f.baseline != "plain":
		return usage("--baseline %q: the only one is plain", f.baseline)
	case f.data.limit != nil && *f.data.limit < 1:
		return usage("--limit must be at least 1: without rows there is nothing to measure")
	case f.errors < 0:
		return usage("--errors must be at least 0")
	}
	if _, err := f.ship.set(); err != nil {
		return nil, "", err
	}
	if f.data.isConll() {
		f.data.input, f.data.label = cmp.Or(f.data.input, "input"), cmp.Or(f.data.label, "label")
	}
	if f.data.input == "" || f.data.label == "" {
		return usage("name the columns by --input and --label")
	}
	kind := eval.Kind(f.metrics)
	if f.metrics == "" {
		if kind, err = eval.KindOf(fn.Name); err != nil {
			return usage("%w; say it by --metrics labels, text, extract or mask", err)
		}
	} else if !slices.Contains([]eval.Kind{eval.LabelKind, eval.TextKind, eval.ExtractKind, eval.MaskKind}, kind) {
		return usage("--metrics %q: there are labels, text, extract and mask", f.metrics)
	}
	if f.baseline == "plain" {
		if _, err := eval.PlainPrompt(fn.Name); err != nil {
			return usage("--baseline plain: %w", err)
		}
	}
	if file, ok := strings.CutPrefix(f.comparePrompt, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, "", fmt.Errorf("--compare-prompt: %w", err)
		}
		f.comparePrompt, f.promptFile = string(b), file
	}
	if f.comparePrompt != "" && !strings.Contains(f.comparePrompt, eval.Content) {
		return usage("--compare-prompt has no %s where the input belongs", eval.Content)
	}
	return fn, kind, nil
}

// inputs are the files and folders that the evaluation reads.
func (f *evalFlags) inputs() []string {
	in := []string{f.data.path, f.compareModel, f.promptFile}
	if f.data.path == "-" {
		in[0] = "/dev/stdin" // the file that it is redirected from, if any
	}
	return f.ship.paths(in...)
}

func (a *app) runEval(ctx context.Context, f evalFlags) error {
	fn, kind, err := f.check()
	if err != nil {
		return err
	}
	var session *spark.Session
	if f.remote != "" {
		if session, err = a.connect(ctx, f.remote, f.ship); err != nil {
			return err
		}
		defer session.Close()
	}
	rows, err := a.evalRows(ctx, f, session)
	if err != nil {
		return err
	}
	run, err := newEvalRun(f, fn, kind, rows)
	if err != nil {
		return err
	}
	// Written at the end, but a folder that is not there is told now.
	var report *atomicfile.File
	if f.report != "" {
		o := atomicfile.Options{Overwrite: f.overwrite, Inputs: f.inputs()}
		if report, err = createFile("--report", f.report, o); err != nil {
			return err
		}
		defer report.Abort()
	}
	if err := a.askAll(ctx, run, session); err != nil {
		return err
	}
	run.measure()
	if err := run.show(a.out); err != nil {
		return err
	}
	if report == nil {
		return nil
	}
	if err := run.page().Write(report); err != nil {
		return fmt.Errorf("the report: %w", err)
	}
	if err := report.Commit(); err != nil {
		return fmt.Errorf("--report: %w", overwriteHint(err))
	}
	fmt.Fprintf(a.err, "report: %s\n", f.report)
	return nil
}

// evalRows reads the labelled data.
func (a *app) evalRows(ctx context.Context, f evalFlags, session *spark.Session) ([]labelledRow, error) {
	if f.data.path != "" {
		return readLabelled(ctx, f.data, a.in)
	}
	defer a.queries.end()
	query := f.query
	if query == "" {
		query = "SELECT * FROM " + f.table
	}
	return collectLabelled(ctx, session, query, f.data)
}

// askAll has every system answer all rows: those of the main model, then those
// of the other one, so that only one model is in memory.
func (a *app) askAll(ctx context.Context, run *evalRun, session *spark.Session) error {
	ship := run.flags.ship
	err := a.askModel(ctx, run, ship, session, run.systems(false))
	if err != nil || run.flags.compareModel == "" {
		return err
	}
	ship.models = []string{ship.find(run.flags.compareModel)}
	if session != nil {
		if session, err = a.connect(ctx, run.flags.remote, ship); err != nil {
			return err
		}
		defer session.Close()
	}
	return a.askModel(ctx, run, ship, session, run.systems(true))
}

func (a *app) askModel(ctx context.Context, run *evalRun, ship shipFlags, session *spark.Session, systems []evalSystem) error {
	var who answerer = &sparkAnswerer{Session: session, reference: ship.reference()}
	if session == nil && run.byRules(systems) {
		who = localAnswerer{nil}
	} else if session == nil {
		opened, err := openDefaultModel(ctx, ship, fetch.NewProgress(a.err))
		if err != nil {
			return err
		}
		defer opened.Close()
		m := opened.Default()
		who = localAnswerer{m}
		if advice := ai.Advice(run.function, m.Info()); advice != "" {
			run.notes = append(run.notes, advice)
		}
	}
	for _, s := range systems {
		s.model = who.model()
		if err := a.ask(ctx, run, &s, who); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		run.asked = append(run.asked, s)
	}
	return nil
}
