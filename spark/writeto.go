package spark

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// DataFrameWriterV2 writes a table of the catalog: its methods say what happens to the table. They return a new
// DataFrameWriterV2 and do not change it.
type DataFrameWriterV2 struct {
	df  *DataFrame
	op  *pb.WriteOperationV2
	err error
}

// WriteTo returns a DataFrameWriterV2 for a table.
func (d *DataFrame) WriteTo(table string) DataFrameWriterV2 {
	return DataFrameWriterV2{df: d, op: &pb.WriteOperationV2{Input: d.relation, TableName: table}}
}

func (w DataFrameWriterV2) with(change func(*pb.WriteOperationV2)) DataFrameWriterV2 {
	w.op = proto.CloneOf(w.op)
	change(w.op)
	return w
}

// Using sets the format of a new table, such as parquet, delta or iceberg.
func (w DataFrameWriterV2) Using(provider string) DataFrameWriterV2 {
	return w.with(func(op *pb.WriteOperationV2) { op.Provider = &provider })
}

// Option sets an option of the write.
func (w DataFrameWriterV2) Option(key, value string) DataFrameWriterV2 {
	return w.with(func(op *pb.WriteOperationV2) { op.Options = set(op.Options, key, value) })
}

// TableProperty sets a property of a new table.
func (w DataFrameWriterV2) TableProperty(key, value string) DataFrameWriterV2 {
	return w.with(func(op *pb.WriteOperationV2) { op.TableProperties = set(op.TableProperties, key, value) })
}

// PartitionedBy partitions a new table by columns or transforms such as Call("days", Col("at")) and
// Call("bucket", 8, Col("id")).
func (w DataFrameWriterV2) PartitionedBy(columns ...Column) DataFrameWriterV2 {
	list, err := expressions("partitioned by", columns)
	w.err = errors.Join(w.err, err)
	return w.with(func(op *pb.WriteOperationV2) { op.PartitioningColumns = list })
}

// ClusterBy clusters a new table by columns, since Spark 4.0.
func (w DataFrameWriterV2) ClusterBy(columns ...string) DataFrameWriterV2 {
	w.err = errors.Join(w.err, w.df.session.since("cluster by", 4, 0))
	return w.with(func(op *pb.WriteOperationV2) { op.ClusteringColumns = columns })
}

// Create creates the table; it must not exist.
func (w DataFrameWriterV2) Create(ctx context.Context) error {
	return w.write(ctx, pb.WriteOperationV2_MODE_CREATE, nil)
}

// Replace replaces the table, with its schema; it must exist.
func (w DataFrameWriterV2) Replace(ctx context.Context) error {
	return w.write(ctx, pb.WriteOperationV2_MODE_REPLACE, nil)
}

// CreateOrReplace creates or replaces the table.
func (w DataFrameWriterV2) CreateOrReplace(ctx context.Context) error {
	return w.write(ctx, pb.WriteOperationV2_MODE_CREATE_OR_REPLACE, nil)
}

// Append appends rows to the table. Columns are matched by name.
func (w DataFrameWriterV2) Append(ctx context.Context) error {
	return w.write(ctx, pb.WriteOperationV2_MODE_APPEND, nil)
}

// Overwrite replaces the rows of the table for which condition is true.
func (w DataFrameWriterV2) Overwrite(ctx context.Context, condition Column) error {
	list, err := expressions("overwrite", []Column{condition})
	if err != nil {
		return err
	}
	return w.write(ctx, pb.WriteOperationV2_MODE_OVERWRITE, list[0])
}

// OverwritePartitions replaces the partitions of the table that the rows have.
func (w DataFrameWriterV2) OverwritePartitions(ctx context.Context) error {
	return w.write(ctx, pb.WriteOperationV2_MODE_OVERWRITE_PARTITIONS, nil)
}

func (w DataFrameWriterV2) write(ctx context.Context, mode pb.WriteOperationV2_Mode, condition *pb.Expression) error {
	if w.err != nil {
		return w.err
	}
	op := w.with(func(op *pb.WriteOperationV2) { op.Mode, op.OverwriteCondition = mode, condition }).op
	return w.df.command(ctx, &pb.Command{CommandType: &pb.Command_WriteOperationV2{WriteOperationV2: op}})
}

// MergeIntoWriter merges rows into a table, as MERGE INTO of SQL. Its methods return a new MergeIntoWriter and do
// not change it. Actions of a kind are tried in their order.
type MergeIntoWriter struct {
	df  *DataFrame
	op  *pb.MergeIntoTableCommand
	err error
}

// MergeInto returns a MergeIntoWriter that merges the rows of d into a table where condition matches a row of each, such
// as Expr("source.id = target.id") with d.Alias("source") and a table of the name target. Spark has it since 4.0; the table
// must be of a format that can be merged into, such as Delta or Iceberg.
func (d *DataFrame) MergeInto(table string, condition Column) MergeIntoWriter {
	list, err := expressions("merge into", []Column{condition})
	op := &pb.MergeIntoTableCommand{TargetTableName: table, SourceTablePlan: d.relation}
	if err == nil {
		op.MergeCondition = list[0]
	}
	return MergeIntoWriter{d, op, errors.Join(err, d.session.since("merge into", 4, 0))}
}

