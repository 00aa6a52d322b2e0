package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/join"
	"github.com/firesteel/firesteel/internal/match"
	"github.com/firesteel/firesteel/llm"
)

// matchOptions are the options of firesteel match and firesteel dedup.
type matchOptions struct {
	jobOptions
	right      string
	on         string
	equal      []string
	predicates []string
	by         string
	threshold  *float64
	recall     float64
	nearest    *int64
	oneToOne   bool
	maxPairs   int
	sampled    int
	explain    bool
	score      string
	remote     string
	records    recordFlags
}

func (o *matchOptions) addTo(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVar(&o.predicates, "predicate", nil, `what must be true, such as "{left} is about {right}" (may be repeated)`)
	flags.StringVar(&o.by, "by", "", "what finds candidates: letters, vectors or both (default: both with a predicate about a pair, otherwise letters)")
	optionalFloat(flags, &o.threshold, "threshold", "least probability of a predicate (default: 0.5) or, without one about a pair, least similarity (default by letters: 0.8)")
	flags.Float64Var(&o.recall, "recall", 0.95, "share of the matches that should be among the candidates")
	optionalInt(flags, &o.nearest, "nearest", "", "number of candidates of each text, instead of --recall")
	flags.IntVar(&o.maxPairs, "max-pairs", 200_000, "fail before more pairs than this would be asked, or written if no predicate is about a pair")
	flags.IntVar(&o.sampled, "recall-sample", 50, "number of texts from which the recall is estimated")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the sample")
	flags.BoolVar(&o.explain, "explain", false, "print how many texts and pairs would be asked, and ask nothing")
	flags.StringVar(&o.remote, "remote", "", "run on Spark at sc://host:port; inputs and --output are tables, or paths as Spark sees them")
	o.addOutput(c)
	o.addInput(c)
	o.addAsking(c)
	o.ship.addPlace(c)
	addOTLP(c, &o.records.otlp)
}

// check reports mistakes that show before anything is opened.
func (o *matchOptions) check(ctx context.Context) (join.Options, error) {
	j := join.Options{By: join.By(o.by), Recall: o.recall, OneToOne: o.oneToOne, MaxPairs: o.maxPairs, Sample: o.sampled, Seed: o.seed}
	for _, text := range o.predicates {
		p, err := match.ParsePredicate(text)
		if err == nil {
			err = checkPredicate(ctx, p)
		}
		if err != nil {
			return j, usagef("--predicate: %w", err)
		}
		j.Predicates = append(j.Predicates, p)
	}
	switch {
	case o.on == "":
		return j, usagef("--on names the columns of texts, as in --on name=customer")
	case o.by == "" && j.OfPair():
		j.By = join.Both
	case o.by == "":
		j.By = join.Letters
	case j.By != join.Letters && j.By != join.Vectors && j.By != join.Both:
		return j, usagef("--by is letters, vectors or both, not %q", o.by)
	}
	switch {
	case o.threshold != nil:
		j.Threshold = *o.threshold
	case len(j.Predicates) > 0:
		j.Threshold = match.TrueFrom
	case j.By == join.Letters:
		j.Threshold = match.LettersFrom
	default:
		return j, usagef("--threshold: the scale of similarities by vectors depends on the model; give the least similarity, such as 0.8")
	}
	switch {
	case !(j.Threshold >= 0 && j.Threshold <= 1):
		return j, usagef("--threshold must be a number from 0 to 1")
	case !(o.recall > 0 && o.recall <= 1):
		return j, usagef("--recall must be a number above 0 and at most 1")
	case o.nearest != nil && *o.nearest < 1 || o.maxPairs < 1 || o.sampled < 1:
		return j, usagef("--nearest, --max-pairs and --recall-sample must be at least 1")
	case o.threads < 0:
		return j, usagef("--threads must be at least 0")
	case o.noLedger && o.ledger != "":
		return j, usagef("--ledger and --no-ledger exclude each other")
	case o.output != "" && o.outputFormat == table:
		return j, usagef("a table is for people to read; write it to standard output, without --output")
	}
	if o.nearest != nil {
		j.Nearest = int(*o.nearest)
	}
	if _, err := o.text.options(); err != nil {
		return j, err
	}
	return j, o.ship.check()
}

// checkAdded reports an empty name of the column that a flag names.
func checkAdded(flag, name string) error {
	if strings.TrimSpace(name) == "" {
		return usagef("%s is empty: name the column to add", flag)
	}
	return nil
}

// checkPredicate reports a predicate that ai_filter rejects, without a model.
func checkPredicate(ctx context.Context, p match.Predicate) error {
	f, err := ai.Lookup("ai_filter")
	if err != nil {
		return err
	}
	_, err = f.Eval(ctx, func(context.Context, llm.ModelRole, string) (llm.Model, error) {
		return nil, errors.New("a check asks no model")
	}, []ai.Row{{nil, p.Alone()}})
	return err
}
