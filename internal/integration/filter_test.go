//go:build linux

package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// Spark asks ai_filter after the other conditions of a WHERE clause that are joined by
// AND, in any order. docs/sql.md says so, and what it does with joins and OR.
func TestSparkFiltersCheaplyFirst(t *testing.T) {
	t.Parallel()
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		t.Run(version, func(t *testing.T) { filtersCheaplyFirst(t, version) })
	}
}

func filtersCheaplyFirst(t *testing.T, version string) {
	file := randomModel(t, echoFile)
	s, err := spark.Connect(t.Context(), testkit.SharedSparkOf(t, version), spark.WithModel(file), spark.WithConnectTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	texts, err := s.SQL(t.Context(), "SELECT id, concat('text ', id) AS content FROM range(100)")
	if err != nil {
		t.Fatal(err)
	}
	cheap, asked := spark.Col("id").Lt(10), ai.Filter(spark.Col("content"), "it is a text")
	sql := func(query string) *spark.DataFrame {
		d, err := s.SQL(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const from = "SELECT id FROM (SELECT id, concat('text ', id) AS content FROM range(100)) a "
	for _, c := range []struct {
		name  string
		d     *spark.DataFrame
		order string // the steps in the order in which rows pass
	}{
		{"the call first", sql(from + "WHERE ai_filter(content, 'it is a text') AND id < 10"), "id < 10, ai_filter"},
		{"the call last", sql(from + "WHERE id < 10 AND ai_filter(content, 'it is a text')"), "id < 10, ai_filter"},
		{"two filters of a DataFrame", texts.Filter(asked).Filter(cheap), "id < 10, ai_filter"},
		{"a subquery", sql("SELECT id FROM (" + from + "WHERE ai_filter(content, 'it is a text')) WHERE id < 10"), "id < 10, ai_filter"},
		{"a join", sql("SELECT b.id FROM (SELECT id % 50 AS k, concat('text ', id) AS content FROM range(100)) a JOIN range(7) b ON a.k = b.id WHERE ai_filter(a.content, 'it is a text')"), "Join, ai_filter"},
		{"a join in a subquery", sql("SELECT * FROM (SELECT b.id AS id FROM (SELECT id % 50 AS k, id, uuid() AS content FROM range(100)) a JOIN range(7) b ON a.k = b.id WHERE ai_filter(a.content, 'it is a text')) WHERE id < 10"), "id < 10, id < 10, ai_filter, Join"},
		{"a join of DataFrames", texts.Join(sql("SELECT id AS k FROM range(7)"), spark.Col("id").Eq(spark.Col("k")), "inner").Filter(asked), "ai_filter, ai_filter, Join"},
	} {
		plan, err := c.d.Explain(t.Context(), "simple")
		if err != nil {
			t.Fatal(c.name, err)
		}
		var order []string
		for line := range strings.Lines(plan) {
			switch {
			case strings.Contains(line, "ArrowEvalPython"):
				order = append(order, "ai_filter")
			case strings.Contains(line, "Filter") && strings.Contains(line, "< 10"):
				order = append(order, "id < 10")
			case strings.Contains(line, "Join"):
				order = append(order, "Join")
			}
		}
		slices.Reverse(order)
		if got := strings.Join(order, ", "); got != c.order {
			t.Errorf("%s: %s, want %s\n%s", c.name, got, c.order, plan)
		}
	}
}
