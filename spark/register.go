package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// FunctionSpec is a function that the session's Python worker evaluates,
// whichever program that is.
type FunctionSpec struct {
	Name string
	// Deterministic lets Spark evaluate the function once where it stands
	// twice, and leave out evaluations.
	Deterministic bool
	// ReturnType of the function; DDL takes it as text.
	ReturnType DataType
	// EvalType is how the worker is fed: 200 for scalar functions of Arrow
	// batches.
	EvalType int32
	// Command is carried to the worker unread.
	Command []byte
	// PythonVersion is what the worker is told, as in "3.11".
	PythonVersion string
}

// RegisterFunction makes a function known under its name to SQL and Call in
// this session. It replaces one of the same name.
func (s *Session) RegisterFunction(ctx context.Context, f FunctionSpec) error {
	if f.Name == "" || len(f.Command) == 0 {
		return fmt.Errorf("function %q: a name and a command are needed", f.Name)
	}
	if err := complete(f.ReturnType); err != nil {
		return fmt.Errorf("function %s: its return type: %w", f.Name, err)
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
