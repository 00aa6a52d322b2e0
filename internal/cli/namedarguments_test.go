package cli

import (
	"strings"
	"testing"
)

func TestPositional(t *testing.T) {
	for statement, want := range map[string]string{
		"SELECT 1":                               "SELECT 1",
		"SELECT ai_gen('a, => (')":               "SELECT ai_gen('a, => (')",
		"SELECT ai_gen(prompt => 'a')":           "SELECT ai_gen('a')",
		"SELECT ai_classify(t, ARRAY('a', 'b'))": "SELECT ai_classify(t, ARRAY('a', 'b'))",
		"select AI_Classify (labels => ARRAY('a, b', 'b'), content => t) from x":                                "select AI_Classify ( t,ARRAY('a, b', 'b')) from x",
		"SELECT ai_query('m', 'q', modelParameters => named_struct('max_tokens', 3), failOnError => true) AS a": "SELECT ai_query('m', 'q', NULL, true, named_struct('max_tokens', 3)) AS a",
		"SELECT try_ai_query('m', ai_gen(prompt => ai_gen('x => y')), responseFormat => 'STRUCT<a: INT>')":      "SELECT try_ai_query('m', ai_gen(ai_gen('x => y')), NULL, NULL, NULL, 'STRUCT<a: INT>')",
		"SELECT ai_query('m', 'q', -- returnType => 'INT', (\n returnType => 'INT')":                            "SELECT ai_query('m', 'q', -- returnType => 'INT', (\n 'INT')",
		"SELECT ai_gen /* a ( */ (/* => */ prompt /* , */ => /* b */ 'a' -- )\n)":                               "SELECT ai_gen /* a ( */ (/* => */ /* b */ 'a' -- )\n)",
		"SELECT ai_query('m', returnType => 'INT')":                                                             "SELECT ai_query('m', returnType => 'INT')",
		// Calls that are unchanged, so that Spark reports the error.
		"SELECT ai_gen(propmt => 'a')":                                               "SELECT ai_gen(propmt => 'a')",
		"SELECT ai_gen('a', prompt => 'b')":                                          "SELECT ai_gen('a', prompt => 'b')",
		"SELECT ai_query(request => 'a', 'b')":                                       "SELECT ai_query(request => 'a', 'b')",
		"SELECT ai_query('m', 'q', returnType => 'INT'":                              "SELECT ai_query('m', 'q', returnType => 'INT'",
		"SELECT ai_query('m', 'q', returnType => 'INT']":                             "SELECT ai_query('m', 'q', returnType => 'INT']",
		"SELECT x.ai_gen(prompt => 'a'), ai_gens(a => 'a')":                          "SELECT x.ai_gen(prompt => 'a'), ai_gens(a => 'a')",
		"SELECT transform(a, ai_gen -> 1), ai_gen":                                   "SELECT transform(a, ai_gen -> 1), ai_gen",
		"SELECT 'ai_gen(prompt => 1)', `ai_gen(prompt => 1)` -- ai_gen(prompt => 1)": "SELECT 'ai_gen(prompt => 1)', `ai_gen(prompt => 1)` -- ai_gen(prompt => 1)",
	} {
		if got := positional(statement); got != want {
			t.Errorf("%s\n gives %s\n  want %s", statement, got, want)
		}
	}
}

// A statement without named arguments is unchanged.
func FuzzPositional(f *testing.F) {
	for _, s := range []string{"SELECT ai_gen(prompt => 'a')", "ai_query('m', 'q', failOnError => true", "ai_gen(ai_gen(", "ai_gen(a)[", "'", "/* ai_gen( */"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := positional(s); got != s && !strings.Contains(s, "=>") {
			t.Errorf("%q gives %q", s, got)
		}
	})
}
