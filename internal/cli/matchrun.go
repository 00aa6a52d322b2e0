package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/join"
)

// matchRun is a run of match or dedup. It asks models through jobs in this process, and
// so has their ledger and progress.
type matchRun struct {
	fileJob
	options *matchOptions
	inputs  []string
	out     files.Writer
	badRows int
}

func (m *matchRun) close() {
	if m.out != nil {
		m.out.Abort()
	}
	m.fileJob.close()
}

// The jobs that ask, and the columns of their inputs.
var (
	textColumn      = arrow.NewSchema([]arrow.Field{{Name: "content", Type: arrow.BinaryTypes.String}}, nil)
	questionColumns = arrow.NewSchema([]arrow.Field{{Name: "content", Type: arrow.BinaryTypes.String}, {Name: "statement", Type: arrow.BinaryTypes.String}}, nil)
	embedTexts      = job.Spec{Add: []string{"answer=try_ai_embed(content)"}}
	askQuestions    = job.Spec{Add: []string{"answer=try_ai_filter_score(content, statement)"}}
)

// open opens the output, the ledger, and the models that will be asked.
func (m *matchRun) open(ctx context.Context, schema *arrow.Schema, o join.Options) error {
	created, err := m.createOutput(schema, m.options.ship.paths(m.inputs...))
	if err != nil {
		return err
	}
	m.out = created
	var asks []job.Spec
	if o.UsesVectors() {
		asks = append(asks, embedTexts)
	}
	if len(o.Predicates) > 0 {
		asks = append(asks, askQuestions)
	}
	for _, spec := range asks {
		if err := m.bindTo(spec); err != nil {
			return err
		}
		if m.executor.Ledger == nil {
			if err := m.openLedger(ctx); err != nil {
				return err
			}
		}
		if m.models == nil {
			if err := m.openModels(ctx); err != nil {
				return err
			}
		} else if err := openAsked(ctx, m.models, m.plan.Asks()); err != nil {
			return err
		}
	}
	return nil
}

func (m *matchRun) bindTo(spec job.Spec) (err error) {
	columns := textColumn
	if spec.Add[0] == askQuestions.Add[0] {
		columns = questionColumns
	}
	m.plan, err = spec.Bind(columns)
	return err
}

// ask runs a job over rows of texts and calls read with the result and error of each.
func (m *matchRun) ask(ctx context.Context, name string, spec job.Spec, rows [][]string, read func(row int, result arrow.Array, at int, problem string)) error {
	if err := m.bindTo(spec); err != nil {
		return err
	}
	out := &answerReader{read: read}
	e := m.executor
	e.In, e.Out = &textRows{schema: m.plan.Input, rows: rows}, out
	meter := newJobMeter(m.err, name)
	e.Progress, e.Every = meter.step, meter.every
	s, err := e.Run(ctx, m.plan)
	meter.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(m.err, "%s: %s\n", name, callCounts(s))
	return nil
}

// Vectors implements join.Asker.
func (m *matchRun) Vectors(ctx context.Context, texts []string) ([][]float32, error) {
	rows := make([][]string, len(texts))
	for i, text := range texts {
		rows[i] = []string{text}
	}
	vectors := make([][]float32, len(texts))
	err := m.ask(ctx, "vectors", embedTexts, rows, func(row int, result arrow.Array, at int, _ string) {
		if list := result.(*array.List); !list.IsNull(at) {
			from, to := list.ValueOffsets(at)
			vectors[row] = list.ListValues().(*array.Float32).Float32Values()[from:to]
		}
	})
	return vectors, err
}

// Ask implements join.Asker.
func (m *matchRun) Ask(ctx context.Context, questions []join.Question) ([]join.Answer, error) {
	rows := make([][]string, len(questions))
	for i, q := range questions {
		rows[i] = []string{q.Text, q.Statement}
	}
	answers := make([]join.Answer, len(questions))
	err := m.ask(ctx, "questions", askQuestions, rows, func(row int, result arrow.Array, at int, problem string) {
		if result.IsNull(at) {
			answers[row].Err = errors.New(problem)
			return
		}
		answers[row].Probability = result.(*array.Float64).Value(at)
	})
	return answers, err
}

