package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// FunctionSpec describes a function that the session's Python worker evaluates.
type FunctionSpec struct {
	Name string
	// Deterministic allows Spark to evaluate equal calls once and to omit calls
	// whose result is not used.
	Deterministic bool
	// ReturnType is the type of the result. Use DDL for a type in text form.
	ReturnType DataType
	// EvalType is Spark's number of the kind of function; 200 is a scalar
	// function of Arrow batches.
	EvalType int32
	// Command is sent to the worker, which interprets it.
	Command []byte
	// PythonVersion is sent to the worker, such as "3.11".
	PythonVersion string
}

// RegisterFunction registers a function for SQL and Call in this session. It
// replaces a function of the same name.
func (s *Session) RegisterFunction(ctx context.Context, f FunctionSpec) error {
	if f.Name == "" || len(f.Command) == 0 {
		return fmt.Errorf("function %q: the name or the command is empty", f.Name)
	}
	if err := complete(f.ReturnType); err != nil {
		return fmt.Errorf("function %s: return type: %w", f.Name, err)
	}
	return s.command(ctx, &pb.Command{CommandType: &pb.Command_RegisterFunction{
		RegisterFunction: &pb.CommonInlineUserDefinedFunction{
			FunctionName:  f.Name,
			Deterministic: f.Deterministic,
			Function: &pb.CommonInlineUserDefinedFunction_PythonUdf{PythonUdf: &pb.PythonUDF{
				OutputType: f.ReturnType.wire(),
				EvalType:   f.EvalType,
				Command:    f.Command,
				PythonVer:  f.PythonVersion,
			}},
		},
	}})
}
