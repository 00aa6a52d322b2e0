package spark

import (
	"context"
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Persist makes Spark store the rows of d when an action has computed them, in
// the executors' memory or, if that is full, on their disks. Otherwise each
// action computes them again (an action that filters by a computed column does
// so twice), and a model gets the same requests again. Persist a DataFrame with
// columns of AI functions before its first action.
//
// Persist itself computes nothing. An action that needs only some rows (Take,
// Show) stores the partitions that it computes. Spark identifies d by its plan:
// a DataFrame or view that is derived from d uses the stored rows. The rows of a
// lost executor are computed again; PersistAs can store two copies. The rows are
// stored until Unpersist, even after Close.
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

// PersistAs is Persist with one of Spark's storage levels: MEMORY_AND_DISK (the
// level of Persist), MEMORY_ONLY, which computes rows again that do not fit, or
// DISK_ONLY; and with two or three copies MEMORY_AND_DISK_2, MEMORY_ONLY_2,
// DISK_ONLY_2 and DISK_ONLY_3. Rows that are already stored keep their level.
func (d *DataFrame) PersistAs(ctx context.Context, level string) error {
	l, ok := storageLevels[strings.ToUpper(level)]
	if !ok {
		return fmt.Errorf("persist: there is no storage level %q; the levels are MEMORY_AND_DISK, MEMORY_ONLY and DISK_ONLY, with _2 (or DISK_ONLY_3) for more copies", level)
	}
	return d.persist(ctx, l)
}

func (d *DataFrame) persist(ctx context.Context, level *pb.StorageLevel) error {
	return d.analyze(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_Persist_{
		Persist: &pb.AnalyzePlanRequest_Persist{Relation: d.relation, StorageLevel: level},
	}})
}

// Unpersist removes the rows that Persist stored. It does nothing for a
// DataFrame that is not persisted.
func (d *DataFrame) Unpersist(ctx context.Context) error {
	return d.analyze(ctx, &pb.AnalyzePlanRequest{Analyze: &pb.AnalyzePlanRequest_Unpersist_{
		Unpersist: &pb.AnalyzePlanRequest_Unpersist{Relation: d.relation},
	}})
}

func (d *DataFrame) analyze(ctx context.Context, r *pb.AnalyzePlanRequest) error {
	if d.err != nil {
		return d.err
	}
	_, err := d.session.analyze(ctx, r)
	return err
}
