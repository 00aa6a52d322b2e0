package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// rewriting describes how a text is rewritten, in pieces if it is long.
type rewriting struct {
	// request makes the request for one piece, without MaxTokens.
	request func(text string) llm.Request
	// done is the participle for notes, such as "translated".
	done string
	// check, if not nil, returns an error if an answer cannot be right.
	check func(text, answer string) error
}

// maxPiece is the size of the pieces of a long text in tokens: more than a
// paragraph, and few enough for small models.
const maxPiece = 384

// rewrite rewrites the text of each row. how returns the text and the rewriting
// of a row.
func rewrite[In any](ctx context.Context, m llm.Model, need []task[In], how func(In) (string, rewriting)) error {
	// An answer is about as long as its piece, in another language up to three
	// times as long. Prompt and template use an eighth of the context window.
	limit := max(1, min(maxPiece, contextOf(m)/5))
	var requests []llm.Request
	all := make([][]piece, len(need))
	for i, a := range need {
		content, r := how(a.in)
		all[i] = cutPieces(m, content, limit)
		for _, p := range all[i] {
			q := r.request(p.text)
			q.MaxTokens = 3*m.CountTokens(p.text) + 16
			requests = append(requests, q)
		}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for i, a := range need {
		_, r := how(a.in)
		a.setRewritten(all[i], results[:len(all[i])], r)
		results = results[len(all[i]):]
	}
	return nil
}

// setRewritten joins the answers of the pieces of a text.
func (a task[In]) setRewritten(pieces []piece, results []llm.Result, r rewriting) {
	var b strings.Builder
	for i, p := range pieces {
		answer := strings.TrimSpace(results[i].Text)
		err := results[i].Err
		switch {
		case err != nil:
		case answer == "":
			err = fmt.Errorf("%w: its answer is empty", llm.ErrModel)
		case results[i].Finish == llm.FinishLength:
			err = sensitive.Errorf("%w: its answer is much longer than the text and was cut off: %s", llm.ErrModel, sensitive.Text(answer))
		case r.check != nil:
			err = r.check(p.text, answer)
		}
		if err != nil {
			if len(pieces) > 1 {
				err = fmt.Errorf("part %d of %d: %w", i+1, len(pieces), err)
			}
			a.Err, a.Raw = err, answer
			return
		}
		b.WriteString(p.before + answer + p.after)
	}
	a.Value = b.String()
	if len(pieces) > 1 {
		a.Note = fmt.Sprintf("the text is long: it was %s in %d parts, each by itself", r.done, len(pieces))
	}
}
