package ai

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// groupModel is a fake that answers a prompt with a hash of its lines, and notes the lines of
// texts that it reads.
func groupModel(read map[string]int) *fake {
	return &fake{reply: func(r llm.Request) llm.Result {
		prompt := r.Messages[len(r.Messages)-1].Text
		lines, _, _ := strings.Cut(prompt, "\n\n")
		h := uint64(14695981039346656037)
		for line := range strings.Lines(lines) {
			line = strings.TrimSuffix(strings.TrimPrefix(line, "- "), "\n")
			if !strings.HasPrefix(line, "answer ") && read != nil {
				read[line]++
			}
			for _, b := range []byte(line) {
				h = (h ^ uint64(b)) * 1099511628211
			}
		}
		return llm.Result{Text: fmt.Sprintf("answer %x", h), Finish: llm.FinishStop}
	}}
}

func manyTexts(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("text %d of a group of many", i)
	}
	return texts
}

// The answer for a group depends on the set of its texts and their numbers, not on their
// order, NULLs, blanks, the space around them, or other groups.
func TestGroupsInAnyOrder(t *testing.T) {
	for _, n := range []int{1, 2, 7, 100, 3000} {
		texts := manyTexts(n)
		read := map[string]int{}
		want := eval(t, agg, groupModel(read).source, Row{texts, "what?"})[0]
		if want.Err != nil || len(read) != n {
			t.Fatalf("%d texts: %d were read; %+v", n, len(read), want)
		}
		for text, times := range read {
			if times != 1 {
				t.Errorf("%d texts: %q was read %d times", n, text, times)
			}
		}
		r := rand.New(rand.NewPCG(1, uint64(n)))
		for range 5 {
			shuffled := slices.Concat(texts, []string{" ", ""})
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			shuffled[0] = " " + shuffled[0] + "\n"
			rows := []Row{{manyTexts(5), "what?"}, {shuffled, "what?"}, {[]string{"an other one"}, "what?"}, {nil, "what?"}}
			if got := eval(t, agg, groupModel(nil).source, rows...)[1]; got != want {
				t.Errorf("%d texts in another order: %+v, want %+v", n, got, want)
			}
		}
		if n > 1 {
			if got := eval(t, agg, groupModel(nil).source, Row{texts[1:], "what?"})[0]; got.Value == want.Value {
				t.Errorf("%d texts: the answer is the same without one of them", n)
			}
			if got := eval(t, agg, groupModel(nil).source, Row{append(texts, texts[0]), "what?"})[0]; got.Value == want.Value {
				t.Errorf("%d texts: the answer is the same with one of them twice", n)
			}
		}
	}
}

// A prompt holds what fits, also where texts and instructions are long, and each level has
// fewer texts than the one below it.
func TestGroupPromptsFit(t *testing.T) {
	long := strings.Repeat("a long text that no prompt holds as a whole. ", 200)
	for name, row := range map[string]Row{
		"many texts":         {manyTexts(500), "what?"},
		"a long text":        {[]string{long}, "what?"},
		"long texts":         {[]string{long, "b" + long, "short", "c " + long}, "what?"},
		"a long instruction": {manyTexts(50), strings.Repeat("tell all ", 9)},
	} {
		m := groupModel(nil)
		m.reply = func(r llm.Request) llm.Result {
			return llm.Result{Text: fmt.Sprint(len(rendered(r)), strings.Repeat(" word", r.MaxTokens-1)), Finish: llm.FinishLength}
		}
		a := eval(t, agg, m.source, row)[0]
		if a.Err != nil || !strings.Contains(a.Note, " prompts; the answers were combined in ") || !strings.Contains(a.Note, "partial answers were cut off after 8 tokens") || !strings.Contains(a.Note, "the answer was cut off after 25 tokens") {
			t.Errorf("%s: %+v", name, a)
		}
		for _, r := range m.requests {
			if n := m.CountTokens(rendered(r)) + r.MaxTokens; n > m.Info().Context {
				t.Errorf("%s: a prompt and its answer have %d tokens", name, n)
			}
		}
	}
	text := map[string]int{}
	eval(t, agg, groupModel(text).source, Row{[]string{long}, "what?"})
	var all int
	for piece, times := range text {
		all += times * len(strings.Fields(piece))
	}
	if want := len(strings.Fields(long)); all < want { // equal pieces have a number
		t.Errorf("%d words of a long text were read, want %d", all, want)
	}
	if a := eval(t, agg, groupModel(nil).source, Row{manyTexts(2), strings.Repeat("tell all ", 90)})[0]; !errors.Is(a.Err, llm.ErrTooLong) {
		t.Errorf("an instruction without end: %+v", a)
	}
}