// textRows is a files.Reader of rows of texts in memory.
type textRows struct {
	schema *arrow.Schema
	rows   [][]string
	read   int
}

func (t *textRows) Schema() *arrow.Schema { return t.schema }
func (t *textRows) Close() error          { return nil }

// Progress counts rows instead of bytes, so that the share is right.
func (t *textRows) Progress() (done, total int64) { return int64(t.read), int64(len(t.rows)) }

func (t *textRows) Next(context.Context) (arrow.RecordBatch, error) {
	if t.read == len(t.rows) {
		return nil, io.EOF
	}
	to := min(len(t.rows), t.read+writtenRows)
	b := array.NewRecordBuilder(memory.DefaultAllocator, t.schema)
	defer b.Release()
	for ; t.read < to; t.read++ {
		for c, text := range t.rows[t.read] {
			b.Field(c).(*array.StringBuilder).Append(text)
		}
	}
	return b.NewRecordBatch(), nil
}

// answerReader is a files.Writer that reads the answers of a try_ function in the last
// column.
type answerReader struct {
	read func(row int, result arrow.Array, at int, problem string)
	rows int
}

func (a *answerReader) Write(batch arrow.RecordBatch) error {
	answers := batch.Column(int(batch.NumCols()) - 1).(*array.Struct)
	result, problems := answers.Field(0), answers.Field(1).(*array.String)
	batch.Retain() // vectors share its memory
	for i := range answers.Len() {
		problem := "there is no answer"
		if !problems.IsNull(i) {
			problem = problems.Value(i)
		}
		a.read(a.rows+i, result, i, problem)
	}
	a.rows += answers.Len()
	return nil
}

func (a *answerReader) Close() error { return nil }
func (a *answerReader) Abort()       {}

// explain prints what would be asked.
func (m *matchRun) explain(f join.Counts, o join.Options) error {
	w := m.app.out
	fmt.Fprintf(w, "texts    %d by %d distinct texts\n", f.Left, f.Right)
	fmt.Fprintf(w, "pairs    %d\n", f.Pairs)
	if o.UsesVectors() {
		fmt.Fprintf(w, "vectors  %d texts\n", f.Vectors)
	}
	if f.Alone > 0 {
		fmt.Fprintf(w, "asked    %d questions about one text\n", f.Alone)
	}
	if !o.OfPair() {
		fmt.Fprintln(w, "asked    no questions about pairs")
		return nil
	}
	if o.Nearest == 0 {
		fmt.Fprintf(w, "sample   at most %d questions, to find how many candidates a text needs\n", f.SamplePairs)
	}
	for _, k := range []int{1, 2, 3, 5, 10} {
		if o.Nearest > 0 {
			k = o.Nearest
		}
		fmt.Fprintf(w, "asked    at most %d pairs with the %d nearest of each text, %.2f %% of all\n", f.PairsOf(k, o), k, 100*float64(f.PairsOf(k, o))/float64(max(1, f.Pairs)))
		if o.Nearest > 0 {
			break
		}
	}
	return nil
}

// facts prints how many texts and pairs there were, and the estimated recall.
func (m *matchRun) facts(f join.Facts, o join.Options) {
	share := 0.0
	if f.Pairs > 0 {
		share = 100 * float64(f.Candidates+f.SamplePairs) / float64(f.Pairs)
	}
	done := "compared"
	if o.OfPair() {
		done = "asked"
	}
	fmt.Fprintf(m.err, "%d by %d distinct texts, %d pairs; %d candidates %s", f.Left, f.Right, f.Pairs, f.Candidates, done)
	if f.SamplePairs > 0 {
		fmt.Fprintf(m.err, ", and %d of the sample", f.SamplePairs)
	}
	fmt.Fprintf(m.err, ": %.2f %% of all\n", share)
	if !f.Estimated {
		return
	}
	low, high := f.Estimate.Interval()
	fmt.Fprintf(m.err, "recall of the %d nearest: %.3f (%.3f to %.3f), estimated from %d matches of a sample of %d texts\n",
		f.Estimate.K, f.Estimate.Share(), low, high, f.Estimate.Matches, min(f.Left, o.Sample))
}
