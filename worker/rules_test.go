package worker

import (
	"reflect"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
)

// Rules answer calls in a session without a model.
func TestRulesWithoutModel(t *testing.T) {
	mem := memory.NewGoAllocator()
	texts := fromJSON(t, mem, arrow.BinaryTypes.String, `["mail to ann@example.com", null, "", "no data"]`)
	labels := fromJSON(t, mem, arrow.ListOf(arrow.BinaryTypes.String), `[["email"], ["email"], ["email"], ["email"]]`)
	batch := batchOf(texts, labels)
	for _, version := range versions {
		f := serveProcess(t, version, nil, "")
		a := f.connect(t, version).do(ask(bundle.Command{Kind: bundle.AI, Function: "ai_mask"}, 0, 1), arrowBytes(t, batch.Schema(), batch))
		if want := [][]any{{"mail to [MASKED]", nil, "", "no data"}}; a.failure != "" || !reflect.DeepEqual(a.columns, want) {
			t.Errorf("Spark %s: %+v", version, a)
		}
	}
}
