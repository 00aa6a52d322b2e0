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

// Batches runs the query and gives its result as it arrives. A batch is valid
// until the next one is asked for; Retain keeps it longer. Leaving the loop
// early stops the query on the server. An error is the last thing given.
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

// yieldBatch releases the batch even if the loop's body panics.
func yieldBatch(b arrow.RecordBatch, yield func(arrow.RecordBatch, error) bool) bool {
	defer b.Release()
	return yield(b, nil)
}

// Rows runs the query and gives its rows as they arrive, as Batches does. The
// rows stay valid.
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

// Collect runs the query and gives all its rows.
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

// CollectAs runs the query and gives its rows as structs, as by Row.Scan.
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

// Count counts the rows.
func (d *DataFrame) Count(ctx context.Context) (int64, error) {
	rows, err := d.GroupBy().Count().Collect(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 || rows[0].Len() != 1 {
		return 0, fmt.Errorf("count: the server answered %d rows", len(rows))
	}
	return Get[int64](rows[0], "count")
}

// Take gives the first n rows.
func (d *DataFrame) Take(ctx context.Context, n int) ([]Row, error) { return d.Limit(n).Collect(ctx) }

// First gives the first row; it reports false if there is none.
func (d *DataFrame) First(ctx context.Context) (Row, bool, error) {
	rows, err := d.Take(ctx, 1)
	if err != nil || len(rows) == 0 {
		return Row{}, false, err
	}
	return rows[0], true, nil
}

// Show prints the first n rows to standard output, as Spark does; truncate
// cuts values to 20 characters.
func (d *DataFrame) Show(ctx context.Context, n int, truncate bool) error {
	return d.ShowTo(ctx, os.Stdout, n, truncate)
}

// ShowTo is Show to another place.
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

// ShowString gives the first n rows in Spark's table form. Values are cut to
// truncate characters, or whole if that is 0; vertical puts one value on each
// line.
func (d *DataFrame) ShowString(ctx context.Context, n, truncate int, vertical bool) (string, error) {
	if n < 0 || truncate < 0 || n > 1<<30 || truncate > 1<<30 {
		return "", fmt.Errorf("show: %d rows of values cut to %d characters cannot be", n, truncate)
	}
	rows, err := d.derive(&pb.Relation{RelType: &pb.Relation_ShowString{ShowString: &pb.ShowString{
		Input: d.relation, NumRows: int32(n), Truncate: int32(truncate), Vertical: vertical,
	}}}).Collect(ctx)
	if err != nil {
		return "", err
	}
	if len(rows) != 1 {
		return "", fmt.Errorf("show: the server answered %d rows instead of one text", len(rows))
	}
	return Get[string](rows[0], "show_string")
}

// Schema gives the names and types of the columns, without running the query.
func (d *DataFrame) Schema(ctx context.Context) (StructType, error) {
	if d.err != nil {
		return StructType{}, d.err
	}
	r, err := d.session.analyzed(ctx, &pb.AnalyzePlanRequest{
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

// TreeString gives the schema as Spark draws it.
func (d *DataFrame) TreeString(ctx context.Context) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	r, err := d.session.analyzed(ctx, &pb.AnalyzePlanRequest{
		Analyze: &pb.AnalyzePlanRequest_TreeString_{TreeString: &pb.AnalyzePlanRequest_TreeString{Plan: d.plan()}},
	})
	return r.GetTreeString().GetTreeString(), err
}

// PrintSchema prints the schema to w as Spark draws it.
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

// Explain gives the query's plan. The modes are simple, extended, codegen,
// cost and formatted.
func (d *DataFrame) Explain(ctx context.Context, mode string) (string, error) {
	m, ok := explainModes[strings.ToLower(mode)]
	if !ok {
		return "", fmt.Errorf("explain: there is no mode %q; the modes are simple, extended, codegen, cost and formatted", mode)
	}
	if d.err != nil {
		return "", d.err
	}
	r, err := d.session.analyzed(ctx, &pb.AnalyzePlanRequest{
		Analyze: &pb.AnalyzePlanRequest_Explain_{Explain: &pb.AnalyzePlanRequest_Explain{Plan: d.plan(), ExplainMode: m}},
	})
	return r.GetExplain().GetExplainString(), err
}

// CreateOrReplaceTempView gives the query a name that SQL in this session can
// use.
func (d *DataFrame) CreateOrReplaceTempView(ctx context.Context, name string) error {
	return d.command(ctx, &pb.Command{CommandType: &pb.Command_CreateDataframeView{CreateDataframeView: &pb.CreateDataFrameViewCommand{
		Input: d.relation, Name: name, Replace: true,
	}}})
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
