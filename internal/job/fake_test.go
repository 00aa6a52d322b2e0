package job

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
	"github.com/firesteel/firesteel/llm"
)

// fakeModel answers "re " and what it is asked, with ten tokens for the
// question and one for the answer, and cannot answer what has "poison" in it.
type fakeModel struct {
	digest string
	slow   time.Duration
	broken error
	panics error

	mu    sync.Mutex
	asked map[string]int
}

var errPoison = errors.New("it is poison")

func (m *fakeModel) Info() llm.Info { return llm.Info{Name: "fake", Digest: m.digest, Context: 4096} }
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

// most is how often the one that was asked most often was asked.
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

// fakeReader gives rows: texts, "NULL" for NULL, "BAD" for what cannot be read.
type fakeReader struct {
	texts  []string
	batch  int
	at     int
	bad    *BadRows
	fails  error // after the last row
	panics error // then, too
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

// fakeWriter keeps what is written as lines of text.
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

// task is a job of a test.
type task struct {
	Parts
	in    *fakeReader
	out   *fakeWriter
	model *fakeModel
	where string
	add   []string
	with  func(*Plan)
}

func newTask(texts ...string) *task {
	t := &task{
		in:  &fakeReader{texts: texts, batch: 1000, bad: &BadRows{}},
		out: &fakeWriter{}, model: &fakeModel{digest: "d"}, add: []string{"answer=ai_gen(text)"},
	}
	t.Parts = Parts{In: t.in, Bad: t.in.bad, Out: t.out, Threads: 2}
	return t
}

func (t *task) run(test *testing.T) (Summary, error) {
	test.Helper()
	p, err := NewPlan(inSchema, t.where, t.add)
	if err != nil {
		test.Fatal(err)
	}
	if t.with != nil {
		t.with(p)
	}
	t.Model = t.model
	return p.Run(test.Context(), t.Parts)
}

func (t *task) done(test *testing.T) Summary {
	test.Helper()
	s, err := t.run(test)
	if err != nil {
		test.Fatal(err)
	}
	return s
}

// numbered gives n texts, of which every one but the first of k is the same as
// the k-th before it, or so.
func numbered(n, distinct int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint("text ", i*7919%distinct)
	}
	return texts
}
