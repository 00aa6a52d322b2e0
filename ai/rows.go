package ai

import (
	"context"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// text reads a STRING argument. Not ok means NULL or blank: such a row's
// answer is NULL, and no model is asked.
func text(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok && strings.TrimSpace(s) != ""
}

// ask sends the requests of those rows that have one (request returns false
// for a NULL answer, or an error) and lets read turn results into answers.
func ask(ctx context.Context, m llm.Model, rows []Row,
	request func(Row, *Answer) (llm.Request, bool), read func(row int, r llm.Result, a *Answer),
) ([]Answer, error) {
	answers := make([]Answer, len(rows))
	var requests []llm.Request
	var asked []int // the row of each request
	for i, row := range rows {
		if r, ok := request(row, &answers[i]); ok {
			requests = append(requests, r)
			asked = append(asked, i)
		}
	}
	if len(requests) == 0 {
		return answers, nil
	}
	results, err := m.Do(ctx, requests)
	if err != nil {
		return nil, err
	}
	for k, r := range results {
		a := &answers[asked[k]]
		if r.Err != nil {
			a.Err = r.Err
			continue
		}
		read(asked[k], r, a)
	}
	return answers, nil
}
