package ai

import (
	"context"
	"fmt"
	"strings"
)

// maxLabels is what a reader of the query can still tell apart, and a bound
// on the work one row can ask for.
const maxLabels = 100

// maxLabelBytes bounds a label: it is a name, and all its tokens are computed
// for every row.
const maxLabelBytes = 256

var classifyLabeller = newLabeller("classify", "content", "labels")

var classify = register(&Function{
	Name:    "ai_classify",
	Params:  []Param{{"content", String}, {"labels", StringArray}},
	Returns: String,
	Summary: "gives the one of labels that fits the text best",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The labels are scored, not generated, so " +
		"the answer is always one of them, as it stands in the list. An empty list, a blank or repeated label, more than 100 " +
		"of them, or one of more than 256 bytes, is that row's error: NULL, counted in the worker's log. Of a text of more than 1024 tokens the first 1024 are read.",
	Example: "SELECT ai_classify('My card was charged twice.', ARRAY('billing', 'delivery', 'product')) AS topic",
	Eval: func(ctx context.Context, model Source, rows []Row) ([]Answer, error) {
		return classifyLabeller.label(ctx, model, rows, func(row Row) (scored, bool, error) {
			content, ok := text(row[0])
			labels, given := row[1].([]string)
			if !ok || !given {
				return scored{}, false, nil
			}
			return scored{content, labels}, true, checkLabels(labels)
		})
	},
})

func checkLabels(labels []string) error {
	if len(labels) == 0 {
		return fmt.Errorf("the list of labels is empty; give at least one, as in ARRAY('a', 'b')")
	}
	if len(labels) > maxLabels {
		return fmt.Errorf("%d labels are more than the %d that can be told apart", len(labels), maxLabels)
	}
	seen := make(map[string]bool, len(labels))
	for i, label := range labels {
		trimmed := strings.TrimSpace(label)
		if trimmed == "" {
			return fmt.Errorf("label %d is blank", i+1)
		}
		if seen[trimmed] {
			return fmt.Errorf("label %q stands twice in the list", trimmed)
		}
		if n := len(trimmed); n > maxLabelBytes {
			return fmt.Errorf("label %d has %d bytes, more than the %d that a label may have", i+1, n, maxLabelBytes)
		}
		seen[trimmed] = true
	}
	return nil
}
