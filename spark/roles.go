package spark

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// askedRole is a role whose default model is asked.
type askedRole struct {
	role     llm.ModelRole
	optional bool // see ai.Ask
}

// rolesOf returns the roles whose default models a plan may ask: those of the AI
// functions that it calls, as far as the constant arguments of the calls tell.
func rolesOf(plan *pb.Plan) []askedRole {
	var c callFinder
	c.message(plan.ProtoReflect())
	return c.roles
}

// shipDefaultsOf uploads the default models that a plan may ask and the session
// does not have.
func (s *Session) shipDefaultsOf(ctx context.Context, plan *pb.Plan) error {
	if !s.config.ship.wanted || !s.hasWorker() {
		return nil
	}
	return s.shipDefaults(ctx, rolesOf(plan))
}

// callFinder collects the roles that calls of AI functions ask.
type callFinder struct{ roles []askedRole }

func (c *callFinder) call(f *ai.Function, fixed ai.Row) {
	for _, a := range f.Asks(fixed) {
		// A model with a name is one of those that the session was opened with.
		if !a.Any && a.Name != "" && !strings.EqualFold(a.Name, llm.DefaultModel) {
			continue
		}
		i := slices.IndexFunc(c.roles, func(r askedRole) bool { return r.role == a.Role })
		if i < 0 {
			c.roles = append(c.roles, askedRole{a.Role, a.Optional})
		} else {
			c.roles[i].optional = c.roles[i].optional && a.Optional
		}
	}
}

// message walks over a message of a plan.
func (c *callFinder) message(m protoreflect.Message) {
	switch x := m.Interface().(type) {
	case *pb.Expression_UnresolvedFunction:
		if f, err := ai.Lookup(x.GetFunctionName()); err == nil {
			c.call(f, fixedArguments(f, x.GetArguments()))
		}
	case *pb.Expression_ExpressionString:
		c.sql(x.GetExpression())
	case *pb.SQL:
		c.sql(x.GetQuery())
	case *pb.SqlCommand:
		c.sql(x.GetSql())
	}
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case d.IsMap():
			if d.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					c.message(v.Message())
					return true
				})
			}
		case d.Message() == nil:
		case d.IsList():
			for i := range v.List().Len() {
				c.message(v.List().Get(i).Message())
			}
		default:
			c.message(v.Message())
		}
		return true
	})
}

// fixedArguments returns the texts and lists of texts among the arguments, and nil
// for others.
func fixedArguments(f *ai.Function, args []*pb.Expression) ai.Row {
	row := make(ai.Row, len(f.Params))
	for i, arg := range args {
		if i < len(row) {
			row[i] = fixedArgument(arg)
		}
	}
	return row
}

func fixedArgument(e *pb.Expression) any {
	if call := e.GetUnresolvedFunction(); call != nil && strings.EqualFold(call.GetFunctionName(), "array") {
		return fixedTexts(call.GetArguments(), fixedArgument)
	}
	return fixedLiteral(e.GetLiteral())
}

func fixedLiteral(l *pb.Expression_Literal) any {
	switch x := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_String_:
		return x.String_
	case *pb.Expression_Literal_Array_:
		return fixedTexts(x.Array.GetElements(), fixedLiteral)
	}
	return nil
}

// fixedTexts returns the elements of a list as []string, or nil if one of them is
// not a fixed text.
func fixedTexts[T any](elements []T, value func(T) any) any {
	texts := make([]string, len(elements))
	for i, e := range elements {
		text, ok := value(e).(string)
		if !ok {
			return nil
		}
		texts[i] = text
	}
	return texts
}

// sql finds calls in a statement or an expression.
func (c *callFinder) sql(text string) {
	r := sqlReader{text: text}
	dynamic := false // EXECUTE IMMEDIATE runs a statement in a text
	for {
		t, ok := r.next()
		if !ok {
			return
		}
		word := text[t.Start:t.End]
		switch t.Kind {
		case sqlscript.Word, sqlscript.Name:
			dynamic = dynamic || strings.EqualFold(word, "EXECUTE")
			f, err := ai.Lookup(strings.Trim(word, "`"))
			if err != nil {
				continue
			}
			inner := r // the arguments may have calls, too
			if open, ok := inner.next(); ok && inner.is(open, "(") {
				c.call(f, inner.arguments(f))
			}
		case sqlscript.Text, sqlscript.Dollar:
			if dynamic {
				c.sql(strings.Trim(word, `'"$`))
			}
		}
	}
}

// sqlReader reads the tokens of SQL without white space and comments.
type sqlReader struct {
	text string
	at   int
}

func (r *sqlReader) next() (sqlscript.Token, bool) {
	for r.at < len(r.text) {
		t := sqlscript.Next(r.text, r.at)
		r.at = t.End
		if t.Kind != sqlscript.Space && t.Kind != sqlscript.Comment {
			return t, true
		}
	}
	return sqlscript.Token{}, false
}

func (r *sqlReader) is(t sqlscript.Token, text string) bool {
	return strings.EqualFold(r.text[t.Start:t.End], text)
}

// arguments reads the arguments after the parenthesis of a call. It returns the
// texts and lists of texts, and nil for others.
func (r *sqlReader) arguments(f *ai.Function) ai.Row {
	row := make(ai.Row, len(f.Params))
	for i, tokens := range r.list() {
		param := i
		if len(tokens) > 3 && r.is(tokens[1], "=") && r.is(tokens[2], ">") { // name => value
			param = slices.IndexFunc(f.Params, func(p ai.Param) bool { return r.is(tokens[0], p.Name) })
			tokens = tokens[3:]
		}
		if param >= 0 && param < len(row) {
			row[param] = r.value(tokens)
		}
	}
	return row
}

// list reads up to the closing parenthesis and returns the tokens between commas.
func (r *sqlReader) list() (items [][]sqlscript.Token) {
	var item []sqlscript.Token
	for depth := 0; ; {
		t, ok := r.next()
		switch {
		case !ok, depth == 0 && r.is(t, ")"):
			return append(items, item)
		case depth == 0 && r.is(t, ","):
			items, item = append(items, item), nil
			continue
		case r.is(t, "("):
			depth++
		case r.is(t, ")"):
			depth--
		}
		item = append(item, t)
	}
}

// value returns a text or a list of texts, and nil for other expressions.
func (r *sqlReader) value(tokens []sqlscript.Token) any {
	switch {
	case len(tokens) == 1 && tokens[0].Kind == sqlscript.Text:
		word := r.text[tokens[0].Start:tokens[0].End]
		if quote := word[:1]; !tokens[0].Open && (quote == "'" || quote == `"`) {
			if inner := word[1 : len(word)-1]; !strings.ContainsAny(inner, `\`+quote) {
				return inner
			}
		}
	case len(tokens) > 2 && r.is(tokens[0], "ARRAY") && r.is(tokens[1], "("):
		inner := sqlReader{text: r.text, at: tokens[1].End}
		return fixedTexts(inner.list(), func(tokens []sqlscript.Token) any {
			text, _ := r.value(tokens).(string)
			if text == "" {
				return nil
			}
			return text
		})
	}
	return nil
}
