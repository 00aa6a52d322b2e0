package worker

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
)

// canary is a word in rows, arguments and answers that must stay hidden.
const canary = "Zilpzalp7"

// canaryModel returns answers that no function can parse.
type canaryModel struct{ fakeModel }

func (m *canaryModel) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	results := make([]llm.Result, len(requests))
	for i, r := range requests {
		results[i] = llm.Result{Text: `{"` + canary + `": "` + canary + ` said`, Finish: llm.FinishStop}
		if strings.Contains(fmt.Sprint(r), "round") {
			results[i].Finish = llm.FinishRepeat
		}
	}
	return results, nil
}

// The executor's log and the errors sent to Spark do not quote rows, arguments
// and answers, unless the session has LogContent set. The error that a try_
// function returns is data and may quote them.
func TestContentIsHidden(t *testing.T) {
	shown, data := 0, 0
	for _, f := range ai.All() {
		for _, second := range []string{canary, `{"` + canary + `": 1}`, `["a", "b"]`, "de", "STRUCT<a: INT>"} {
			for _, logContent := range []bool{false, true} {
				root, m := install(t, "4.3.0", "canary")
				w := serveProcess(t, "4.3.0", m.Models, root)
				var columns []arrow.Array
				for i, p := range f.Params {
					first := []string{canary + " sings", "and round it goes " + canary, strings.Repeat("we sing of "+canary+", ", 9)}
					if i > 0 {
						first = []string{second, second, second}
					}
					if p.Name == "endpoint" {
						first = []string{"default", canary, "default"}
					}
					column := textColumn(first...)
					if p.Type == ai.StringArray {
						column = groupsOf(column)
					}
					columns = append(columns, column)
					if i > 0 && i+1 >= f.Required() {
						break
					}
				}
				indices := make([]int, len(columns))
				for i := range indices {
					indices[i] = i
				}
				batch := batchOf(columns...)
				c := bundle.Command{Kind: bundle.AI, Function: f.Name, LogContent: logContent}
				a := w.connect(t, "4.3.0").do(ask(c, indices...), arrowBytes(t, batch.Schema(), batch))
				output := a.failure + w.log.String()
				if strings.Contains(output, canary) {
					if shown++; !logContent {
						t.Errorf("%s(text, %q) shows content: %s", f.Name, second, output)
					}
				}
				if f.Of != nil && strings.Contains(fmt.Sprint(a.columns), canary) {
					data++
				}
			}
		}
	}
	if shown < 20 || data < 20 {
		t.Errorf("content is shown by %d tasks with LogContent and returned as data by %d try_ functions, want at least 20 each", shown, data)
	}
}

// Errors that the worker makes about the arguments of a program's own functions
// hide the values, too.
func TestContentOfArguments(t *testing.T) {
	f := serveProcess(t, "4.3.0", nil, "")
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Append(1234567)
	batch := batchOf(b.NewArray())
	a := f.connect(t, "4.3.0").do(ask(hostCall("user_tiny"), 0), arrowBytes(t, batch.Schema(), batch))
	if !strings.Contains(a.failure, "[7 characters hidden] does not fit a int8") || strings.Contains(a.failure+f.log.String(), "1234567") {
		t.Errorf("%s\n%s", a.failure, f.log)
	}
}

func textColumn(values ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for _, v := range values {
		b.Append(v)
	}
	return b.NewArray()
}

// groupsOf returns a column of lists of one text each.
func groupsOf(texts arrow.Array) arrow.Array {
	b := array.NewListBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String)
	defer b.Release()
	for i := range texts.Len() {
		b.Append(true)
		b.ValueBuilder().(*array.StringBuilder).Append(texts.(*array.String).Value(i))
	}
	return b.NewArray()
}
