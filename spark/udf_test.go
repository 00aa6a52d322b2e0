package spark

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/spark/internal/pb"
	"github.com/firesteel/firesteel/udf"
)

type line struct {
	Text string `spark:"the text"`
}

var (
	upper = udf.Func("test_upper", func(_ context.Context, in []string) ([]string, error) { return in, nil })
	lines = udf.Map("test_lines", func(_ context.Context, in iter.Seq[[]line], emit func([]line) error) error { return nil })
)

func TestMapBatches(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	df := s.Table("t")
	for want, result := range map[string]*DataFrame{
		"MapBatches(test_upper): the function must be a udf.Map, but is a scalar function": df.MapBatches(upper),
		"does not ship this program; connect with spark.WithProgram":                       df.MapBatches(lines),
	} {
		if _, err := result.Collect(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error %v does not contain %q", err, want)
		}
	}
	s.config.ship.wanted = true
	m := df.MapBatches(lines).relation.GetMapPartitions()
	call := m.GetFunc().GetPythonUdf()
	if call.GetEvalType() != 207 || call.GetOutputType().GetUnparsed().GetDataTypeString() != "STRUCT<`the text`: STRING>" {
		t.Errorf("the call is %v", call)
	}
	if c, err := bundle.DecodeCommand(call.GetCommand()); err != nil || c != (bundle.Command{Kind: bundle.Host, Function: "test_lines"}) {
		t.Errorf("the command is %v, %v", c, err)
	}
	// Only the columns of the function's input are sent.
	for _, list := range [][]string{names(m.GetFunc().GetArguments()), names(m.GetInput().GetProject().GetExpressions())} {
		if len(list) != 1 || list[0] != "`the text`" {
			t.Errorf("the columns are %q", list)
		}
	}
}

func TestRegisterDeclared(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	before := len(f.requests)
	if err := s.registerDeclared(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(f.requests) != before+1 {
		t.Fatalf("%d functions were registered", len(f.requests)-before)
	}
	r := f.requests[before].GetPlan().GetCommand().GetRegisterFunction()
	if r.GetFunctionName() != "test_upper" || !r.GetDeterministic() || r.GetPythonUdf().GetEvalType() != 200 {
		t.Errorf("registered: %v", r)
	}
}

func names(list []*pb.Expression) []string {
	var all []string
	for _, e := range list {
		all = append(all, e.GetUnresolvedAttribute().GetUnparsedIdentifier())
	}
	return all
}
