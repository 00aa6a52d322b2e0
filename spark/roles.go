package spark

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sqlcalls"
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
		sqlcalls.Find(x.GetExpression(), c.call)
	case *pb.SQL:
		sqlcalls.Find(x.GetQuery(), c.call)
	case *pb.SqlCommand:
		sqlcalls.Find(x.GetSql(), c.call)
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
		return sqlcalls.Texts(call.GetArguments(), fixedArgument)
	}
	return fixedLiteral(e.GetLiteral())
}

func fixedLiteral(l *pb.Expression_Literal) any {
	switch x := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_String_:
		return x.String_
	case *pb.Expression_Literal_Array_:
		return sqlcalls.Texts(x.Array.GetElements(), fixedLiteral)
	}
	return nil
}
