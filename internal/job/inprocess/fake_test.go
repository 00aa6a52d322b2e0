package inprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// fakeModel answers a question with "re " and the question. A question has ten
// tokens, an answer one. A question with "poison" in it is an error.
type fakeModel struct {
	llm.Unsupported

	digest string
	slow   time.Duration
	broken error
	panics error

	mu    sync.Mutex
	asked map[string]int
}

var errPoison = errors.New("it is poison")

func (m *fakeModel) Info() llm.Info {
	return llm.Info{Name: "fake", Digest: m.digest, Context: 4096, Roles: []llm.ModelRole{llm.Text}}
}
func (m *fakeModel) CountTokens(s string) int {
	return len(s)
}
func (m *fakeModel) Cut(s string, limit int) (string, bool) { return s, false }
func (m *fakeModel) Close() error                           { return nil }

func (m *fakeModel) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	if m.slow > 0 {
		select {
		case <-time.After(m.slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.panics != nil {
		panic(m.panics)
	}
	if m.broken != nil {
		return nil, m.broken
	}
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		text := r.Messages[len(r.Messages)-1].Text
		if m.asked == nil {
			m.asked = map[string]int{}
		}
		m.asked[text]++
		results[i] = llm.Result{Text: "re " + text, PromptTokens: 10, OutputTokens: 1}
		if strings.Contains(text, "poison") {
			results[i] = llm.Result{Err: errPoison, PromptTokens: 10}
		}
	}
	return results, nil
}

// most returns the highest number of times that one question was asked.
func (m *fakeModel) most() (n int) {
	for _, k := range m.asked {
		n = max(n, k)
	}
	return n
}

var inSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// fakeReader returns a row for each text: "NULL" is NULL, "BAD" cannot be read.
type fakeReader struct {
	texts  []string
	batch  int
	at     int
	bad    *BadRows
	fails  error // after the last row
	panics error // after the last row
}

func (r *fakeReader) Schema() *arrow.Schema         { return inSchema }
func (r *fakeReader) Progress() (done, total int64) { return int64(r.at), int64(len(r.texts)) }
func (r *fakeReader) Close() error                  { return nil }

func (r *fakeReader) Next(context.Context) (arrow.RecordBatch, error) {
	if r.at == len(r.texts) {
		if r.panics != nil {
			panic(r.panics)
		}
		if r.fails != nil {
			return nil, r.fails
		}
		return nil, io.EOF
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, inSchema)
	defer b.Release()
	for k := 0; k < r.batch && r.at < len(r.texts); k++ {
		id, text := b.Field(0).(*array.Int64Builder), b.Field(1).(*array.StringBuilder)
		switch t := r.texts[r.at]; t {
		case "BAD":
			r.bad.Note(files.Bad{Row: int64(r.at), Line: int64(r.at + 1), Reason: errors.New("unreadable"), Columns: []string{"id", "text"}})
			id.AppendNull()
			text.AppendNull()
		case "NULL":
			id.Append(int64(r.at))
			text.AppendNull()
		default:
			id.Append(int64(r.at))
			text.Append(t)
		}
		r.at++
	}
	return b.NewRecordBatch(), nil
}

// fakeWriter keeps the rows as lines of text.
type fakeWriter struct {
	lines  []string
	fails  error
	panics error
}

func (w *fakeWriter) Write(b arrow.RecordBatch) error {
	for i := range int(b.NumRows()) {
		cells := make([]string, b.NumCols())
		for c := range cells {
			cells[c] = b.Column(c).ValueStr(i)
		}
		w.lines = append(w.lines, strings.Join(cells, "|"))
	}
	if w.panics != nil {
		panic(w.panics)
	}
	return w.fails
}
func (w *fakeWriter) Close() error { return nil }
func (w *fakeWriter) Abort()       {}

// task is a job of a test, with a fake reader, writer and model.
type task struct {
	Executor
	job.Spec
	in    *fakeReader
	out   *fakeWriter
	model *fakeModel
}

func newTask(texts ...string) *task {
	t := &task{
		Spec: job.Spec{Add: []string{"answer=ai_gen(text)"}},
		in:   &fakeReader{texts: texts, batch: 1000, bad: &BadRows{}},
		out:  &fakeWriter{}, model: &fakeModel{digest: "d"},
	}
	t.Executor = Executor{In: t.in, BadRows: t.in.bad, Out: t.out, Threads: 2}
	return t
}

func (t *task) plan(test *testing.T) *job.Plan {
	test.Helper()
	p, err := t.Bind(inSchema)
	if err != nil {
		test.Fatal(err)
	}
	return p
}

func (t *task) run(test *testing.T) (job.Summary, error) {
	test.Helper()
	t.Models = models.Of(t.model)
	return t.Run(test.Context(), t.plan(test))
}

func (t *task) done(test *testing.T) job.Summary {
	test.Helper()
	s, err := t.run(test)
	if err != nil {
		test.Fatal(err)
	}
	return s
}

// numbered returns n texts, at most distinct of them different.
func numbered(n, distinct int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint("text ", i*7919%distinct)
	}
	return texts
}
