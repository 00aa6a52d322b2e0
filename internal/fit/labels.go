package fit

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// ReadLabel sets the labels or the number of a row from the text of its label. ok is false for a row
// without a label: NULL, or for one label and a number also blank text. Several labels are a JSON list
// or, in other texts, divided by the separator; a list may be empty.
func (r *Row) ReadLabel(kind llm.PredictionKind, text *string, separator string) (ok bool, err error) {
	if text == nil {
		return false, nil
	}
	t := strings.TrimSpace(*text)
	switch {
	case kind == llm.PredictsLabels:
		r.Labels = []string{}
		if strings.HasPrefix(t, "[") {
			if err := json.Unmarshal([]byte(t), &r.Labels); err != nil {
				return false, fmt.Errorf("the labels are no JSON list of texts: %w", sensitive.JSON(err))
			}
		} else {
			r.Labels = strings.Split(t, separator)
		}
		for i := range r.Labels {
			r.Labels[i] = strings.TrimSpace(r.Labels[i])
		}
		r.Labels = slices.DeleteFunc(r.Labels, func(l string) bool { return l == "" })
		slices.Sort(r.Labels)
		r.Labels = slices.Compact(r.Labels)
		return true, r.checkLabels()
	case t == "":
		return false, nil
	case kind == llm.PredictsLabel:
		r.Labels = []string{t}
		return true, r.checkLabels()
	}
	r.Value, err = strconv.ParseFloat(t, 64)
	if err != nil || math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return false, sensitive.Errorf("%s is not a number", sensitive.Text(t))
	}
	return true, nil
}

// maxLabelBytes bounds a label; a longer one is a text in the wrong column.
const maxLabelBytes = 256

func (r *Row) checkLabels() error {
	for _, l := range r.Labels {
		if len(l) > maxLabelBytes {
			return sensitive.Errorf("a label has %d bytes, and the limit is %d: %s; is it the column of the labels?", len(l), maxLabelBytes, sensitive.Text(l))
		}
	}
	return nil
}
