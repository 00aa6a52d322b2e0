package spark

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/internal/sqlcalls"
	"github.com/firesteel/firesteel/internal/sqlscript"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// NamedArg is the value of a named parameter in a SQL statement.
type NamedArg struct {
	Name  string
	Value any
}

// Named returns an argument of SQL for the parameter :name.
func Named(name string, value any) NamedArg { return NamedArg{name, value} }

// SQL runs a statement. A command (CREATE, INSERT, SET, SHOW, ...) runs at once,
// and the DataFrame holds its result. A query runs with an action on the
// DataFrame.
//
// After a statement that changes settings, SQL restores those by which Spark
// finds the session's functions.
//
// A call of a function over groups may have a column of texts in place of a list, as in ai_agg(text,
// 'What do they say?'): it is then an aggregate, which SQL writes by collect_list.
//
// The arguments are values as in Lit: either in the order of the statement's ?
// parameters, or all of them Named. They are sent as values, not as SQL text.
func (s *Session) SQL(ctx context.Context, query string, args ...any) (*DataFrame, error) {
	if !s.hasWorker() {
		return s.runSQL(ctx, query, args)
	}
	collected := sqlcalls.Collect(query)
	if sqlscript.IsBlock(query) {
		if s.atLeast(4, 0) {
			collected = sqlscript.MapFor(collected, computedFirst)
		}
		return s.runSQL(ctx, collected, args)
	}
	// Nothing has run if Spark's analysis rejects a statement. A column of lists, for example, needs
	// no collect_list.
	deferred := sqlcalls.Defer(collected)
	df, err := s.runSQL(ctx, deferred, args)
	if deferred != collected && isAnalysis(err) {
		df, err = s.runSQL(ctx, collected, args)
	}
	if collected == query || !isAnalysis(err) {
		return df, err
	}
	df, second := s.runSQL(ctx, query, args)
	if second != nil && !strings.HasPrefix(errorClass(err), "DATATYPE_MISMATCH") {
		second = err
	}
	return df, second
}

// isAnalysis reports whether Spark rejected a statement before it ran.
func isAnalysis(err error) bool {
	var e *Error
	return errors.As(err, &e) && (strings.HasSuffix(e.JavaClass, "AnalysisException") || strings.HasSuffix(e.JavaClass, ".ParseException"))
}

func errorClass(err error) string {
	var e *Error
	errors.As(err, &e)
	return e.Class
}

func (s *Session) runSQL(ctx context.Context, query string, args []any) (*DataFrame, error) {
	statement, err := s.statement(query, args)
	if err != nil {
		return nil, err
	}
	r := s.run(ctx, &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{
		CommandType: &pb.Command_SqlCommand{SqlCommand: statement},
	}}})
	err = r.drain()
	if mayChangeSettings(query) {
		// RESET clears the setting by which Spark finds the session's functions.
		if restoreErr := s.restoreWorker(ctx); err == nil {
			err = restoreErr
		}
	}
	if err != nil {
		return nil, err
	}
	if r.command == nil {
		return nil, fmt.Errorf("the server ran the statement but returned no result")
	}
	return s.newDataFrame(r.command), nil
}

// computedFirst rewrites a query so that Spark computes all its rows before it
// returns the first one, in the same order. Spark 4 computes the query of a FOR
// statement row by row without the session's settings (the jobs of
// toLocalIterator start after the query's execution has ended), and so would
// start Python for the functions. The part before an exchange is computed with
// the settings.
func computedFirst(query string) string {
	const row = "firesteel_row"
	return "SELECT * EXCEPT (" + row + ") FROM (SELECT /*+ REPARTITION(1) */ * FROM (SELECT *, monotonically_increasing_id() AS " + row +
		" FROM (" + query + "))) SORT BY " + row
}

func (s *Session) statement(query string, args []any) (*pb.SqlCommand, error) {
	sql := &pb.SQL{Query: query}
	named := 0
	for i, a := range args {
		n, isNamed := a.(NamedArg)
		if isNamed {
			named++
			a = n.Value
		}
		c := Lit(a)
		if c.err != nil {
			return nil, fmt.Errorf("argument %d of the statement: %w", i+1, c.err)
		}
		if c.expr.GetLiteral() == nil && !s.atLeast(4, 0) {
			return nil, fmt.Errorf("argument %d of the statement: Spark %s accepts only literals, not columns, intervals or arrays with NULL", i+1, s.version)
		}
		switch {
		case !isNamed:
			sql.PosArguments = append(sql.PosArguments, c.expr)
		case n.Name == "":
			return nil, fmt.Errorf("argument %d of the statement: its name is empty", i+1)
		case sql.NamedArguments[n.Name] != nil:
			return nil, fmt.Errorf("argument %d of the statement: :%s is given twice", i+1, n.Name)
		default:
			if sql.NamedArguments == nil {
				sql.NamedArguments = map[string]*pb.Expression{}
			}
			sql.NamedArguments[n.Name] = c.expr
		}
	}
	if named > 0 && named < len(args) {
		return nil, fmt.Errorf("the statement's arguments must be all named or all positional")
	}
	if s.atLeast(4, 0) {
		return &pb.SqlCommand{Input: &pb.Relation{RelType: &pb.Relation_Sql{Sql: sql}}}, nil
	}
	old := &pb.SqlCommand{Sql: query}
	for _, e := range sql.PosArguments {
		old.PosArgs = append(old.PosArgs, e.GetLiteral())
	}
	for name, e := range sql.NamedArguments {
		if old.Args == nil {
			old.Args = map[string]*pb.Expression_Literal{}
		}
		old.Args[name] = e.GetLiteral()
	}
	return old, nil
}
