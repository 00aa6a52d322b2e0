package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/spark/internal/pb"
	"github.com/firesteel/firesteel/udf"
)

// registerDeclared registers the functions that this program has declared with
// package udf for SQL.
func (s *Session) registerDeclared(ctx context.Context) error {
	for _, f := range udf.All() {
		evalType := s.scalarType()
		switch f.Kind() {
		case udf.KindMap:
			continue // MapBatches sends them with its plan
		case udf.KindAggregate:
			evalType = groupedPandas
		}
		c := bundle.Command{Kind: bundle.Host, Function: f.Name()}
		if err := s.registerCommand(ctx, f.Name(), DDL(f.Returns()), evalType, c, f.Deterministic()); err != nil {
			return err
		}
	}
	return nil
}

// MapBatches applies a function of udf.Map to the rows of d and returns its rows.
// d must have the columns of the function's input; other columns are ignored.
func (d *DataFrame) MapBatches(f *udf.Function) *DataFrame {
	switch ship := d.session.config.ship; {
	case f.Kind() != udf.KindMap:
		return d.derive(&pb.Relation{}, fmt.Errorf("MapBatches(%s): the function must be a udf.Map, but is %s", f.Name(), f.Kind()))
	case !ship.wanted || len(ship.programs) > 0:
		return d.derive(&pb.Relation{}, fmt.Errorf("MapBatches(%s): the session does not ship this program; connect with spark.WithProgram()", f.Name()))
	}
	columns := make([]Column, len(f.Params()))
	for i, name := range f.Params() {
		columns[i] = Col(quoteIfNeeded(name))
	}
	rows := d.Select(columns...)
	list, err := expressions("MapBatches("+f.Name()+")", columns)
	return rows.derive(&pb.Relation{RelType: &pb.Relation_MapPartitions{MapPartitions: &pb.MapPartitions{
		Input: rows.relation,
		Func: &pb.CommonInlineUserDefinedFunction{
			FunctionName:  f.Name(),
			Deterministic: f.Deterministic(),
			Arguments:     list,
			Function: &pb.CommonInlineUserDefinedFunction_PythonUdf{PythonUdf: &pb.PythonUDF{
				OutputType: DDL(f.Returns()).wire(),
				EvalType:   mapInArrow,
				Command:    d.session.encode(bundle.Command{Kind: bundle.Host, Function: f.Name()}),
				PythonVer:  pythonVersion,
			}},
		},
	}}}, err)
}
