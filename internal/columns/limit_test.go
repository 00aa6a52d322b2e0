package columns

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/ai"
)

// Texts that exceed 32-bit offsets are an error that names the row and the settings.
// 64-bit offsets hold them.
func TestMoreTextThanOffsetsHold(t *testing.T) {
	before := maxText
	maxText = 100
	t.Cleanup(func() { maxText = before })
	long := strings.Repeat("x", 60)
	for _, of := range []struct {
		t     ai.Type
		value any
	}{
		{ai.String, long}, {ai.StringArray, []string{long[:30], long[:30]}}, {ai.Struct(ai.Field{Name: "a", Type: ai.String}), []any{long}},
	} {
		answers := []ai.Answer{{Value: of.value}, {}, {Value: of.value}}
		_, err := Types{}.Answers(memory.DefaultAllocator, of.t, answers)
		if err == nil || !strings.Contains(err.Error(), "the answer of row 2: ") || !strings.Contains(err.Error(), "maxRecordsPerBatch") {
			t.Errorf("%s: %v", of.t, err)
		}
		for _, c := range []struct {
			types   Types
			answers []ai.Answer
		}{{Types{}, answers[:2]}, {Types{LargeStrings: true}, answers}} {
			column, err := c.types.Answers(memory.DefaultAllocator, of.t, c.answers)
			if err != nil {
				t.Errorf("%s, %+v: %v", of.t, c.types, err)
				continue
			}
			column.Release()
		}
	}
}
