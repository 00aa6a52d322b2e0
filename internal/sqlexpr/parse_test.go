package sqlexpr

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// An error names the place of a mistake, and what to write instead.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		text, want string
		at         int
	}{
		{"", "expected a column, a value or a function, not the end", 0},
		{"stars >", "not the end", 7},
		{"stars > 3 3", "expected an operator or the end, not 3", 10},
		{"stars +", "expected a column, a value or a function, not the end", 7},
		{"stras > 1", `there is no column "stras"; did you mean stars?`, 0},
		{"zzzzzzzzzz > 1", "there are id, stars, text", 0},
		{"zzzzzzzzzz > 1", "; if it is a text, put it in quotes: 'zzzzzzzzzz'", 0},
		{"stars > 'x'", `"x" is no BIGINT; write it as digits`, 8},
		{"text + day", "DATE and STRING cannot be computed by + here", 5},
		{"text = 'open", "the quote is not closed", 7},
		{"`text", "the backquote is not closed", 0},
		{"text = 'It''s'", `write a quote in a text as \'`, 10},
		{"text LIKE 'a", "the quote is not closed", 10},
		{"text LIKE stars", "must be a text in quotes", 10},
		{`text LIKE 'a\\'`, "ends with its escape character", 10},
		{"text RLIKE 'a(?=b)'", "regular expressions have no lookahead (?=...) here", 11},
		{`text RLIKE '(a)\\1'`, "no references to groups", 11},
		{"text RLIKE 'a++'", "no possessive quantifiers", 11},
		{"text RLIKE '[a&&b]'", "no intersections of classes", 11},
		{"text RLIKE 'a$b'", "at the end of a regular expression", 11},
		{"text RLIKE '(?x)a'", `the flag 'x' of a regular expression`, 11},
		{"text RLIKE text", "must be a text in quotes here", 11},
		{"text LIKE ANY ('a')", "write the patterns with OR or AND here", 10},
		{"text NOT 'a'", "expected LIKE, RLIKE, IN or BETWEEN after NOT, not a text", 9},
		{"stars IS 3", "expected NULL, TRUE, FALSE or DISTINCT FROM", 9},
		{"stars BETWEEN 1, 2", "expected AND between the two bounds of BETWEEN", 15},
		{"stars IN ()", "expected a column, a value or a function, not )", 10},
		{"stars IN 3", "expected ( after IN", 9},
		{"(stars > 1", "expected ) to close the parenthesis, not the end", 10},
		{"stars > 1 -- yes", "comments to the end of the line are not supported", 10},
		{"stars /* /* */ > 1", "the comment is not closed", 6},
		{"filter(array(1), x -> x > 1)", "lambda functions are not supported here", 19},
		{"text = 'a' AS x", "write the name first", 11},
		{"SELECT text", "expected an expression, not a query", 0},
		{"count(DISTINCT text)", "a job computes row by row", 6},
		{"ai_gne(text)", "there is no function ai_gne here; did you mean ai_gen?", 0},
		{"regexp_replace(text, 'a*', 'b')", "can match an empty text", 21},
		{"regexp_replace(text, 'a', '$1')", "has no group 1", 26},
		{"regexp_extract(text, 'a')", "0 groups, and no group 1", 0},
		{"ai_gen()", "the argument prompt is missing", 0},
		{"ai_gen(text, text)", "ai_gen: it takes 1 argument, not 2; call it as ai_gen(prompt)", 13},
		{"ai_gen(promt => text)", "ai_gen: it has no parameter promt; did you mean prompt?", 7},
		{"ai_classify(labels => array('a', 'b'), text)", "all arguments after a named one need names too", 39},
		{"ai_classify(text, labels => array('a', 'b'), labels => array('a'))", "labels is given twice", 45},
		{"ai_classify(text, array())", "the list of labels is empty", 18},
		{"ai_classify(text, array('a', 'a'))", `label "a" occurs twice`, 18},
		{"ai_classify(text, stars)", "the argument labels is INT", 18},
		{"ai_translate(text, 3 > 2) > 1", "is not a known language", 21},
		{"ai_gen(text) > DATE'2026-01-01' + 1.5", "DATE and DECIMAL(2,1) cannot be computed by +", 32},
		{"ai_extract(text, '{bad')", "argument labels", 17},
		{"length(text => text)", "the arguments of length have no names", 7},
		{"length(text, text)", "write length(text)", 0},
		{"length(array('a'))", "this is ARRAY<STRING>, but length takes a text", 7},
		{"CAST(text AS UUID)", "this type is not supported here", 13},
		{"CAST(day AS INT)", "DATE cannot be converted to INT", 0},
		{"CAST(text AS DECIMAL(40))", "this type is not supported here", 13},
		{"TIMESTAMP'2026-01-01 25:00:00' = at", "is no TIMESTAMP", 0},
		{"day + INTERVAL 3", "expected a unit after the number of INTERVAL", 16},
		{"day + INTERVAL 1 MONTH 2 DAYS", "but not both", 25},
		{"INTERVAL 3 DAYS", "an interval cannot be a column here", 0},
		{"1.5e0 DIV 2", "div takes integers and decimals", 6},
		{"at > true", "TIMESTAMP and BOOLEAN cannot be compared here", 3},
		{"day > '2026-13-01'", `"2026-13-01" is no DATE; write it as 2026-01-31`, 6},
		{"tags[0] = 'a'", "elements of lists are not supported here", 5},
		{"tags.x = 'a'", "has no field", 5},
		{"who.nmae = 'a'", `there is no field "nmae"; did you mean name?`, 4},
		{"who = who", "values of type STRUCT<name: STRING, age: INT> cannot be compared here", 4},
		{"NOT text", "this is STRING, but a condition is needed", 4},
		{"text AND stars > 1", "this is STRING, but a condition is needed", 0},
		{"coalesce(ok, 1)", "BOOLEAN and INT have no common type here", 0},
		{"map('a', 1, 'a', 2)", `the key "a" occurs twice`, 12},
		{"struct(1, 2).x = 1", "only a column and the result of a function have fields", 13},
		{"12abc = 1", "a name that begins with a digit in backquotes", 2},
		{"stars = ?", "parameters are not supported here", 8},
		{"stars = 99999999999999999999999999999999999999999", "more than 38 digits", 8},
		{"stars = 300Y", "not a number of type TINYINT", 8},
		{"amount = 0.000000000000000000000000000000000001", "Spark would round them", 7},
		{"text = 'a' €", "is not known here", 11},
		{`text = '\uD83D'`, "half of a surrogate pair", 8},
		{"same = 1", "differ by case only", 0},
		{"CASE text THEN 1 END", "expected WHEN in CASE", 10},
		{strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "more than 200 parentheses", 201},
	} {
		e, err := Parse(c.text)
		if err == nil {
			_, err = Bind(e, testSchema)
		}
		var wrong *Error
		if !errors.As(err, &wrong) {
			t.Errorf("%s: the error is %v", c.text, err)
			continue
		}
		if !strings.Contains(cmp.Or(wrong.shown, wrong.Message), c.want) || wrong.At != c.at {
			t.Errorf("%s: at %d %s\nwant at %d %s", c.text, wrong.At, wrong.Message, c.at, c.want)
		}
	}
}

var testSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "stars", Type: arrow.PrimitiveTypes.Int32},
	{Name: "text", Type: arrow.BinaryTypes.String},
	{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32},
	{Name: "ok", Type: arrow.FixedWidthTypes.Boolean},
	{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String)},
	{Name: "who", Type: arrow.StructOf(arrow.Field{Name: "name", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "age", Type: arrow.PrimitiveTypes.Int32})},
	{Name: "amount", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}},
	{Name: "same", Type: arrow.PrimitiveTypes.Int32},
	{Name: "Same", Type: arrow.PrimitiveTypes.Int32},
	{Name: "rare", Type: arrow.BinaryTypes.String},
	{Name: "quite", Type: arrow.BinaryTypes.String},
	{Name: "long", Type: arrow.BinaryTypes.String},
	{Name: "schema", Type: arrow.BinaryTypes.String},
}, nil)

func TestCaret(t *testing.T) {
	for _, c := range []struct {
		e    *Error
		want string
	}{
		{mistake("é > 1x", 5, "wrong"), "wrong, at character 5:\n  é > 1x\n      ^"},
		{mistake("a\n\tb = c\nd", 3, "wrong"), "wrong, in line 2 at character 2:\n   b = c\n   ^"},
		{mistake(strings.Repeat("x", 100)+"y"+strings.Repeat("z", 100), 100, "wrong"),
			"wrong, at character 101:\n  ..." + strings.Repeat("x", 60) + "y" + strings.Repeat("z", 59) + "...\n  " + strings.Repeat(" ", 63) + "^"},
		{mistake("a", 1, "wrong"), "wrong, at character 2:\n  a\n   ^"},
		{mistake("a = 'né\nw' AND 7x", 16, "wrong"), "wrong, in line 2 at character 8:\n  ·' AND 7x\n         ^"},
		{mistake("a = 'never closed", 4, "wrong"), "wrong, at character 5:\n  a = '············\n      ^"},
	} {
		if got := c.e.Error(); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

func TestParseAdd(t *testing.T) {
	for _, c := range []struct{ text, name, expr, err string }{
		{"sentiment=ai_analyze_sentiment(text)", "sentiment", "ai_analyze_sentiment(text)", ""},
		{" `my column` = text = 'a' ", "my column", "text = 'a'", ""},
		{"x=-1", "x", "-1", ""},
		{"my-column=text", "", "", "put a name with spaces or signs in backquotes"},
		{"ai_gen(text)", "", "", "write a column as name=expression"},
		{"=text", "", "", "the name is missing"},
		{"x=", "", "", "not the end"},
	} {
		a, err := ParseAdd(c.text)
		if err != nil || c.err != "" {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: the error is %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if a.Name != c.name || a.Expr.Text != c.expr {
			t.Errorf("%s: %q = %q", c.text, a.Name, a.Expr.Text)
		}
	}
}

// Every text is parsed and bound, or rejected with an error at a place in it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"a.b = 'x' AND NOT c IS NULL", `text LIKE '%\\%' ESCAPE '/' OR stars IN (1, 2L, 3.5, 4e1)`, "`who`.name <=> \"q\"",
		"ai_extract(text, labels => array('a', 'b'))['a'] || r'\\'", "CASE stars WHEN 1 THEN 'a' ELSE NULL END", `'\u00e9\U0001F600\101\%'`,
		"stars NOT BETWEEN -1 AND +2", "DATE'2026-01-31' >= day", "try_ai_gen(text).result IS NOT TRUE", "map('a', 1)", "named_struct('a', 1)",
		"CAST(text AS DECIMAL(10, 2)) / stars::INT % -2", "day + INTERVAL 3 DAYS - INTERVAL '1' MONTH", "text RLIKE '(?i)[a-z&&b]{2,3}\\w+$|\\bx'", "regexp_replace(text, '(a)', '$1')",
		"round(amount, 2) div 0.5", "EXTRACT(YEAR FROM day)", "TIMESTAMP'2026-01-31 10:00:00+02:00' < at", "1/0 = id",
	} {
		f.Add(text)
	}
	rows := testRows(f, memory.DefaultAllocator)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err == nil {
			_, err = Bind(e, testSchema)
		}
		if err == nil {
			var failed *ValueError
			if b, err := Bind(e, rowSchema); err == nil && len(b.Calls()) == 0 {
				if a, err := b.Eval(t.Context(), memory.DefaultAllocator, rows, nil); err == nil {
					a.Release()
				} else if !errors.As(err, &failed) && !strings.Contains(err.Error(), "cannot be written") {
					t.Fatalf("%q: %v", text, err)
				}
			}
		}
		var wrong *Error
		if err != nil && (!errors.As(err, &wrong) || wrong.At < 0 || wrong.At > len(wrong.Text) || wrong.Message == "") {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			_ = err.Error()
		}
		if a, err := ParseAdd(text); err == nil && a.Name == "" {
			t.Fatalf("%q has no name", text)
		}
	})
}

