package spark

import (
	"context"
	"errors"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Checkpoint runs the query, stores its rows in the server's checkpoint folder (spark.checkpoint.dir), and returns a
// DataFrame that reads them: its plan is short, and nothing is computed again. With eager, the rows are stored
// now, otherwise with the first action. Spark has it since 4.0. See ReleaseCheckpoint.
func (d *DataFrame) Checkpoint(ctx context.Context, eager bool) (*DataFrame, error) {
	return d.checkpoint(ctx, "checkpoint", &pb.CheckpointCommand{Relation: d.relation, Eager: eager})
}

// LocalCheckpoint is Checkpoint with the rows on the executors, as Persist stores them. They are lost with an executor, and
// the query then fails.
func (d *DataFrame) LocalCheckpoint(ctx context.Context, eager bool) (*DataFrame, error) {
	return d.checkpoint(ctx, "local checkpoint", &pb.CheckpointCommand{Relation: d.relation, Local: true, Eager: eager})
}

func (d *DataFrame) checkpoint(ctx context.Context, what string, c *pb.CheckpointCommand) (*DataFrame, error) {
	if d.err != nil {
		return nil, d.err
	}
	if err := d.session.since(what, 4, 0); err != nil {
		return nil, err
	}
	r := d.session.run(ctx, &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{CommandType: &pb.Command_CheckpointCommand{CheckpointCommand: c}}}})
	if err := r.drain(); err != nil {
		return nil, err
	}
	if r.checkpoint == nil {
		return nil, errors.New(what + ": the server did not say where the rows are")
	}
	return d.session.newDataFrame(&pb.Relation{RelType: &pb.Relation_CachedRemoteRelation{CachedRemoteRelation: r.checkpoint}}), nil
}

// ReleaseCheckpoint tells the server that d, which Checkpoint returned, and what is derived from it are no longer
// needed. Otherwise the server forgets it with the session.
func (d *DataFrame) ReleaseCheckpoint(ctx context.Context) error {
	c := d.relation.GetCachedRemoteRelation()
	if c == nil {
		return errors.New("release a checkpoint: the DataFrame is not what Checkpoint returned")
	}
	return d.command(ctx, &pb.Command{CommandType: &pb.Command_RemoveCachedRemoteRelationCommand{
		RemoveCachedRemoteRelationCommand: &pb.RemoveCachedRemoteRelationCommand{Relation: c},
	}})
}
