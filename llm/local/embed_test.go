package local

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEmbed(t *testing.T) {
	e := openTiny(t, Options{Threads: 2})
	texts := []string{"a text", "another one", strings.Repeat("long ", 200), "a text", ""}
	together, err := e.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range together {
		if texts[i] == "" {
			continue // has the begin token only, or none
		}
		length := 0.0
		for _, x := range v.Vector {
			length += float64(x) * float64(x)
		}
		if v.Err != nil || math.Abs(length-1) > 1e-5 || v.Cut != (len(texts[i]) > 900) {
			t.Errorf("%q: %v, length %g, cut %v", texts[i], v.Err, length, v.Cut)
		}
		alone, err := e.Embed(t.Context(), texts[i:i+1])
		if err != nil || !slices.Equal(alone[0].Vector, v.Vector) {
			t.Errorf("%q alone has another vector: %v", texts[i], err)
		}
	}
	if slices.Equal(together[0].Vector, together[1].Vector) || !slices.Equal(together[0].Vector, together[3].Vector) {
		t.Error("different texts have equal vectors, or equal ones different")
	}
}
