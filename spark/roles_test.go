package spark

import (
	"fmt"
	"testing"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// The roles that a statement asks, as far as its constants tell.
func TestRolesOfSQL(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"SELECT 1", "[]"},
		{"SELECT ai_gen('x')", "[text]"},
		{"SELECT `AI_Embed` (text) FROM t", "[embed]"},
		{"SELECT x.ai_embed FROM x -- ai_gen('x')\n /* ai_gen(1) */ WHERE y = 'ai_gen(1)'", "[]"},
		{"CREATE TEMP VIEW v AS SELECT try_ai_similarity(a, b) FROM t; SELECT ai_gen(a) FROM v", "[embed text]"},
		{"SELECT ai_gen(concat('a, (', ai_embed(x)[0]))", "[text embed]"},
		{"SELECT ai_mask(text, ARRAY('email', \"phone\"))", "[]"},
		{"SELECT ai_mask(labels => array('email'), content => f(text, ')'))", "[]"},
		{`SELECT ai_mask(text, '["email"]')`, "[]"},
		{"SELECT ai_mask(text, ARRAY('email', x)), ai_mask(text, ?)", "[tag text]"},
		{"SELECT ai_mask(text, ARRAY('email', 'it''s'))", "[tag text]"},
		{"SELECT ai_query('default', x), ai_query('big', x)", "[text]"},
		{"SELECT ai_query('big', x)", "[]"},
		{"SELECT ai_query(m, x)", "[text]"},
		{"EXECUTE IMMEDIATE 'SELECT ai_embed(x) FROM t'", "[embed]"},
		{"DECLARE q STRING DEFAULT 'SELECT ai_embed(x) FROM t'", "[embed]"},
		{"SET VAR q = 'SELECT ai_embed(x) FROM t'", "[embed]"},
		{"SELECT IDENTIFIER('ai_embed')(x), 'ai_gen' FROM t", "[embed]"},
		{"SELECT 'SELECT ai_gen(x)'", "[]"},
		{"BEGIN IF true THEN SELECT ai_embed(x) FROM t; END IF; END", "[embed]"},
		{"SELECT ai_classify(x, ARRAY('a', 'b', 'c', 'd'))", "[text embed?]"},
		{"SELECT ai_classify(x, ARRAY('a', 'b', 'c', 'd')), ai_embed(x)", "[text embed]"},
		{"SELECT ai_embed(", "[embed]"},
		{"SELECT ai_embed('", "[embed]"},
	} {
		plan := &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{CommandType: &pb.Command_SqlCommand{
			SqlCommand: &pb.SqlCommand{Input: &pb.Relation{RelType: &pb.Relation_Sql{Sql: &pb.SQL{Query: c.text}}}},
		}}}}
		if got := roleNames(rolesOf(plan)); got != c.want {
			t.Errorf("%s: %s; want %s", c.text, got, c.want)
		}
	}
}

// The same for calls in the expressions of DataFrames.
func TestRolesOfColumns(t *testing.T) {
	for _, c := range []struct {
		column Column
		want   string
	}{
		{ai.AnalyzeSentiment(Col("text")), "[text]"},
		{ai.Embed(Col("text")).Alias("v"), "[embed]"},
		{ai.Mask(Col("text"), "email", "iban"), "[]"},
		{ai.Mask(Col("text"), "email", "person"), "[tag]"},
		{Call("upper", Call("ai_mask", Col("text"), Call("array", "email"))), "[]"},
		{Call("ai_mask", Col("text"), Col("labels")), "[tag text]"},
		{Expr("ai_similarity(a, b) > 0.5"), "[embed]"},
		{Call("ai_query", "big", Col("x")), "[]"},
	} {
		if c.column.err != nil {
			t.Fatal(c.column.err)
		}
		relation := &pb.Relation{RelType: &pb.Relation_Project{Project: &pb.Project{Expressions: []*pb.Expression{c.column.expr}}}}
		if got := roleNames(rolesOf(&pb.Plan{OpType: &pb.Plan_Root{Root: relation}})); got != c.want {
			t.Errorf("%v: %s; want %s", c.column.expr, got, c.want)
		}
	}
}

// roleNames lists roles; those that are optional have a question mark.
func roleNames(roles []askedRole) string {
	all := make([]string, len(roles))
	for i, r := range roles {
		if all[i] = string(r.role); r.optional {
			all[i] += "?"
		}
	}
	return fmt.Sprint(all)
}
