package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Columns returns the names of the columns, without running the query.
func (d *DataFrame) Columns(ctx context.Context) ([]string, error) {
	s, err := d.Schema(ctx)
	return s.Names(), err
}

func (d *DataFrame) analyzed(ctx context.Context, r *pb.AnalyzePlanRequest) (*pb.AnalyzePlanResponse, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.session.analyze(ctx, r)
}

// InputFiles returns the files that the query reads, as far as the plan names them.
func (d *DataFrame) InputFiles(ctx context.Context) ([]string, error) {
	r, err := d.analyzed(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_InputFiles_{InputFiles: &pb.AnalyzePlanRequest_InputFiles{Plan: d.plan()}}})
	return r.GetInputFiles().GetFiles(), err
}

// IsStreaming reports whether the query reads a stream.
func (d *DataFrame) IsStreaming(ctx context.Context) (bool, error) {
	r, err := d.analyzed(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_IsStreaming_{IsStreaming: &pb.AnalyzePlanRequest_IsStreaming{Plan: d.plan()}}})
	return r.GetIsStreaming().GetIsStreaming(), err
}

// IsLocal reports whether the server computes the query without executors.
func (d *DataFrame) IsLocal(ctx context.Context) (bool, error) {
	r, err := d.analyzed(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_IsLocal_{IsLocal: &pb.AnalyzePlanRequest_IsLocal{Plan: d.plan()}}})
	return r.GetIsLocal().GetIsLocal(), err
}

// SameSemantics reports whether two queries have the same plan, but for names and other details that do not change
// the rows. A false answer may be wrong, a true one is not.
func (d *DataFrame) SameSemantics(ctx context.Context, other *DataFrame) (bool, error) {
	if err := other.checkOther(d); err != nil {
		return false, err
	}
	r, err := d.analyzed(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_SameSemantics_{
		SameSemantics: &pb.AnalyzePlanRequest_SameSemantics{TargetPlan: d.plan(), OtherPlan: other.plan()},
	}})
	return r.GetSameSemantics().GetResult(), err
}

// SemanticHash is a hash of the plan, which is equal for queries that SameSemantics finds equal.
func (d *DataFrame) SemanticHash(ctx context.Context) (int32, error) {
	r, err := d.analyzed(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_SemanticHash_{SemanticHash: &pb.AnalyzePlanRequest_SemanticHash{Plan: d.plan()}}})
	return r.GetSemanticHash().GetResult(), err
}

// StorageLevel says how Persist stores the rows.
type StorageLevel struct {
	Disk, Memory, OffHeap bool
	Deserialized          bool // as objects of Java, in memory
	Replication           int  // copies
}

// StorageLevel returns how the rows are stored. It is zero without Persist.
func (d *DataFrame) StorageLevel(ctx context.Context) (StorageLevel, error) {
	r, err := d.analyzed(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_GetStorageLevel_{GetStorageLevel: &pb.AnalyzePlanRequest_GetStorageLevel{Relation: d.relation}}})
	l := r.GetGetStorageLevel().GetStorageLevel()
	s := StorageLevel{l.GetUseDisk(), l.GetUseMemory(), l.GetUseOffHeap(), l.GetDeserialized(), int(l.GetReplication())}
	if !s.Disk && !s.Memory && !s.OffHeap {
		s = StorageLevel{}
	}
	return s, err
}

// IsEmpty runs the query until it has a row, and reports whether there is none.
func (d *DataFrame) IsEmpty(ctx context.Context) (bool, error) {
	rows, err := d.Select().Take(ctx, 1)
	return len(rows) == 0, err
}

// Head is First.
func (d *DataFrame) Head(ctx context.Context) (Row, bool, error) { return d.First(ctx) }

// Tail runs the whole query and returns its last n rows.
func (d *DataFrame) Tail(ctx context.Context, n int) ([]Row, error) {
	var err error
	if n < 0 || n > 1<<30 {
		err = fmt.Errorf("tail: %d is not a valid number of rows", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Tail{Tail: &pb.Tail{Input: d.relation, Limit: int32(n)}}}, err).Collect(ctx)
}
