package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/spark/internal/pb"
	"github.com/firesteel/firesteel/udf"
)

// registerDeclared makes the functions that this program has declared with
// package udf known to SQL.
func (s *Session) registerDeclared(ctx context.Context) error {
	for _, f := range udf.All() {
		evalType := s.scalarType()
		switch f.Kind() {
		case udf.KindMap:
			continue // MapBatches brings them along
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

// MapBatches gives the rows that a function of udf.Map makes of d's. d must
// have the columns that the function's rows are made of, and may have more.
func (d *DataFrame) MapBatches(f *udf.Function) *DataFrame {
	switch ship := d.session.config.ship; {
	case f.Kind() != udf.KindMap:
		return d.derive(&pb.Relation{}, fmt.Errorf("MapBatches(%s): it is %s; a udf.Map is needed", f.Name(), f.Kind()))
	case !ship.wanted || len(ship.programs) > 0:
		return d.derive(&pb.Relation{}, fmt.Errorf("MapBatches(%s): the session's executors do not run this program; connect with spark.WithProgram()", f.Name()))
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
