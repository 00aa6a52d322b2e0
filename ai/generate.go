package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// rewriting asks for a text anew, piece by piece where it is long.
type rewriting struct {
	// request asks for one piece; what it generates is bounded for it.
	request func(text string) llm.Request
	// done says in a note what was done to the pieces, as in "translated".
	done string
	// check, if there is one, says why an answer cannot be right.
	check func(text, answer string) error
}

// maxPiece is the size of the pieces in which a long text is rewritten, in
// tokens: more than a paragraph, and little enough for small models.
const maxPiece = 384

// rewrite answers texts by rewriting them; how says how each is.
func rewrite[In any](ctx context.Context, m llm.Model, need []asked[In], how func(In) (string, rewriting)) error {
	// An answer is about as long as its piece, in another language perhaps
	// three times; prompt and template have an eighth.
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
		a.rewritten(all[i], results[:len(all[i])], r)
		results = results[len(all[i]):]
	}
	return nil
}

// rewritten puts the answers of a text's pieces together.
func (a asked[In]) rewritten(pieces []piece, results []llm.Result, r rewriting) {
	var b strings.Builder
	for i, p := range pieces {
		answer := strings.TrimSpace(results[i].Text)
		err := results[i].Err
		switch {
		case err != nil:
		case answer == "":
			err = fmt.Errorf("%w: it answered nothing", llm.ErrModel)
		case results[i].Finish == llm.FinishLength:
			err = sensitive.Errorf("%w: its answer is far longer than the text, and has no end: %s", llm.ErrModel, sensitive.Text(answer))
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
