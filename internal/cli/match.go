package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/join"
)

func (a *app) match() *cobra.Command {
	var o matchOptions
	c := &cobra.Command{
		Use:   "match LEFT RIGHT",
		Short: "Join two files by the meaning or the letters of a column",
		Long: `Writes the pairs of rows of two files that match, with a column of their score.

For each text of LEFT, the nearest texts of RIGHT are candidates: by their letters,
by the vectors of the embed model, or by both (--by). The text model is asked
whether --predicate is true of each candidate. Without a predicate, the candidates
match whose similarity is at least --threshold.

The blanks of a predicate say what it is about, and so what is asked:

  {left} and {right}   the pair: asked once for each candidate
  {left}, or {right}   the text of that side: asked once for each text
  {each}               the text of either side: asked once for each text

If no predicate is about the pair, all rows that pass are paired; --equal pairs only
those that are equal in other columns. NULL and blank texts match nothing, and no
model is asked about them.

How many candidates a text needs for the --recall is estimated on a sample of the
texts, and the estimate is printed. --nearest sets the number instead. --explain
prints how many pairs would be asked, and asks nothing.

With --remote the same pairs are found by Spark, in its tables or files.

Exit codes: as in 'firesteel run'; 3 means that texts or pairs have no answer.`,
		Example: `  firesteel match customers.csv orders.csv --on name=customer --one-to-one -o pairs.csv
  firesteel match tickets.csv topics.csv --on text=topic --predicate "{left} is about {right}"
  firesteel match a.csv b.csv --on review=review --equal film=film --predicate "{each} is a positive review"`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("'%s' takes two files, but got %d arguments; see '%s --help'", c.CommandPath(), len(args), c.CommandPath())
			}
			o.input, o.right = args[0], args[1]
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.recording(ctx, o.records, "match", func(ctx context.Context) error { return a.matchFiles(ctx, o) })
		},
	}
	o.addTo(c)
	flags := c.Flags()
	flags.StringVar(&o.on, "on", "", "the columns of texts, as LEFT=RIGHT, or one name for both")
	flags.StringArrayVar(&o.equal, "equal", nil, "columns that must be equal, as LEFT=RIGHT, or one name for both (may be repeated)")
	flags.StringVar(&o.score, "score", "score", "name of the column of the score: the probability of the predicates, or the similarity")
	flags.BoolVar(&o.oneToOne, "one-to-one", false, "keep a pair only if each text is the best match of the other")
	flags.StringVar(&o.errors, "errors", "", "name of a column to add that holds the reason why a pair has no answer; such pairs are then kept")
	return c
}

// matchOn returns the two columns of a value such as name=customer.
func matchOn(flag, text string) (left, right string, err error) {
	left, right, two := strings.Cut(text, "=")
	if !two {
		right = left
	}
	if left, right = strings.TrimSpace(left), strings.TrimSpace(right); left == "" || right == "" {
		return "", "", usagef("%s %q: name the columns, as in %s name=customer", flag, text, flag)
	}
	return left, right, nil
}

func (a *app) matchFiles(ctx context.Context, o matchOptions) error {
	options, err := o.check(ctx)
	if err != nil {
		return err
	}
	if err := checkAdded("--score", o.score); err != nil {
		return err
	}
	leftText, rightText, err := matchOn("--on", o.on)
	if err != nil {
		return err
	}
	var leftKeys, rightKeys []string
	for _, text := range o.equal {
		l, r, err := matchOn("--equal", text)
		if err != nil {
			return err
		}
		leftKeys, rightKeys = append(leftKeys, l), append(rightKeys, r)
	}
	if o.remote != "" {
		if !slices.Equal(leftKeys, rightKeys) {
			return usagef("with --remote, --equal: the column has one name on both sides; rename it in a view")
		}
		return a.matchRemote(ctx, o, options, [2]string{leftText, rightText}, leftKeys)
	}
	if o.input == "-" && o.right == "-" {
		return usagef("only one of the files can be standard input")
	}
	m := &matchRun{fileJob: fileJob{app: a, options: &o.jobOptions}, options: &o, inputs: []string{o.input, o.right}}
	defer m.close()
	left, err := m.read(ctx, o.input, append([]string{leftText}, leftKeys...))
	if err != nil {
		return err
	}
	right, err := m.read(ctx, o.right, append([]string{rightText}, rightKeys...))
	if err != nil {
		return err
	}
	out, err := m.pairWriter(left, right)
	if err != nil {
		return err
	}
	if o.explain {
		return m.explain(join.Count(left.rows, right.rows, options), options)
	}
	if err := m.open(ctx, out.schema, options); err != nil {
		return err
	}
	matches, facts, err := join.Join(ctx, m, left.rows, right.rows, options)
	m.facts(facts, options)
	if err != nil {
		return tooMany(err)
	}
	if o.errors == "" {
		matches = slices.DeleteFunc(matches, func(x join.Match) bool { return x.Err != nil })
	}
	if err := out.write(m.out, matches); err != nil {
		return err
	}
	fmt.Fprintf(m.err, "%d pairs of rows match\n", len(matches))
	return m.finish(facts)
}

// tooMany adds the flags that help to an error about too many pairs.
func tooMany(err error) error {
	var many *join.TooManyError
	if errors.As(err, &many) {
		return fmt.Errorf("%w: nothing was asked about them; set --nearest or a lower --recall, add --equal, or allow more with --max-pairs %d", err, many.Pairs)
	}
	return err
}

// finish completes the output. Texts and pairs without an answer make the exit code 3.
func (m *matchRun) finish(f join.Facts) error {
	if err := m.out.Close(); err != nil {
		return overwriteHint(err)
	}
	if m.options.output != "" && m.options.output != "-" {
		fmt.Fprintln(m.err, "written:", m.options.output)
	}
	if n := f.Errors + m.badRows; n > 0 {
		return fmt.Errorf("%w: %d texts, pairs and rows have errors", job.ErrIncomplete, n)
	}
	return nil
}
