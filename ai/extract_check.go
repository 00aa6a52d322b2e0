package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

var checkPrompt = mustPrompt("extract_check", "field", "content")

// margin is how much less likely than "none" a value may be and still be kept, as
// a natural logarithm. It is needed because "none" is shorter than values. It was
// chosen on 150 sentences of presidio-synth, for the names of persons in them.
const margin = 2

// checkValues empties the values of labels that are less likely than "none". A
// small model always returns some value; it is more reliable when it chooses
// between this value and "none". It keeps the odds of the other values.
func checkValues(ctx context.Context, m llm.Model, need []task[extractInput], answers []extraction) error {
	type found struct{ row, member int }
	var all []found
	var requests []llm.Request
	members := make([][]member, len(need))
	for i, a := range need {
		if a.Err != nil || a.in.userSchema || a.in.anyValue {
			continue
		}
		var err error
		if members[i], err = orderedObject(string(answers[i].object)); err != nil {
			return fmt.Errorf("%w: %w", llm.ErrModel, err) // cannot happen: it was checked before
		}
		flat := oneLineKeepLength.Replace(a.in.content)
		for k, f := range members[i] {
			var value string
			if json.Unmarshal(f.value, &value) != nil || isBlank(value) {
				continue
			}
			r := checkPrompt.fill(nil, "field", f.name, "content", excerpt(flat, value))
			requests = append(requests, checkPrompt.choose(r, []string{"none", strings.TrimSpace(value)}))
			all = append(all, found{i, k})
		}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for n, f := range all {
		r, a := results[n], need[f.row]
		switch {
		case r.Err != nil:
			a.Err = r.Err
		case len(r.Scores) == 2 && r.Scores[1] < r.Scores[0]-margin, len(r.Scores) == 0 && strings.TrimSpace(r.Text) == "none":
			members[f.row][f.member].value = json.RawMessage(`""`)
		case len(r.Scores) == 2:
			if answers[f.row].odds == nil {
				answers[f.row].odds = map[string]float64{}
			}
			answers[f.row].odds[members[f.row][f.member].name] = r.Scores[1] - r.Scores[0]
		}
	}
	for i, of := range members {
		if of == nil {
			continue
		}
		answers[i].object = objectText(of)
	}
	return nil
}
