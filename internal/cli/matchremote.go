package cli

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/join"
	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/spark"
)

// sampledDepth is the largest number of candidates of a text that are asked to estimate
// the recall on Spark.
const sampledDepth = 10

// checkRemote reports options that do not go with --remote.
func (o *matchOptions) checkRemote() error {
	return o.refuse([]refusal{
		{o.output == "" || o.output == "-", "--output is missing", "name a path as Spark sees it, or a table"},
		{o.output != "" && (path.Clean(o.output) == path.Clean(o.input) || path.Clean(o.output) == path.Clean(o.right)), "--output is an input", "write to another place"},
		{o.input == "-" || o.right == "-", "standard input", "put the data where Spark can read it"},
		{o.csvSafe, "--csv-safe", "Spark writes cells as they are"},
		{o.explain, "--explain", "it counts the texts of files here"},
		{o.errors != "", "--errors", "the log of the executors counts the pairs without an answer"},
		{o.ledger != "", "--ledger", "answers of a join on Spark are not kept"},
	})
}

// meaning returns the options as those of the client.
func (o *matchOptions) meaning(j join.Options) spark.MeaningOptions {
	return spark.MeaningOptions{Predicates: o.predicates, By: string(j.By), Nearest: j.Nearest, Threshold: j.Threshold, OneToOne: j.OneToOne}
}

// remoteTable reads a table or file of Spark.
func (o *matchOptions) remoteTable(ctx context.Context, s *spark.Session, name string) (*spark.DataFrame, []string, error) {
	from := o.jobOptions
	from.input = name
	d, err := from.remoteInput(s)
	if err != nil {
		return nil, nil, err
	}
	schema, err := d.Schema(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, schema.Names(), nil
}

// column returns the column of a name, in any case.
func column(table string, names []string, name string) (spark.Column, error) {
	i, err := findColumn(table, names, name)
	if err != nil {
		return spark.Column{}, err
	}
	return spark.Col(sqltypes.QuoteName(names[i])), nil
}

// matchRemote is matchFiles on Spark. equal are the columns of --equal, which have the
// same name on both sides.
func (a *app) matchRemote(ctx context.Context, o matchOptions, j join.Options, on [2]string, equal []string) error {
	if err := o.checkRemote(); err != nil {
		return err
	}
	s, err := a.connect(ctx, o.remote, o.ship)
	if err != nil {
		return err
	}
	defer s.Close()
	defer a.queries.end()
	left, leftNames, err := o.remoteTable(ctx, s, o.input)
	if err != nil {
		return err
	}
	right, rightNames, err := o.remoteTable(ctx, s, o.right)
	if err != nil {
		return err
	}
	leftText, err := column(o.input, leftNames, on[0])
	if err != nil {
		return err
	}
	rightText, err := column(o.right, rightNames, on[1])
	if err != nil {
		return err
	}
	for _, name := range equal {
		if _, err := column(o.input, leftNames, name); err != nil {
			return err
		}
		if _, err := column(o.right, rightNames, name); err != nil {
			return err
		}
	}
	columns, err := pairColumns(leftNames, rightNames, o.score)
	if err != nil {
		return err
	}
	m := o.meaning(j)
	m.Equal = equal
	if m.Nearest == 0 && (j.OfPair() || len(j.Predicates) == 0) {
		if m.Nearest, err = a.remoteNearest(ctx, left, right, leftText, rightText, m, j); err != nil {
			return err
		}
	}
	if j.OfPair() {
		if err := remotePairs(ctx, left, leftText, m, j); err != nil {
			return err
		}
	}
	if err := o.remoteOutput(ctx, left.JoinByMeaning(right, leftText, rightText, m).Select(columns...)); err != nil {
		return err
	}
	a.queries.end()
	fmt.Fprintln(a.err, "written:", o.output)
	return nil
}

// pairColumns returns the columns of the output, as pairWriter does for files.
func pairColumns(left, right []string, score string) (columns []spark.Column, err error) {
	names, err := pairNames(left, right, score, "")
	if err != nil {
		return nil, err
	}
	for _, n := range left {
		columns = append(columns, spark.Col("left."+sqltypes.QuoteName(n)))
	}
	for i, n := range right {
		columns = append(columns, spark.Col("right."+sqltypes.QuoteName(n)).Alias(names[len(left)+i]))
	}
	return append(columns, spark.Col("score").Alias(score)), nil
}

// remoteNearest estimates the number of candidates that a text needs, and prints the
// estimate.
func (a *app) remoteNearest(ctx context.Context, left, right *spark.DataFrame, leftText, rightText spark.Column, m spark.MeaningOptions, j join.Options) (int, error) {
	rows, err := left.JoinRecall(right, leftText, rightText, m, j.Sample, sampledDepth, j.Seed).Collect(ctx)
	a.queries.end()
	if err != nil {
		return 0, err
	}
	k, matches, recall := 1, int64(0), 1.0
	for i, r := range rows {
		if matches, err = spark.Get[int64](r, "matches"); err != nil {
			return 0, err
		}
		if recall, err = spark.Get[float64](r, "recall"); err != nil {
			return 0, err
		}
		if k = i + 1; recall >= j.Recall {
			break
		}
	}
	fmt.Fprintf(a.err, "recall of the %d nearest: %.3f, estimated from %d matches among the %d nearest of a sample of at most %d texts\n", k, recall, matches, sampledDepth, j.Sample)
	return k, nil
}

// remotePairs reports more pairs to ask than --max-pairs.
func remotePairs(ctx context.Context, left *spark.DataFrame, text spark.Column, m spark.MeaningOptions, j join.Options) error {
	n, err := left.Select(text.Alias("text")).Distinct().Count(ctx)
	if err != nil {
		return err
	}
	pairs := int(n) * m.Nearest
	if m.By == string(join.Both) {
		pairs *= 2
	}
	if pairs > j.MaxPairs {
		return tooMany(&join.TooManyError{Pairs: pairs, Most: j.MaxPairs, Nearest: m.Nearest})
	}
	return nil
}

// dedupRemote is dedupFile on Spark, with ten candidates unless --nearest is given.
func (a *app) dedupRemote(ctx context.Context, o matchOptions, j join.Options, cluster string) error {
	if err := o.checkRemote(); err != nil {
		return err
	}
	if len(o.equal) > 0 {
		return usagef("with --remote, --equal: cluster each part of the table alone")
	}
	s, err := a.connect(ctx, o.remote, o.ship)
	if err != nil {
		return err
	}
	defer s.Close()
	defer a.queries.end()
	d, names, err := o.remoteTable(ctx, s, o.input)
	if err != nil {
		return err
	}
	text, err := column(o.input, names, o.on)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, cluster) || strings.EqualFold(n, "cluster") }) {
		return usagef("--cluster: the table has a column %s or cluster already", cluster)
	}
	m := o.meaning(j)
	if m.Nearest == 0 { // the sample of a join would count each text as its own match
		m.Nearest = sampledDepth
	}
	if j.OfPair() {
		if err := remotePairs(ctx, d, text, m, j); err != nil {
			return err
		}
	}
	if err := o.remoteOutput(ctx, d.Clusters(text, m).WithColumnRenamed("cluster", cluster)); err != nil {
		return err
	}
	a.queries.end()
	fmt.Fprintln(a.err, "written:", o.output)
	return nil
}
