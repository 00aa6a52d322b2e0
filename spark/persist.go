package spark

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Persist has Spark keep the rows of d once an action has computed them, in
// the executors' memory and, where that is full, on their disks. Otherwise each
// action computes them again (twice in one that filters by what it computes),
// and a model is asked again what its worker no longer remembers: persist a
// DataFrame with columns of AI functions before its first action.
//
// Persist itself computes nothing, and an action that needs some of the rows
// (Take, Show) keeps those partitions. Spark knows d by its plan: what is
// derived from d reads the kept rows, also within another plan or view. The
// rows of a lost executor are computed again; PersistAs can have two keep them.
// They stay until Unpersist, even after Close.
func (d *DataFrame) Persist(ctx context.Context) error { return d.persist(ctx, nil) }

var storageLevels = map[string]*pb.StorageLevel{
	"MEMORY_AND_DISK":   {UseMemory: true, UseDisk: true, Deserialized: true, Replication: 1},
	"MEMORY_AND_DISK_2": {UseMemory: true, UseDisk: true, Deserialized: true, Replication: 2},
	"MEMORY_ONLY":       {UseMemory: true, Deserialized: true, Replication: 1},
	"MEMORY_ONLY_2":     {UseMemory: true, Deserialized: true, Replication: 2},
	"DISK_ONLY":         {UseDisk: true, Replication: 1},
	"DISK_ONLY_2":       {UseDisk: true, Replication: 2},
	"DISK_ONLY_3":       {UseDisk: true, Replication: 3},
}

// PersistAs is Persist with one of Spark's storage levels: MEMORY_AND_DISK
// (as Persist), MEMORY_ONLY, which computes again what does not fit, or
// DISK_ONLY; and MEMORY_AND_DISK_2, MEMORY_ONLY_2, DISK_ONLY_2 and DISK_ONLY_3,
// which keep so many copies. What is kept already stays at its level.
func (d *DataFrame) PersistAs(ctx context.Context, level string) error {
	l, ok := storageLevels[strings.ToUpper(level)]
	if !ok {
		return fmt.Errorf("persist: there is no storage level %q; the levels are MEMORY_AND_DISK, MEMORY_ONLY and DISK_ONLY, with _2 (or DISK_ONLY_3) for more copies", level)
	}
	return d.persist(ctx, l)
}

func (d *DataFrame) persist(ctx context.Context, level *pb.StorageLevel) error {
	return d.keep(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_Persist_{
		Persist: &pb.AnalyzePlanRequest_Persist{Relation: d.relation, StorageLevel: level},
	}})
}

// Unpersist gives back what Persist keeps. Of rows that are not kept it does
// nothing.
func (d *DataFrame) Unpersist(ctx context.Context) error {
	return d.keep(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_Unpersist_{
		Unpersist: &pb.AnalyzePlanRequest_Unpersist{Relation: d.relation},
	}})
}

func (d *DataFrame) keep(ctx context.Context, r *pb.AnalyzePlanRequest) error {
	if d.err != nil {
		return d.err
	}
	_, err := d.session.analyzed(ctx, r)
	return err
}
