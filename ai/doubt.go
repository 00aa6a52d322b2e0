package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

var checkPrompt = mustPrompt("extract_check", "field", "content")

// benefit is how much less likely than "none" a value may be and still be
// kept, as a natural logarithm: "none" is short, and values are not. It was
// chosen on 150 sentences of presidio-synth, by the names of persons in them.
const benefit = 2

// doubt empties what was found under labels where the text more likely says
// nothing. Small models always find something; asked whether it is that or
// none, they know better.
func doubt(ctx context.Context, m llm.Model, need []asked[extraction], objects []json.RawMessage) error {
	type found struct{ row, member int }
	var all []found
	var requests []llm.Request
	members := make([][]member, len(need))
	for i, a := range need {
		if a.Err != nil || a.in.own || a.in.free {
			continue
		}
		var err error
		if members[i], err = orderedObject(string(objects[i])); err != nil {
			return fmt.Errorf("%w: %w", llm.ErrModel, err) // it was valid before
		}
		flat := oneLineEach.Replace(a.in.content)
		for k, f := range members[i] {
			var value string
			if json.Unmarshal(f.value, &value) != nil || isBlank(value) {
				continue
			}
			r := checkPrompt.fill(nil, "field", f.name, "content", around(flat, value))
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
		case len(r.Scores) == 2 && r.Scores[1] < r.Scores[0]-benefit, len(r.Scores) == 0 && strings.TrimSpace(r.Text) == "none":
			members[f.row][f.member].value = json.RawMessage(`""`)
		}
	}
	for i, of := range members {
		if of == nil {
			continue
		}
		objects[i] = objectText(of)
	}
	return nil
}
