package engine

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
)

// repeated finds the longest end that occurred before, and of equally long ones the last.
func TestRepeated(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var h history
		var all []int32
		for p := range h {
			for range r.IntN(12) {
				h[p] = append(h[p], int32(r.IntN(3)))
			}
			all = append(all, h[p]...)
		}
		least := 1 + r.IntN(3)
		want, longest := -1, least-1
		for end := len(all) - 1; end > 0; end-- { // the end before index end
			match := 0
			for match < 8 && match < end && all[end-1-match] == all[len(all)-1-match] {
				match++
			}
			if match > longest {
				want, longest = end, match
			}
		}
		if got := h.repeated(least); got != want {
			t.Fatalf("%v, at least %d: %d, want %d", h, least, got, want)
		}
	}
}

// A draft is what followed; its length grows while drafts are confirmed, and drafts that fail end.
func TestPropose(t *testing.T) {
	text := history{{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil, {1, 2, 3}}
	any := func(int32) bool { return true }
	d := newDraft()
	d.propose(text, 3, 100, any)
	if want := []int32{4, 5, 6}; !slices.Equal(d.tokens, want) {
		t.Fatalf("%v, want %v", d.tokens, want)
	}
	d.confirmed = 3
	if dropped := d.settle(); dropped != 0 {
		t.Errorf("%d dropped", dropped)
	}
	text[2] = append(text[2], 4, 5)
	d.propose(text, 5, 100, func(id int32) bool { return id != 9 })
	if want := []int32{6, 7, 8}; !slices.Equal(d.tokens, want) {
		t.Errorf("%v, want %v", d.tokens, want)
	}
	d.confirmed = 1
	if dropped := d.settle(); dropped != 2 {
		t.Errorf("%d dropped, want 2", dropped)
	}
	for range 100 {
		d.propose(text, 5, 100, any)
		d.settle()
	}
	if d.propose(text, 5, 100, any); len(d.tokens) > 0 {
		t.Errorf("%v is drafted after 100 drafts failed", d.tokens)
	}
}

// copying returns requests whose answers repeat parts of their prompts, with and without constraints.
func copying(n, tokens int) (all []llm.Request) {
	r := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("the parcel of Anna Berg came late and the box was broken so she wrote to the shop in Malmö")
	for i := range n {
		var text strings.Builder
		for range 3 + r.IntN(5) {
			text.WriteString(words[r.IntN(len(words))] + " ")
		}
		source := strings.TrimSpace(text.String())
		request := llm.Request{Text: fmt.Sprintf("Repeat: %s\nRepeated: %s\nRepeat: %s\nRepeated:", source, source, source), MaxTokens: tokens}
		switch i % 4 {
		case 1:
			request.Constraint = llm.JSON{Schema: `{"type":"object","properties":{"name":{"type":"string"},"place":{"type":"string"}},"required":["name","place"]}`, Source: source}
		case 2:
			request.Constraint = llm.Pattern{Expr: `( [a-zA-Zö]+){3,30}`}
		case 3:
			request.Prefix = "Repeat the text.\n"
		}
		all = append(all, request)
	}
	return all
}

// sameWithDrafts checks that the answers to requests do not depend on drafts, alone and together.
func sameWithDrafts(t *testing.T, path string, precision llm.Precision, requests []llm.Request) {
	t.Helper()
	plain := mustOpen(t, path, Options{Threads: 2, Precision: precision, AnswerBytes: -1, NoDrafts: true})
	want := do(t, plain, requests...)
	drafted := mustOpen(t, path, Options{Threads: 2, Precision: precision, AnswerBytes: -1})
	for i, got := range do(t, drafted, requests...) {
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("request %d together: %+v, want %+v", i, got, want[i])
		}
	}
	for i := range requests {
		if got := do(t, drafted, requests[i])[0]; !reflect.DeepEqual(got, want[i]) {
			t.Errorf("request %d alone: %+v, want %+v", i, got, want[i])
		}
	}
}

func TestDraftsChangeNoAnswer(t *testing.T) {
	sameWithDrafts(t, gguftest.Llama(7).Write(t), llm.Float32, copying(40, 40))
}

func TestDraftsOfSmolLM2(t *testing.T) {
	path := testkit.Model(t)
	for _, precision := range []llm.Precision{llm.Int8, llm.File} {
		sameWithDrafts(t, path, precision, copying(12, 40))
	}
}
