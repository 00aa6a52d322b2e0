package spark

import (
	"context"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// CreateOrReplaceTempView creates a temporary view of the query, which SQL in
// this session can use by its name.
func (d *DataFrame) CreateOrReplaceTempView(ctx context.Context, name string) error {
	return d.view(ctx, name, false, true)
}

// CreateTempView is CreateOrReplaceTempView, but an error if there is a view of the name.
func (d *DataFrame) CreateTempView(ctx context.Context, name string) error {
	return d.view(ctx, name, false, false)
}

// CreateOrReplaceGlobalTempView creates a temporary view that all sessions of the server can use, by the name
// global_temp.NAME, as long as the server runs.
func (d *DataFrame) CreateOrReplaceGlobalTempView(ctx context.Context, name string) error {
	return d.view(ctx, name, true, true)
}

// CreateGlobalTempView is CreateOrReplaceGlobalTempView, but an error if there is a view of the name.
func (d *DataFrame) CreateGlobalTempView(ctx context.Context, name string) error {
	return d.view(ctx, name, true, false)
}

func (d *DataFrame) view(ctx context.Context, name string, global, replace bool) error {
	return d.command(ctx, &pb.Command{CommandType: &pb.Command_CreateDataframeView{CreateDataframeView: &pb.CreateDataFrameViewCommand{
		Input: d.relation, Name: name, IsGlobal: global, Replace: replace,
	}}})
}
