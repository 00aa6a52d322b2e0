package sqlcalls

import "testing"

func TestDefer(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT * FROM t WHERE n > 3 OR ai_filter(x, 'p')":                                    "SELECT * FROM t WHERE n > 3 OR ai_filter(IF(coalesce((n > 3), false), NULL, x), 'p')",
		"SELECT * FROM t WHERE ai_filter(x, 'p') OR a OR NOT b":                               "SELECT * FROM t WHERE ai_filter(IF(coalesce((a) OR (NOT b), false), NULL, x), 'p') OR a OR NOT b",
		"SELECT a OR n BETWEEN 1 AND 2 AND ai_filter(x, 'p') AS y FROM t":                     "SELECT a OR n BETWEEN 1 AND 2 AND ai_filter(IF(coalesce((a), false) OR NOT coalesce((n BETWEEN 1 AND 2), true), NULL, x), 'p') AS y FROM t",
		"SELECT * FROM t WHERE k = 1 AND (a OR lower(ai_gen(x)) = 'y')":                       "SELECT * FROM t WHERE k = 1 AND (a OR lower(ai_gen(x)) = 'y')", // its parameter is a prompt
		"SELECT * FROM t WHERE k = 1 AND (a OR ai_classify(x, l) = 'y')":                      "SELECT * FROM t WHERE k = 1 AND (a OR ai_classify(IF(coalesce((a), false), NULL, x), l) = 'y')",
		"SELECT CASE WHEN a THEN 1 WHEN ai_filter(x, 'p') THEN 2 END":                         "SELECT CASE WHEN a THEN 1 WHEN ai_filter(IF(coalesce((a), false), NULL, x), 'p') THEN 2 END",
		"SELECT CASE WHEN a THEN ai_mask(x, l) ELSE ai_summarize(y) END z":                    "SELECT CASE WHEN a THEN ai_mask(IF(NOT coalesce((a), false), NULL, x), l) ELSE ai_summarize(IF(coalesce((a), false), NULL, y)) END z",
		"SELECT IF(a, ai_filter(x, 'p'), ai_filter(content => y, predicate => 'q'))":          "SELECT IF(a, ai_filter(IF(NOT coalesce((a), false), NULL, x), 'p'), ai_filter(content => IF(coalesce((a), false), NULL, y), predicate => 'q'))",
		"SELECT coalesce(a, ai_summarize(x))":                                                 "SELECT coalesce(a, ai_summarize(IF((a) IS NOT NULL, NULL, x)))",
		"SELECT * FROM t WHERE a OR (b AND CASE WHEN c THEN ai_filter(x, 'p') ELSE true END)": "SELECT * FROM t WHERE a OR (b AND CASE WHEN c THEN ai_filter(IF(coalesce((a), false) OR NOT coalesce((c), false), NULL, x), 'p') ELSE true END)",
		"SELECT left(s, 1) = 'a' OR ai_filter(x, 'p') FROM t left JOIN u ON a.end = 1":        "SELECT left(s, 1) = 'a' OR ai_filter(IF(coalesce((left(s, 1) = 'a'), false), NULL, x), 'p') FROM t left JOIN u ON a.end = 1",
		"WITH q AS (SELECT a OR ai_filter(x, 'p') AS b FROM t) SELECT * FROM q":               "WITH q AS (SELECT a OR ai_filter(IF(coalesce((a), false), NULL, x), 'p') AS b FROM t) SELECT * FROM q",
		// Spark orders these itself, or nothing cheap decides.
		"SELECT * FROM t WHERE a AND ai_filter(x, 'p')":                           "",
		"SELECT * FROM t JOIN u ON a = b AND ai_filter(x, 'p') WHERE n OR m":      "",
		"SELECT * FROM t WHERE ai_filter(x, 'p') OR ai_filter(y, 'p')":            "",
		"SELECT * FROM t WHERE rand() < 0.1 OR ai_filter(x, 'p')":                 "",
		"SELECT * FROM t WHERE n = ? OR ai_filter(x, 'p')":                        "",
		"SELECT * FROM t WHERE a OR EXISTS (SELECT 1 WHERE ai_filter(x, 'p'))":    "",
		"SELECT * FROM t WHERE n IN (SELECT k FROM u) OR ai_filter(x, 'p')":       "",
		"SELECT * FROM t WHERE a OR ai_mask(x, array('email')) = ai_agg(y, 'w')":  "SELECT * FROM t WHERE a OR ai_mask(IF(coalesce((a), false), NULL, x), array('email')) = ai_agg(y, 'w')",
		"SELECT CASE k WHEN 1 THEN ai_summarize(x) END, 'a OR ai_filter(x, 1)' q": "",
		"SELECT * FROM t WHERE a OR ai_filter(":                                   "",
		"SELECT CASE WHEN a THEN (ai_filter(x":                                    "SELECT CASE WHEN a THEN (ai_filter(IF(NOT coalesce((a), false), NULL, x)",
		"":                                                                        "",
	} {
		if want == "" {
			want = query
		}
		if got := Defer(query); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}

func FuzzDefer(f *testing.F) {
	for _, query := range []string{"SELECT a OR ai_filter(x, 'p')", "CASE WHEN a THEN ai_filter(b", "IF(a, ai_filter(x), (ai_agg(", "coalesce(,ai_mask(x))"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		Defer(query)
		Collect(query)
	})
}
