package ai

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

const (
	defaultSummaryWords = 50
	// unlimitedSummary bounds a summary without a limit, in tokens.
	unlimitedSummary = 512
	// partWords is the number of words of the summary of a part.
	partWords = 60
	// maxPart is the size of a part in tokens.
	maxPart = 1024
	// maxLevels bounds how often summaries are summarised. Each level makes the
	// text many times shorter.
	maxLevels = 8
)

var summarizePrompt = mustPrompt("summarize", "limit", "content")

var summarize = define(&Function{
	Name: "ai_summarize",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "max_words", Type: Int, Optional: true, About: "the maximum number of words of the summary; default 50, 0 means no limit"},
	},
	Returns: String,
	Summary: "summarises a text",
	Detail: "NULL and blank content give NULL without a model call, and a text of at most max_words words is its own summary. A text " +
		"of more than 1024 tokens (or a third of the model's context window) is summarised in parts, and then the summaries are summarised; " +
		"the note of try_ai_summarize reports this. A summary of more than max_words words is cut, at the end of a sentence if " +
		"possible, and has a note. The query fails if max_words is negative.",
	Measured: "SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits). The first 100 abstracts of the SciTLDR dev set, without max_words: ROUGE-L 0.221 " +
		"(0.201 to 0.241), chrF 0.382 (0.359 to 0.407). The same model with a plain prompt for one sentence: ROUGE-L 0.188 (0.173 to 0.204; p < 0.001 for the difference) " +
		"and chrF 0.376 (0.359 to 0.392; p 0.54). The first 50 words of each abstract, cut in the same way: ROUGE-L 0.203 and chrF 0.386. With max_words 25, on 60 other abstracts: ROUGE-L 0.210 " +
		"and chrF 0.311; with a plain prompt 0.174 and 0.343, with much longer answers (chrF penalizes missing text more than additional text). " +
		"Qwen2.5-Coder-0.5B on the first 60 abstracts: ROUGE-L 0.247 (0.223 to 0.272).",
	Weakness: "Small models copy the start of a text and may add facts that are not in it. Some of their answers describe the text (\"This text summarizes ...\") instead of its content.",
	Example:  "SELECT ai_summarize('Apache Spark is an engine for large-scale data. It runs SQL, streams and machine learning on one machine or on thousands.', 10) AS summary",
	Sample:   Row{"Apache Spark is an engine for large-scale data. It runs SQL, streams and machine learning on one machine or on thousands.", int64(10)},
	Prompts:  []string{"summarize"},
}, func(row Row) (in summarizeInput, ok bool, err error) {
	in.text, ok = text(row[0])
	in.words = defaultSummaryWords
	if row[1] != nil {
		n, isInt := row[1].(int64)
		if !isInt || n < 0 || n > 1<<20 {
			return in, false, badArgument("max_words", "%s is not a valid number of words; it must be 0 (no limit) to 1048576", sensitive.Of(row[1]))
		}
		in.words = int(n)
	}
	return in, ok, nil
}, withModel(llm.Text, summarizeAll))

// summarizeInput is a text and the limit of its summary.
type summarizeInput struct {
	text  string
	words int // 0 means no limit
}

// step is a text during its summarization, level by level.
type step struct {
	task[summarizeInput]
	text   string
	parts  []piece
	tokens int // number of tokens of the whole text
	first  int // number of parts on the first level
	last   bool
}

func summarizeAll(ctx context.Context, m llm.Model, need []task[summarizeInput]) error {
	limit := max(1, min(maxPart, contextOf(m)/3))
	var steps []*step
	for _, a := range need {
		if a.in.words > 0 && len(strings.Fields(a.in.text)) <= a.in.words {
			a.Value = strings.TrimSpace(a.in.text)
			continue
		}
		steps = append(steps, &step{task: a, text: a.in.text, tokens: m.CountTokens(a.in.text)})
	}
	for range maxLevels {
		var requests []llm.Request
		for _, s := range steps {
			s.parts = cutPieces(m, s.text, limit)
			s.last = len(s.parts) == 1
			s.first = max(s.first, len(s.parts))
			words := partWords
			if s.last {
				words = s.in.words
			}
			for _, p := range s.parts {
				requests = append(requests, summaryRequest(p.text, words))
			}
		}
		results, err := do(ctx, m, requests)
		if err != nil {
			return err
		}
		var going []*step
		for _, s := range steps {
			if s.take(results[:len(s.parts)]); s.Err == nil && !s.last {
				going = append(going, s)
			}
			results = results[len(s.parts):]
		}
		if steps = going; len(steps) == 0 {
			return nil
		}
	}
	for _, s := range steps {
		s.Err = fmt.Errorf("%w: its summaries are not shorter than the text", llm.ErrModel)
	}
	return nil
}

func summaryRequest(text string, words int) llm.Request {
	limit, tokens := "", unlimitedSummary
	if words > 0 {
		limit = fmt.Sprintf(" in at most %d words", words)
		tokens = 2*words + 16
	}
	r := summarizePrompt.fill(nil, "limit", limit, "content", text)
	r.MaxTokens = tokens
	return r
}

// take joins the summaries of the parts to the text of the next level.
func (s *step) take(results []llm.Result) {
	var all []string
	for i, r := range results {
		if r.Err != nil {
			s.Err, s.Raw = r.Err, strings.TrimSpace(r.Text)
			if len(results) > 1 {
				s.Err = fmt.Errorf("part %d of %d: %w", i+1, len(results), r.Err)
			}
			return
		}
		all = append(all, strings.TrimSpace(r.Text))
	}
	s.text = strings.Join(all, "\n")
	if !s.last {
		return
	}
	var notes []string
	if s.first > 1 {
		notes = append(notes, fmt.Sprintf("the text is long: its %d tokens were summarised in %d parts, and their summaries again", s.tokens, s.first))
	}
	s.Raw = s.text
	summary, cut := shorten(s.text, s.in.words, results[0].Finish == llm.FinishLength)
	if cut {
		notes = append(notes, "the summary came out too long, and was cut")
	}
	s.Value, s.Note = summary, strings.Join(notes, "; ")
}

// shorten cuts a summary to a number of words, at the end of a sentence if there is
// one. unended means that the model was stopped before the end.
func shorten(summary string, words int, unended bool) (string, bool) {
	end, n, inWord := len(summary), 0, false
	if words > 0 {
		for i, r := range summary {
			space := strings.ContainsRune(" \t\r\n", r)
			if !space && !inWord {
				if n++; n > words {
					end = i
					break
				}
			}
			inWord = !space
		}
	}
	if end == len(summary) && !unended {
		return summary, false
	}
	cut := strings.TrimSpace(summary[:end])
	for i := len(cut) - 1; i > 0; i-- {
		if strings.IndexByte(".!?", cut[i]) >= 0 && (i == len(cut)-1 || cut[i+1] == ' ' || cut[i+1] == '\n') {
			return cut[:i+1], true
		}
	}
	return cut, true
}
