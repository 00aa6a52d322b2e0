package sqlcalls

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
)

func TestFind(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT ai_mask(text, ARRAY('email', \"phone\"))", "ai_mask[<nil> [email phone]]"},
		{"SELECT ai_mask(labels => array('email'), content => text)", "ai_mask[<nil> [email]]"},
		{"SELECT ai_gen('it''s'), ai_gen('x'), ai_gen(r'x')", "ai_gen[<nil>] ai_gen[x] ai_gen[<nil>]"},
		{"SELECT AI_Query('big', ai_gen('x')) -- ai_gen('y')", "ai_query[big <nil> <nil> <nil> <nil> <nil>] ai_gen[x]"},
		{"SELECT ai_gen FROM t WHERE x = 'ai_gen(1)'", ""},
		{"SELECT IDENTIFIER('ai_gen')(text)", "ai_gen[<nil>]"},
		{"EXECUTE IMMEDIATE \"SELECT ai_gen('x')\"", "ai_gen[x]"},
	} {
		var got []string
		Find(c.text, func(f *ai.Function, fixed ai.Row) { got = append(got, fmt.Sprint(f.Name, fixed)) })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s; want %s", c.text, got, c.want)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("SELECT ai_mask(text, ARRAY('email', \"phone\")), ai_embed(`x`) /* ( */")
	f.Add("EXECUTE IMMEDIATE 'ai_gen($$' ai_query(r'x', => IDENTIFIER('ai_gen'")
	f.Fuzz(func(t *testing.T, text string) {
		Find(text, func(f *ai.Function, fixed ai.Row) {
			if len(fixed) != len(f.Params) {
				t.Error(f.Name, fixed)
			}
		})
	})
}