// Partial answers that are equal are counted, and one that all prompts gave is the answer.
func TestEqualPartialAnswers(t *testing.T) {
	m := groupModel(nil)
	m.reply = func(llm.Request) llm.Result { return llm.Result{Text: " Positive\n", Finish: llm.FinishStop} }
	a := eval(t, agg, m.source, Row{manyTexts(100), "what?"})[0]
	if a.Value != "Positive" || len(m.requests) < 10 || strings.Contains(rendered(m.requests[len(m.requests)-1]), "Positive") {
		t.Errorf("%+v after %d requests", a, len(m.requests))
	}
	m = groupModel(nil)
	m.reply = func(r llm.Request) llm.Result {
		if strings.Contains(rendered(r), "text 7 of") {
			return llm.Result{Text: "Negative"}
		}
		return llm.Result{Text: "Positive"}
	}
	eval(t, agg, m.source, Row{manyTexts(100), "what?"})
	if last := rendered(m.requests[len(m.requests)-1]); !strings.Contains(last, "- Negative\n") || !strings.Contains(last, fmt.Sprintf("- Positive (%d times)", len(m.requests)-2)) {
		t.Errorf("the last prompt is %s", last)
	}
}

// A partial answer that repeats itself ends there, and the note says so. An error of the model
// is the error of its group only.
func TestPartialAnswersThatFail(t *testing.T) {
	m := groupModel(nil)
	reply := m.reply
	m.reply = func(r llm.Request) llm.Result {
		switch text := rendered(r); {
		case strings.Contains(text, "text 7 of"):
			return llm.Result{Text: "They sing" + strings.Repeat(" and sing", 20), Finish: llm.FinishRepeat}
		case strings.Contains(text, "bad"):
			return llm.Result{Err: llm.ErrModel}
		}
		return reply(r)
	}
	answers := eval(t, agg, m.source, Row{manyTexts(100), "what?"}, Row{append(manyTexts(100), "bad"), "what?"}, Row{manyTexts(5), "what?"})
	if a := answers[0]; a.Err != nil || !strings.HasSuffix(a.Note, "; 1 answer repeated itself, and was ended there") {
		t.Errorf("%+v", a)
	}
	if !slices.ContainsFunc(m.requests, func(r llm.Request) bool { return strings.Contains(rendered(r), "- They sing and sing\n") }) {
		t.Error("the partial answer that repeats itself is not used")
	}
	if a := answers[1]; a.Value != nil || !errors.Is(a.Err, llm.ErrModel) || !strings.Contains(a.Err.Error(), "prompt ") {
		t.Errorf("%+v", a)
	}
	if a := answers[2]; a.Value == nil || a.Err != nil {
		t.Errorf("%+v", a)
	}
	for text, want := range map[string]string{"": "", "a": "", "aaaa": "a", "no no no": "", "    ": "", "yes ab ab ab ab": "yes ab", "x y z": "", "I é é é é": "I é"} {
		if got, ok := withoutRepetition(text); got != want && ok || ok != (want != "") {
			t.Errorf("withoutRepetition(%q) = %q, %t, want %q", text, got, ok, want)
		}
	}
}

func TestSummarizeAgg(t *testing.T) {
	m := groupModel(nil)
	m.reply = func(llm.Request) llm.Result {
		return llm.Result{Text: "One two three. Four five six.", Finish: llm.FinishStop}
	}
	answers := eval(t, summarizeAgg, m.source, Row{[]string{"a short text "}, nil}, Row{manyTexts(3), int64(4)}, Row{manyTexts(3), int64(0)})
	for i, want := range []string{"a short text", "One two three.", "One two three. Four five six."} {
		if a := answers[i]; a.Value != want || (a.Note != "") != (i == 1) {
			t.Errorf("row %d: %+v, want %q", i, a, want)
		}
	}
	if len(m.requests) != 2 || !strings.Contains(rendered(m.requests[0]), "in at most 4 words") || m.requests[0].MaxTokens != 24 {
		t.Errorf("%+v", m.requests)
	}
}

// A group of 100,000 texts takes memory for its texts and for one wave of prompts.
func TestLargeGroup(t *testing.T) {
	texts := manyTexts(100_000)
	bytes := 0
	for i := range texts {
		texts[i] += strings.Repeat(" and more of it", 5)
		bytes += len(texts[i])
	}
	most := 0
	m := &countingModel{fake: groupModel(nil), most: &most}
	steps := 0
	ctx := WithProgress(t.Context(), func(p Progress) {
		if steps++; p.Done > p.Prompts || p.Done == 0 {
			t.Errorf("%+v", p)
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answers, err := agg.Eval(ctx, sourceOf(m), []Row{{texts, "what?"}})
	runtime.ReadMemStats(&after)
	if err != nil || answers[0].Err != nil {
		t.Fatal(err, answers)
	}
	if most > groupWave || steps < 10 {
		t.Errorf("%d prompts were asked at a time, in %d steps", most, steps)
	}
	t.Logf("%d bytes of texts, %d allocated; %s", bytes, after.TotalAlloc-before.TotalAlloc, answers[0].Note)
}

// countingModel has a real context window and forgets its requests.
type countingModel struct {
	*fake
	most *int
}

func (m *countingModel) Info() llm.Info {
	i := m.fake.Info()
	i.Context = 8192
	return i
}

func (m *countingModel) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	*m.most = max(*m.most, len(requests))
	results, err := m.fake.Do(ctx, requests)
	m.requests = nil
	return results, err
}
