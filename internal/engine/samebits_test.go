package engine

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// sixtyFour returns 64 requests: labels with their scores, texts, and texts with a constraint.
func sixtyFour(subject string, tokens int) []llm.Request {
	requests := make([]llm.Request, 64)
	for i := range requests {
		requests[i] = llm.Request{Text: fmt.Sprintf("Number %d: %s", i*i, subject)}
		switch i % 4 {
		case 0, 1:
			requests[i].Constraint = llm.Choice{Labels: labels}
		case 2:
			requests[i].Constraint = llm.Pattern{Expr: "[a-z]{1,9}( [a-z]{1,9})*"}
			requests[i].MaxTokens = tokens
		case 3:
			requests[i].MaxTokens = tokens
		}
	}
	return requests
}

// sameBits checks that the answers to requests have the same bits with each set, all at once and, of the
// first requests, one after the other and few at once, which all workers compute together. It opens a model
// for each.
func sameBits(t *testing.T, sets []*kernel.Set, open func() *Engine, requests []llm.Request, first int) {
	t.Helper()
	var want []llm.Result
	for _, set := range sets {
		t.Setenv("FIRESTEEL_ISA", set.Name)
		e := open()
		together := do(t, e, requests...)
		if want == nil {
			want = together
		}
		for i, got := range together {
			if !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("%s, row %d of %d: %+v, want %+v as with %s", set.Name, i, len(requests), got, want[i], sets[0].Name)
			}
		}
		for i, got := range do(t, e, requests[:min(first, 2*fewRows)]...) {
			if !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("%s, row %d with few others: %+v, want %+v as with %s together", set.Name, i, got, want[i], sets[0].Name)
			}
		}
		for i, r := range requests[:first] {
			if got := do(t, e, r)[0]; !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("%s, row %d alone: %+v, want %+v as with %s together", set.Name, i, got, want[i], sets[0].Name)
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Answers of one file have the same bits on plain Go, AVX2 and AVX-512, for 1 and 64 rows at once. The race
// detector makes the kernels in plain Go much slower, and they start no goroutines, so it does without them.
func TestSameBits(t *testing.T) {
	path := tinyQ().Write(t)
	sets := kernel.Sets()
	if raceDetector && len(sets) > 1 {
		sets = sets[1:]
	}
	for _, precision := range []llm.Precision{llm.Float32, llm.Int8, llm.File} {
		sameBits(t, sets, func() *Engine {
			return mustOpen(t, path, Options{Precision: precision, Threads: 2, AnswerBytes: -1})
		}, sixtyFour("the same for all", 4), 8)
	}
}

// The same of SmolLM2, of which plain Go computes one row.
func TestSameBitsOfSmolLM2(t *testing.T) {
	path := testkit.Model(t)
	for _, precision := range []llm.Precision{llm.Float32, llm.Int8, llm.File} {
		open := func() *Engine { return mustOpen(t, path, Options{Precision: precision, Threads: 2, AnswerBytes: -1}) }
		requests := sixtyFour("it rained.", 6)
		sameBits(t, kernel.Sets()[1:], open, requests, 4)
		if precision == llm.File {
			sameBits(t, kernel.Sets(), open, []llm.Request{{Text: "It rained, but", MaxTokens: 2}}, 1)
		}
	}
}
