package ai

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	x, y, no := []float32{1, 0}, []float32{0.6, 0.8}, []float32(nil)
	for _, c := range []struct {
		name, function string
		row            Row
		want           string
	}{
		{"letters", "ai_nearest", Row{[]string{"Jon"}, []string{"Mary", "John", "Jon."}, map[string]string{"nearest": "1"}}, "[[Jon Jon. 1.000 1]] <nil>"},
		{"vectors", "ai_nearest", Row{[]string{"a", "b"}, []string{"c", "d"}, nil, [][]float32{x, no}, [][]float32{y, x}}, "[[a d 1.000 1] [a c 0.600 0.6]] <nil>"},
		{"nothing in common", "ai_nearest", Row{[]string{"a"}, []string{"b"}}, "[] <nil>"},
		{"NULL", "ai_nearest", Row{nil, []string{"b"}}, "<nil> <nil>"},
		{"NULL vectors", "ai_nearest", Row{[]string{"a"}, []string{"b"}, nil, [][]float32{x}, nil}, "<nil> <nil>"},
		{"too few vectors", "ai_nearest", Row{[]string{"a", "b"}, []string{"c"}, nil, [][]float32{x}, [][]float32{x}}, "<nil> argument vectors: there are 1 and 1 vectors for 2 and 1 texts"},
		{"other dimensions", "ai_nearest", Row{[]string{"a"}, []string{"c"}, nil, [][]float32{x}, [][]float32{{1}}}, "<nil> argument vectors: they differ in length"},
		{"clusters", "ai_clusters", Row{[]string{"c", "d"}, []string{"a", "d"}}, "[[c ca978112ca1bbdca] [a ca978112ca1bbdca] [d 18ac3e7343f01689]] <nil>"},
		{"no clusters", "ai_clusters", Row{[]string{}, []string{}}, "[] <nil>"},
		{"NULL clusters", "ai_clusters", Row{nil, []string{}}, "<nil> <nil>"},
		{"clusters of arrays of other lengths", "ai_clusters", Row{[]string{"a"}, []string{}}, "<nil> argument others: it has 0 texts, but texts has 1"},
	} {
		f, err := Lookup(c.function)
		if err != nil {
			t.Fatal(err)
		}
		answers, err := f.Eval(t.Context(), closed, []Row{c.row})
		if err != nil {
			t.Fatal(c.name, err)
		}
		value := answers[0].Value
		if rows, ok := value.([]any); ok {
			for i, r := range rows {
				if fields := r.([]any); len(fields) == 4 {
					rows[i] = fmt.Sprintf("[%v %v %.3f %.6g]", fields[0], fields[1], fields[2], fields[3])
				}
			}
		}
		if got := fmt.Sprint(value, " ", answers[0].Err); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, n := range []string{"0", "1001", "x"} {
		var wrong *ArgumentError
		if _, err := nearestTexts.Eval(t.Context(), closed, []Row{{nil, nil, map[string]string{"nearest": n}}}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "from 1 to 1000") {
			t.Errorf("%s: %v", n, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := nearestTexts.Eval(cancelled, closed, []Row{nearestTexts.Sample}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
