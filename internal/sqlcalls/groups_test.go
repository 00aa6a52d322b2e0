package sqlcalls

import "testing"

func TestCollect(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT k, count(*), ai_agg(text, 'what?') FROM t GROUP BY k":              "SELECT k, count(*), ai_agg(collect_list(trim(text)), 'what?') FROM t GROUP BY k",
		"SELECT ai_summarize_agg(t.`a b`) a, Try_AI_Agg( lower(x) || y , 'w')":     "SELECT ai_summarize_agg(collect_list(trim(t.`a b`))) a, Try_AI_Agg( collect_list(trim(lower(x) || y)) , 'w')",
		"SELECT ai_agg(DISTINCT text, 'w') FILTER (WHERE n > 3) AS a":              "SELECT ai_agg(collect_list(DISTINCT trim(text)) FILTER (WHERE n > 3), 'w') AS a",
		"SELECT ai_agg(text, 'w') OVER (PARTITION BY k), ai_agg(text, 'w') over w": "SELECT ai_agg(collect_list(trim(text)) OVER (PARTITION BY k), 'w'), ai_agg(collect_list(trim(text)) over w, 'w')",
		"SELECT ai_agg(instruction => 'w', content => text /* all */)":             "SELECT ai_agg(instruction => 'w', content => collect_list(trim(text)) /* all */)",
		"SELECT upper(ai_agg(concat(a, b), concat('x(', c)))":                      "SELECT upper(ai_agg(collect_list(trim(concat(a, b))), concat('x(', c)))",
		// These are lists, or no calls.
		"SELECT ai_agg(collect_list(text), 'w')":                         "",
		"SELECT ai_agg(array(a, b), 'w'), ai_agg(NULL, 'w')":             "",
		"SELECT ai_agg(`collect_set`(a), 'w')":                           "",
		"SELECT 'ai_agg(text)', ai_agg, \"ai_agg(x)\" -- ai_agg(text)":   "",
		"SELECT ai_summarize(text), ai_agg(), ai_agg FROM ai_agg (text)": "SELECT ai_summarize(text), ai_agg(), ai_agg FROM ai_agg (collect_list(trim(text)))",
		"SELECT ai_agg(text, 'w' FILTER":                                 "SELECT ai_agg(collect_list(trim(text)), 'w' FILTER",
		"SELECT ai_agg(text":                                             "SELECT ai_agg(collect_list(trim(text))",
		"SELECT ai_agg(text, 'w') OVER":                                  "SELECT ai_agg(collect_list(trim(text)), 'w') OVER",
		"":                                                               "",
	} {
		if want == "" {
			want = query
		}
		if got := Collect(query); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}
