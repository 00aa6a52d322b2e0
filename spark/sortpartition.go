package spark

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// OrderBy sorts the rows. A column without Asc or Desc is ascending.
func (d *DataFrame) OrderBy(columns ...Column) *DataFrame { return d.sort(columns, true) }

// SortWithinPartitions sorts the rows of each partition, without moving rows to
// other partitions. Columns are as in OrderBy.
func (d *DataFrame) SortWithinPartitions(columns ...Column) *DataFrame { return d.sort(columns, false) }

func (d *DataFrame) sort(columns []Column, global bool) *DataFrame {
	order, err := sortOrders(columns)
	return d.derive(&pb.Relation{RelType: &pb.Relation_Sort{Sort: &pb.Sort{Input: d.relation, Order: order, IsGlobal: &global}}}, err)
}

func sortOrders(columns []Column) ([]*pb.Expression_SortOrder, error) {
	list, err := expressions("order by", columns)
	order := make([]*pb.Expression_SortOrder, len(list))
	for i, e := range list {
		if order[i] = e.GetSortOrder(); order[i] == nil {
			order[i] = columns[i].Asc().expr.GetSortOrder()
		}
	}
	return order, err
}

// Repartition distributes the rows over n partitions: by the values of columns,
// or evenly without columns. With columns, n may be 0 for the server's default
// (spark.sql.shuffle.partitions).
func (d *DataFrame) Repartition(n int, columns ...Column) *DataFrame {
	list, err := expressions("repartition", columns)
	if n < 0 || n > math.MaxInt32 || n == 0 && len(columns) == 0 {
		err = errors.Join(err, fmt.Errorf("repartition: %d is not a valid number of partitions", n))
	}
	if len(columns) > 0 {
		r := &pb.RepartitionByExpression{Input: d.relation, PartitionExprs: list}
		if n > 0 {
			r.NumPartitions = proto.Int32(int32(n))
		}
		return d.derive(&pb.Relation{RelType: &pb.Relation_RepartitionByExpression{RepartitionByExpression: r}}, err)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Repartition{Repartition: &pb.Repartition{
		Input: d.relation, NumPartitions: int32(n), Shuffle: proto.Bool(true),
	}}}, err)
}

// Coalesce merges partitions until there are at most n, without the shuffle of
// Repartition. Spark then also computes the input of Coalesce in n tasks: after
// Coalesce(1) an AI column is computed by a single task.
func (d *DataFrame) Coalesce(n int) *DataFrame {
	var err error
	if n < 1 || n > math.MaxInt32 {
		err = fmt.Errorf("coalesce: %d is not a valid number of partitions", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Repartition{Repartition: &pb.Repartition{
		Input: d.relation, NumPartitions: int32(n), Shuffle: proto.Bool(false),
	}}}, err)
}