func (w MergeIntoWriter) with(change func(*pb.MergeIntoTableCommand)) MergeIntoWriter {
	w.op = proto.CloneOf(w.op)
	change(w.op)
	return w
}

// WithSchemaEvolution adds columns of the rows that the table does not have.
func (w MergeIntoWriter) WithSchemaEvolution() MergeIntoWriter {
	return w.with(func(op *pb.MergeIntoTableCommand) { op.WithSchemaEvolution = true })
}

// Merge runs the statement.
func (w MergeIntoWriter) Merge(ctx context.Context) error {
	if w.err == nil && len(w.op.MatchActions)+len(w.op.NotMatchedActions)+len(w.op.NotMatchedBySourceActions) == 0 {
		w.err = errors.New("merge into: no action is given; see WhenMatched and WhenNotMatched")
	}
	if w.err != nil {
		return w.err
	}
	return w.df.command(ctx, &pb.Command{CommandType: &pb.Command_MergeIntoTableCommand{MergeIntoTableCommand: w.op}})
}

// Merge actions by the rows that they are for.
const (
	matched = iota
	notMatched
	notMatchedBySource
)

// MergeAction chooses what happens to rows.
type MergeAction struct {
	writer     MergeIntoWriter
	rows       int
	conditions []Column
}

// WhenMatched is about rows of the table that match a row of d, and for which the conditions, if any, are true: UpdateAll, Update or
// Delete.
func (w MergeIntoWriter) WhenMatched(conditions ...Column) MergeAction {
	return MergeAction{w, matched, conditions}
}

// WhenNotMatched is about rows of d that match no row of the table: InsertAll or Insert.
func (w MergeIntoWriter) WhenNotMatched(conditions ...Column) MergeAction {
	return MergeAction{w, notMatched, conditions}
}

// WhenNotMatchedBySource is about rows of the table that match no row of d: Update or Delete.
func (w MergeIntoWriter) WhenNotMatchedBySource(conditions ...Column) MergeAction {
	return MergeAction{w, notMatchedBySource, conditions}
}

// UpdateAll sets all columns to those of the row of d.
func (a MergeAction) UpdateAll() MergeIntoWriter {
	return a.add("UpdateAll", pb.MergeAction_ACTION_TYPE_UPDATE_STAR, nil, matched)
}

// Update sets columns, by name.
func (a MergeAction) Update(values map[string]Column) MergeIntoWriter {
	return a.add("Update", pb.MergeAction_ACTION_TYPE_UPDATE, values, matched, notMatchedBySource)
}

// Delete removes the rows.
func (a MergeAction) Delete() MergeIntoWriter {
	return a.add("Delete", pb.MergeAction_ACTION_TYPE_DELETE, nil, matched, notMatchedBySource)
}

// InsertAll inserts the rows with all columns.
func (a MergeAction) InsertAll() MergeIntoWriter {
	return a.add("InsertAll", pb.MergeAction_ACTION_TYPE_INSERT_STAR, nil, notMatched)
}

// Insert inserts rows with these columns, by name.
func (a MergeAction) Insert(values map[string]Column) MergeIntoWriter {
	return a.add("Insert", pb.MergeAction_ACTION_TYPE_INSERT, values, notMatched)
}

func (a MergeAction) add(what string, kind pb.MergeAction_ActionType, values map[string]Column, rows ...int) MergeIntoWriter {
	w := a.writer
	fail := func(err error) MergeIntoWriter {
		w.err = errors.Join(w.err, fmt.Errorf("merge into: %s: %w", what, err))
		return w
	}
	if !slices.Contains(rows, a.rows) {
		return fail(errors.New("it is not for these rows"))
	}
	action := &pb.MergeAction{ActionType: kind}
	if len(a.conditions) > 0 {
		all := a.conditions[0]
		for _, c := range a.conditions[1:] {
			all = all.And(c)
		}
		list, err := expressions("condition", []Column{all})
		if err != nil {
			return fail(err)
		}
		action.Condition = list[0]
	}
	if values != nil && len(values) == 0 {
		return fail(errors.New("no columns are given"))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list, err := expressions("column "+name, []Column{Col(name), values[name]})
		if err != nil {
			return fail(err)
		}
		action.Assignments = append(action.Assignments, &pb.MergeAction_Assignment{Key: list[0], Value: list[1]})
	}
	e := &pb.Expression{ExprType: &pb.Expression_MergeAction{MergeAction: action}}
	return w.with(func(op *pb.MergeIntoTableCommand) {
		switch a.rows {
		case matched:
			op.MatchActions = append(op.MatchActions, e)
		case notMatched:
			op.NotMatchedActions = append(op.NotMatchedActions, e)
		default:
			op.NotMatchedBySourceActions = append(op.NotMatchedBySourceActions, e)
		}
	})
}
