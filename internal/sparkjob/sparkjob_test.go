package sparkjob

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// Waves that follow each other have every key once.
func TestBetween(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	holds := func(condition, key string) bool {
		for _, part := range strings.Split(condition, " AND ") {
			low, isLow := strings.CutPrefix(part, "key >= ")
			high, isHigh := strings.CutPrefix(part, "key < ")
			if isLow && key < strings.Trim(low, "'") || isHigh && key >= strings.Trim(high, "'") {
				return false
			}
		}
		return true
	}
	var conditions []string
	for from := 0.0; from < 1; {
		to := min(1, from+random.Float64()/5)
		conditions = append(conditions, between(from, to))
		from = to
	}
	keys := []string{strings.Repeat("0", 64), strings.Repeat("f", 64)}
	for range 1000 {
		keys = append(keys, fmt.Sprintf("%016x%048x", random.Uint64(), random.Uint64()))
	}
	for _, key := range keys {
		n := 0
		for _, c := range conditions {
			if holds(c, key) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is in %d of %d waves", key, n, len(conditions))
		}
	}
}

var schema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String}}, nil)

func TestAsking(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"ai_gen(text)", "try_ai_gen(a0)"},
		{"try_ai_gen(concat(text, id))", "try_ai_gen(a0)"},
		{"ai_classify(labels => array('a', 'it\\'s'), content => text)", "try_ai_classify(a1, array('a', 'it\\'s'))"},
		{"ai_query('default', text, failOnError => false)", "try_ai_query('default', a1, NULL, false)"},
		{"ai_gen(ai_fix_grammar(text))", "try_ai_gen(a0)"},
	} {
		e, err := sqlexpr.Parse(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sqlexpr.Bind(e, schema)
		if err != nil {
			t.Fatal(err)
		}
		calls := b.Calls()
		if got := asking(calls[len(calls)-1]); got != c.want {
			t.Errorf("%s is asked as %s, want %s", c.expr, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		plan Plan
		want string
	}{
		{Plan{Add: []string{"s=ai_gen(text)"}}, ""},
		{Plan{Add: []string{"s=ai_gen(txt)"}}, "did you mean text?"},
		{Plan{Add: []string{"id=ai_gen(text)"}}, "there is a column id already"},
		{Plan{Where: "text"}, "a condition is needed"},
		{Plan{Budget: job.Budget{Cost: new(1.0)}}, "a budget of cost does not hold on Spark"},
	} {
		err := c.plan.Check(schema)
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.plan, err, c.want)
		}
	}
}