// Mask hides texts in quotes, and shows names in backquotes.
func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"lang = 'en' AND x > 12": "lang = '··' AND x > 12", `f(text, "a\"b", 'c\'d')`: `f(text, "····", '····')`,
		"`it's` = 'é'": "`it's` = '·'", `r'a\' || 'secret'`: `r'··' || '······'`, "DATE'2026-01-31'": "DATE'··········'",
		"'open": "'····", "`open 'secret'": "`open '······'", "": "", "'a\nb'": "'·\n·'", "'a''secret'": "'·''······'",
	} {
		if got := Mask(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// An error shows constants in Shown only.
func TestErrorsHideConstants(t *testing.T) {
	for _, text := range []string{"lang = 'canary' AND", "DATE'canary'", "ai_classify(text, array('canary', 'canary'))", "text LIKE 'x\\\\canary'",
		"ai_extract(text, array('a'), map('canary', '1'))", "ai_translate(text, 'canary')", "ai_query('default', text, 'canary')", "\"canary", "day = 'canary'"} {
		e, err := Parse(text)
		if err == nil {
			_, err = Bind(e, rowSchema)
		}
		if err == nil {
			t.Errorf("%s is bound", text)
			continue
		}
		if strings.Contains(err.Error(), "canary") || !strings.Contains(sensitive.Shown(err), "canary") {
			t.Errorf("%s: %v\nshown as %s", text, err, sensitive.Shown(err))
		}
	}
}

// A variable argument is not checked before there are rows.
func TestVaryingArgumentsAreNotChecked(t *testing.T) {
	for _, text := range []string{"ai_translate(text, text)", "ai_query(text, text)"} {
		e, err := Parse(text)
		if err == nil {
			_, err = Bind(e, rowSchema)
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
