package spark

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

func (d *DataFrame) plan() *pb.Plan { return &pb.Plan{OpType: &pb.Plan_Root{Root: d.relation}} }

// Batches runs the query and yields the batches of its result as they arrive. A
// batch is valid until the loop's next iteration; call Retain to keep it longer.
// Leaving the loop early cancels the query on the server. After an error the
// loop ends.
func (d *DataFrame) Batches(ctx context.Context) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		if d.err != nil {
			yield(nil, d.err)
			return
		}
		r := d.session.run(ctx, d.plan())
		defer r.close()
		for {
			b, err := r.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more := yieldBatch(b, yield)
			if !more {
				return
			}
		}
	}
}

// yieldBatch yields a batch and releases it, even if the loop's body panics.
func yieldBatch(b arrow.RecordBatch, yield func(arrow.RecordBatch, error) bool) bool {
	defer b.Release()
	return yield(b, nil)
}

// Rows runs the query and yields its rows as they arrive, like Batches. The rows
// stay valid after the loop.
func (d *DataFrame) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for b, err := range d.Batches(ctx) {
			var rows []Row
			if err == nil {
				rows, err = rowsOf(b)
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Collect runs the query and returns all its rows.
func (d *DataFrame) Collect(ctx context.Context) ([]Row, error) {
	rows := []Row{}
	for r, err := range d.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// CollectAs runs the query and returns its rows as structs, converted by
// Row.Scan.
func CollectAs[T any](ctx context.Context, d *DataFrame) ([]T, error) {
	list := []T{}
	for r, err := range d.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		var t T
		if err := r.Scan(&t); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(list), err)
		}
		list = append(list, t)
	}
	return list, nil
}

// Count runs the query and returns the number of its rows.
func (d *DataFrame) Count(ctx context.Context) (int64, error) {
	rows, err := d.GroupBy().Count().Collect(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 || rows[0].Len() != 1 {
		return 0, fmt.Errorf("count: the server returned %d rows, expected 1", len(rows))
	}
	return Get[int64](rows[0], "count")
}

// Take returns the first n rows.
func (d *DataFrame) Take(ctx context.Context, n int) ([]Row, error) { return d.Limit(n).Collect(ctx) }

// First returns the first row, and reports whether there is one.
func (d *DataFrame) First(ctx context.Context) (Row, bool, error) {
	rows, err := d.Take(ctx, 1)
	if err != nil || len(rows) == 0 {
		return Row{}, false, err
	}
	return rows[0], true, nil
}

// Show prints the first n rows to standard output in Spark's table form.
// truncate cuts values to 20 characters.
func (d *DataFrame) Show(ctx context.Context, n int, truncate bool) error {
	return d.ShowTo(ctx, os.Stdout, n, truncate)
}

// ShowTo is Show with the output to w.
func (d *DataFrame) ShowTo(ctx context.Context, w io.Writer, n int, truncate bool) error {
	width := 0
	if truncate {
		width = 20
	}
	text, err := d.ShowString(ctx, n, width, false)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

// ShowString returns the first n rows in Spark's table form. It cuts values to
// truncate characters, unless that is 0. With vertical each value has its own
// line.
func (d *DataFrame) ShowString(ctx context.Context, n, truncate int, vertical bool) (string, error) {
	if n < 0 || truncate < 0 || n > 1<<30 || truncate > 1<<30 {
		return "", fmt.Errorf("show: the number of rows is %d and the width %d; each must be from 0 to %d", n, truncate, 1<<30)
	}
	rows, err := d.derive(&pb.Relation{RelType: &pb.Relation_ShowString{ShowString: &pb.ShowString{
		Input: d.relation, NumRows: int32(n), Truncate: int32(truncate), Vertical: vertical,
	}}}).Collect(ctx)
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("show: the server returned %d rows, expected 1", len(rows))
	}
	return Get[string](rows[0], "show_string")
}

// Schema returns the names and types of the columns, without running the query.
func (d *DataFrame) Schema(ctx context.Context) (StructType, error) {
	if d.err != nil {
		return StructType{}, d.err
	}
	r, err := d.session.analyze(ctx, &pb.AnalyzePlanRequest{
		Analyze: &pb.AnalyzePlanRequest_Schema_{Schema: &pb.AnalyzePlanRequest_Schema{Plan: d.plan()}},
	})
	if err != nil {
		return StructType{}, err
	}
	t, err := typeFromWire(r.GetSchema().GetSchema())
	if err != nil {
		return StructType{}, err
	}
	s, ok := t.(StructType)
	if !ok {
		return StructType{}, fmt.Errorf("the server sent %s instead of a schema", t)
	}
	return s, nil
}

// TreeString returns the schema in Spark's tree form.
func (d *DataFrame) TreeString(ctx context.Context) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	r, err := d.session.analyze(ctx, &pb.AnalyzePlanRequest{
		Analyze: &pb.AnalyzePlanRequest_TreeString_{TreeString: &pb.AnalyzePlanRequest_TreeString{Plan: d.plan()}},
	})
	return r.GetTreeString().GetTreeString(), err
}

// PrintSchema prints the schema to w in Spark's tree form.
func (d *DataFrame) PrintSchema(ctx context.Context, w io.Writer) error {
	text, err := d.TreeString(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

var explainModes = map[string]pb.AnalyzePlanRequest_Explain_ExplainMode{
	"simple":    pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_SIMPLE,
	"extended":  pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_EXTENDED,
	"codegen":   pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_CODEGEN,
	"cost":      pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_COST,
	"formatted": pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_FORMATTED,
}

// Explain returns the query's plan. mode is simple, extended, codegen, cost or
// formatted.
func (d *DataFrame) Explain(ctx context.Context, mode string) (string, error) {
	m, ok := explainModes[strings.ToLower(mode)]
	if !ok {
		return "", fmt.Errorf("explain: there is no mode %q; the modes are simple, extended, codegen, cost and formatted", mode)
	}
	if d.err != nil {
		return "", d.err
	}
	r, err := d.session.analyze(ctx, &pb.AnalyzePlanRequest{
		Analyze: &pb.AnalyzePlanRequest_Explain_{Explain: &pb.AnalyzePlanRequest_Explain{Plan: d.plan(), ExplainMode: m}},
	})
	return r.GetExplain().GetExplainString(), err
}

func (d *DataFrame) command(ctx context.Context, c *pb.Command) error {
	if d.err != nil {
		return d.err
	}
	return d.session.command(ctx, c)
}

func (s *Session) command(ctx context.Context, c *pb.Command) error {
	return s.run(ctx, &pb.Plan{OpType: &pb.Plan_Command{Command: c}}).drain()
}
