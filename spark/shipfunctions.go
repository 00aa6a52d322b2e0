package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
)

// Spark's eval types. All versions have the same, except that scalarArrow is new
// in 4.1.
const (
	scalarPandas  = 200 // batches of arguments in, a column out
	scalarArrow   = 250 // the same
	groupedPandas = 202 // the arguments of a group in, a row out
	mapInArrow    = 207 // batches of rows in, batches of rows out
)

// scalarType returns the eval type of scalar functions. Spark computes adjacent
// functions of the same type in one task, and firesteel's functions cannot share
// a task with Python's. In a session of a Python client they get the type of
// Arrow functions, which are less common than pandas functions.
func (s *Session) scalarType() int32 {
	if s.config.ship.python && s.atLeast(4, 1) {
		return scalarArrow
	}
	return scalarPandas
}

// pythonVersion is the Python version of the client in Spark's protocol. The
// shipped worker ignores it.
const pythonVersion = "3.11"

// registerShipped registers the functions of the shipped worker for SQL, and the AI
// functions if functions is true.
func (s *Session) registerShipped(ctx context.Context, functions bool) error {
	for _, name := range []string{bundle.Echo, bundle.Info, bundle.Install} {
		if err := s.RegisterProgramFunction(ctx, name, StringType); err != nil {
			return err
		}
	}
	if err := s.openLedger(ctx); err != nil {
		return err
	}
	if len(s.config.ship.programs) == 0 {
		if err := s.registerDeclared(ctx); err != nil {
			return err
		}
	}
	if !functions {
		return nil
	}
	for _, f := range ai.All() {
		if err := s.registerCommand(ctx, f.Name, DDL(f.Returns.String()), s.scalarType(), bundle.Command{Kind: bundle.AI, Function: f.Name}, true); err != nil {
			return err
		}
	}
	return nil
}

// RegisterProgramFunction registers a function of the shipped program, which
// calls worker.Register for it, for SQL and Call. returns is its result type.
func (s *Session) RegisterProgramFunction(ctx context.Context, name string, returns DataType) error {
	if !s.config.ship.wanted {
		return fmt.Errorf("function %s: the session ships no program; connect with spark.WithProgram", name)
	}
	return s.registerCommand(ctx, name, returns, s.scalarType(), bundle.Command{Kind: bundle.Host, Function: name}, true)
}

// encode encodes a command with the session's options.
func (s *Session) encode(c bundle.Command) []byte {
	c.LogContent, c.Ledger = s.config.ship.logContent, s.ledger
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
