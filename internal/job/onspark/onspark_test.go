package onspark

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// small is the model of all roles.
func small(asks []ai.Ask) []llm.Info {
	return slices.Repeat([]llm.Info{{Name: "small", Digest: "d"}}, len(asks))
}

// Consecutive ranges hold every key once.
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
			t.Errorf("%s is in %d of %d ranges", key, n, len(conditions))
		}
	}
}

func TestAskSQL(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"ai_gen(text)", "try_ai_gen(a0)"},
		{"try_ai_gen(concat(text, id))", "try_ai_gen(a0)"},
		{"ai_classify(labels => array('a', 'it\\'s'), content => text)", "try_ai_classify(a1, array('a', 'it\\'s'))"},
		{"ai_query('default', text, failOnError => false)", "try_ai_query('default', a1, NULL, false)"},
		{"ai_gen(ai_fix_grammar(text))", "try_ai_gen(a0)"},
	} {
		calls := bind(t, job.Spec{Add: []string{"x=" + c.expr}}).Calls()
		if got := askSQL(calls[len(calls)-1]); got != c.want {
			t.Errorf("%s is asked as %s, want %s", c.expr, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := Check(bind(t, job.Spec{Add: []string{"s=ai_gen(text)"}})); err != nil {
		t.Error(err)
	}
	if err := Check(bind(t, job.Spec{Budget: job.Budget{Cost: new(1.0)}})); !errors.Is(err, ErrCostBudget) {
		t.Errorf("a budget of cost: %v", err)
	}
	var reserved *ReservedColumnError
	if err := Check(bind(t, job.Spec{Add: []string{prefix + "x=length(text)"}})); !errors.As(err, &reserved) || !strings.Contains(err.Error(), prefix+"x") {
		t.Errorf("a reserved name: %v", err)
	}
	if _, err := (Executor{}).Run(t.Context(), bind(t, job.Spec{Budget: job.Budget{Cost: new(1.0)}})); !errors.Is(err, ErrCostBudget) {
		t.Errorf("Run: %v", err)
	}
}

// Columns of types that Arrow lacks are passed through.
func TestArrowSchema(t *testing.T) {
	s := arrowSchema(spark.StructType{Fields: []spark.StructField{{Name: "text", Type: spark.StringType}, {Name: "odd", Type: spark.DDL("INTERVAL")}}})
	if s.Field(0).Type.ID() != arrow.STRING || s.NumFields() != 2 {
		t.Errorf("%s", s)
	}
}
