package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/join"
)

func (a *app) dedup() *cobra.Command {
	var o matchOptions
	var cluster string
	c := &cobra.Command{
		Use:   "dedup FILE",
		Short: "Find the rows of a file that mean the same",
		Long: `Writes the rows of a file in their order, with a column of the cluster of each row.
Rows whose texts match, by the rules of 'firesteel match', are in one cluster, and so
are rows that a chain of matches connects. The id of a cluster depends on its texts
alone: it is the first 16 digits of the SHA-256 of the least of them in byte order.
It is NULL for NULL and blank texts.`,
		Example: `  firesteel dedup customers.csv --on name -o clusters.csv
  firesteel dedup tickets.csv --on text --predicate "{left} reports the same fault as: {right}"`,
		Args: oneFile(&o.input),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible(c)
			defer stop()
			return a.recording(ctx, o.records, "dedup", func(ctx context.Context) error { return a.dedupFile(ctx, o, cluster) })
		},
	}
	o.addTo(c)
	flags := c.Flags()
	flags.StringVar(&o.on, "on", "", "the column of texts")
	flags.StringArrayVar(&o.equal, "equal", nil, "column that must be equal in a cluster (may be repeated)")
	flags.StringVar(&cluster, "cluster", "cluster", "name of the column of the clusters")
	return c
}

func (a *app) dedupFile(ctx context.Context, o matchOptions, cluster string) error {
	options, err := o.check(ctx)
	if err != nil {
		return err
	}
	for _, p := range options.Predicates {
		if !p.OfPair() {
			return usagef("--predicate: %w", join.ErrPredicate)
		}
	}
	if err := checkAdded("--cluster", cluster); err != nil {
		return err
	}
	if o.remote != "" {
		return a.dedupRemote(ctx, o, options, cluster)
	}
	m := &matchRun{fileJob: fileJob{app: a, options: &o.jobOptions}, options: &o, inputs: []string{o.input}}
	defer m.close()
	t, err := m.read(ctx, o.input, append([]string{o.on}, o.equal...))
	if err != nil {
		return err
	}
	fields := slices.Clone(t.schema.Fields())
	if slices.ContainsFunc(fields, func(f arrow.Field) bool { return strings.EqualFold(f.Name, cluster) }) {
		return usagef("--cluster: the column %s exists already; give the added column another name", cluster)
	}
	if o.explain {
		return m.explain(join.CountWithin(t.rows, options), options)
	}
	fields = append(fields, arrow.Field{Name: cluster, Type: arrow.BinaryTypes.String, Nullable: true})
	schema := arrow.NewSchema(fields, nil)
	if err := m.open(ctx, schema, options); err != nil {
		return err
	}
	ids, facts, err := join.Dedup(ctx, m, t.rows, options)
	m.facts(facts, options)
	if err != nil {
		return tooMany(err)
	}
	if err := writeClusters(m.out, schema, t, ids); err != nil {
		return err
	}
	clusters, none := map[string]bool{}, 0
	for _, id := range ids {
		if id == "" {
			none++
			continue
		}
		clusters[id] = true
	}
	fmt.Fprintf(m.err, "%d rows are in %d clusters", len(ids)-none, len(clusters))
	if none > 0 {
		fmt.Fprintf(m.err, ", and %d without a text in none", none)
	}
	fmt.Fprintln(m.err)
	return m.finish(facts)
}

// writeClusters writes a table with the cluster of each row.
func writeClusters(out files.Writer, schema *arrow.Schema, t *matchTable, ids []string) error {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	for _, id := range ids {
		if id == "" {
			b.AppendNull()
			continue
		}
		b.Append(id)
	}
	all := array.NewRecordBatch(schema, append(slices.Clone(t.columns), b.NewArray()), int64(len(ids)))
	for from := int64(0); from < all.NumRows(); from += writtenRows {
		if err := out.Write(all.NewSlice(from, min(all.NumRows(), from+writtenRows))); err != nil {
			return err
		}
	}
	return nil
}
