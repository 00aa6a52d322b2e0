package spark

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// OrderBy sorts; a column without Asc or Desc is ascending.
func (d *DataFrame) OrderBy(columns ...Column) *DataFrame { return d.sort(columns, true) }

// SortWithinPartitions sorts each partition for itself, as OrderBy the whole;
// no row leaves its partition.
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

// Repartition spreads the rows over n partitions, by the columns if any are
// named and evenly otherwise. With columns, n may be 0 for the server's default
// number (spark.sql.shuffle.partitions).
func (d *DataFrame) Repartition(n int, columns ...Column) *DataFrame {
	list, err := expressions("repartition", columns)
	if n < 0 || n > math.MaxInt32 || n == 0 && len(columns) == 0 {
		err = errors.Join(err, fmt.Errorf("repartition: %d is no number of partitions", n))
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

// Coalesce puts partitions together until there are at most n, without sending
// rows around as Repartition does. Spark computes what comes before in so few
// tasks, too: an AI column below Coalesce(1) is one task's work.
func (d *DataFrame) Coalesce(n int) *DataFrame {
	var err error
	if n < 1 || n > math.MaxInt32 {
		err = fmt.Errorf("coalesce: %d is no number of partitions", n)
	}
	return d.derive(&pb.Relation{RelType: &pb.Relation_Repartition{Repartition: &pb.Repartition{
		Input: d.relation, NumPartitions: int32(n), Shuffle: proto.Bool(false),
	}}}, err)
}
