package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
)

// Spark's eval types. All but scalarArrow are the same on all versions.
const (
	scalarPandas  = 200 // Arrow batches of the arguments in, one column out
	scalarArrow   = 250 // the same, from 4.1 on
	groupedPandas = 202 // a group's arguments in, one row out
	mapInArrow    = 207 // batches of rows in, rows out
)

// scalarType is the eval type of functions. Spark computes functions of one
// type in one step, which ours and Python's cannot share: pandas functions are
// more common than Arrow functions, so ours are not of their type.
func (s *Session) scalarType() int32 {
	if s.config.ship.beside && s.atLeast(4, 1) {
		return scalarArrow
	}
	return scalarPandas
}

// pythonVersion is what a worker is told of its client. Ours does not ask.
const pythonVersion = "3.11"

// registerShipped makes the functions of the shipped worker known to SQL.
func (s *Session) registerShipped(ctx context.Context, model bool) error {
	for _, name := range []string{bundle.Echo, bundle.Info, bundle.Install} {
		if err := s.RegisterProgramFunction(ctx, name, StringType); err != nil {
			return err
		}
	}
	if len(s.config.ship.programs) == 0 {
		if err := s.registerDeclared(ctx); err != nil {
			return err
		}
	}
	if !model {
		return nil
	}
	for _, f := range ai.All() {
		if err := s.registerCommand(ctx, f.Name, DDL(f.Returns.String()), s.scalarType(), bundle.Command{Kind: bundle.AI, Function: f.Name}, true); err != nil {
			return err
		}
	}
	return nil
}

// RegisterProgramFunction makes a function that the shipped program itself
// registered (worker.Register) known to SQL and Call, with its result's type.
func (s *Session) RegisterProgramFunction(ctx context.Context, name string, returns DataType) error {
	if !s.config.ship.wanted {
		return fmt.Errorf("function %s: the session has no program to run it; connect with spark.WithProgram", name)
	}
	return s.registerCommand(ctx, name, returns, s.scalarType(), bundle.Command{Kind: bundle.Host, Function: name}, true)
}

// encode gives the bytes of a command, with what the session asks of all.
func (s *Session) encode(c bundle.Command) []byte {
	c.LogContent = s.config.ship.logContent
	return c.Encode()
}

func (s *Session) registerCommand(ctx context.Context, name string, returns DataType, evalType int32, c bundle.Command, deterministic bool) error {
	err := s.RegisterFunction(ctx, FunctionSpec{
		Name:          name,
		Deterministic: deterministic,
		ReturnType:    returns,
		EvalType:      evalType,
		Command:       s.encode(c),
		PythonVersion: pythonVersion,
	})
	if err != nil {
		return fmt.Errorf("registering %s: %w", name, err)
	}
	return nil
}
