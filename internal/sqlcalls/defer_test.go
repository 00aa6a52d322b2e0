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
		// Calls above joins.
		"SELECT * FROM t JOIN u ON a = b WHERE n > 1 AND ai_filter(x, 'p')":                                                          "SELECT * FROM t JOIN u ON a = b WHERE n > 1 AND ai_filter(IF(rand() + 1 < 0, NULL, x), 'p')",
		"SELECT * FROM t, u WHERE a = b AND NOT ai_filter(x, 'p') LIMIT 3":                                                           "SELECT * FROM t, u WHERE a = b AND NOT ai_filter(IF(rand() + 1 < 0, NULL, x), 'p') LIMIT 3",
		"SELECT * FROM t LEFT SEMI JOIN u USING (k) WHERE ai_filter(x, 'p')":                                                         "SELECT * FROM t LEFT SEMI JOIN u USING (k) WHERE ai_filter(IF(rand() + 1 < 0, NULL, x), 'p')",
		"SELECT * FROM t JOIN u ON a IS DISTINCT FROM b WHERE m OR ai_filter(x, 'p')":                                                "SELECT * FROM t JOIN u ON a IS DISTINCT FROM b WHERE m OR ai_filter(IF(coalesce((m), false) OR rand() + 1 < 0, NULL, x), 'p')",
		"SELECT * FROM t JOIN u ON a = b LEFT JOIN v ON c = d WHERE ai_filter(x, 'p') UNION SELECT * FROM w WHERE ai_filter(x, 'p')": "SELECT * FROM t JOIN u ON a = b LEFT JOIN v ON c = d WHERE ai_filter(IF(rand() + 1 < 0, NULL, x), 'p') UNION SELECT * FROM w WHERE ai_filter(x, 'p')",
		"INSERT INTO s SELECT * FROM t NATURAL JOIN u WHERE ai_filter(x, 'p') AND n":                                                 "INSERT INTO s SELECT * FROM t NATURAL JOIN u WHERE ai_filter(IF(rand() + 1 < 0, NULL, x), 'p') AND n",
		"SELECT * FROM t JOIN u ON a = b AND ai_filter(x, 'p') WHERE n OR m":                                                         "", // Spark has no rand() in ON
		"SELECT * FROM t LEFT JOIN u ON a = b WHERE ai_filter(x, 'p')":                                                               "", // all rows of t stay
		"SELECT * FROM t JOIN u ON a = b RIGHT OUTER JOIN v ON c = d WHERE ai_filter(x, 'p')":                                        "",
		"SELECT * FROM (SELECT * FROM t JOIN u ON a = b WHERE ai_filter(x, 'p')) WHERE n":                                            "", // n would not pass it
		"CREATE TEMP VIEW w AS SELECT * FROM t JOIN u ON a = b WHERE ai_filter(x, 'p')":                                              "",
		"SELECT * FROM VALUES (1, 2), (3, 4) AS t(x, n) WHERE n > 1 AND ai_filter(x, 'p')":                                           "",
		"SELECT a, ai_filter(x, 'p') FROM t JOIN u ON a = b":                                                                         "", // above the join
		"SELECT left(a, 1), b FROM t WHERE n > 1 AND ai_filter(x, 'p')":                                                              "",
		"SELECT * FROM t JOIN u ON a = b WHERE EXISTS (SELECT 1 FROM v WHERE ai_filter(x, 'p'))":                                     "",
		// Spark orders these itself, or nothing cheap decides.
		"SELECT * FROM t WHERE a AND ai_filter(x, 'p')":                           "",
		"SELECT * FROM t WHERE ai_filter(x, 'p') OR ai_filter(y, 'p')":            "",
		"SELECT * FROM t WHERE rand() + 1 < 0.1 OR ai_filter(x, 'p')":             "",
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
	for _, query := range []string{"SELECT a OR ai_filter(x, 'p')", "CASE WHEN a THEN ai_filter(b", "IF(a, ai_filter(x), (ai_agg(", "coalesce(,ai_mask(x))", "SELECT * FROM t, u JOIN v ON a = b WHERE a AND ai_filter(x)"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		Defer(query)
		Collect(query)
	})
}
