package endpoint

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
)

// TestPanicIsTheErrorOfItsRequest checks that a panic while reading an answer
// becomes the error of its request, releases its limits, and does not affect
// other requests.
func TestPanicIsTheErrorOfItsRequest(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(before)
	s := newServer(t)
	s.serve = func(w http.ResponseWriter, a asked) { w.Write(body(a, "fine", 3, 1)) }
	e := s.open(t, Options{MaxConcurrency: 1})
	for range 3 {
		c := newCall("/chat/completions", []byte("{}"), func([]byte) error { panic("unreadable") })
		var panicked *panics.Error
		if err := e.do(t.Context(), c); !errors.As(err, &panicked) {
			t.Errorf("%v", err)
		}
	}
	if r := do(t, e, chat("hello"))[0]; r.Err != nil || r.Text != "fine" {
		t.Errorf("after the panics: %+v", r)
	}
	results := make([]error, 5)
	err := e.each(t.Context(), []int{0, 1, 2, 3, 4}, func(n int) error {
		if n == 2 {
			panic("this one")
		}
		return nil
	}, func(n int, err error) { results[n] = err })
	if err != nil {
		t.Fatal(err)
	}
	for n, err := range results {
		if bad := n == 2; bad != errors.Is(err, llm.ErrModel) {
			t.Errorf("request %d: %v", n, err)
		}
	}
}
