package spark

import (
	"errors"
	"fmt"
	"math"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Window is a window specification for Column.Over: a partition of the rows, an
// order, and a frame around the current row. Window{} is all rows. Its methods
// return a new Window and do not change it.
type Window struct {
	partition []*pb.Expression
	order     []*pb.Expression_SortOrder
	frame     *frame
	err       error
}

type (
	frame    = pb.Expression_Window_WindowFrame
	boundary = pb.Expression_Window_WindowFrame_FrameBoundary
)

// Special boundaries of frames.
const (
	UnboundedPreceding int64 = math.MinInt64 // the partition's first row
	CurrentRow         int64 = 0
	UnboundedFollowing int64 = math.MaxInt64 // the partition's last row
)

// PartitionBy returns a Window whose partitions are the rows that are equal in the
// columns.
func PartitionBy(columns ...Column) Window {
	list, err := expressions("partition by", columns)
	return Window{partition: list, err: err}
}

// OrderBy sorts each partition. A column without Asc or Desc is ascending. With an
// order, the default frame is from the first row of the partition to the current
// row, including rows that are equal to it in the order.
func (w Window) OrderBy(columns ...Column) Window {
	order, err := sortOrders(columns)
	w.order, w.err = order, errors.Join(w.err, err)
	return w
}

// RowsBetween sets a frame in numbers of rows relative to the current row, which
// is 0; rows before it are negative. A boundary may also be UnboundedPreceding or
// UnboundedFollowing.
func (w Window) RowsBetween(from, to int64) Window {
	var err error
	for _, n := range []int64{from, to} {
		if n != UnboundedPreceding && n != UnboundedFollowing && n != int64(int32(n)) {
			err = fmt.Errorf("rows between: %d is out of range", n)
		}
	}
	if from > to {
		err = errors.Join(err, fmt.Errorf("rows between: the frame ends before it starts"))
	}
	return w.between(pb.Expression_Window_WindowFrame_FRAME_TYPE_ROW, "rows between", from, to, err)
}

// RangeBetween sets a frame of the rows whose value in the column of OrderBy
// differs from the current row's by from to to. The boundaries are values as in
// Lit: numbers, a time.Duration for timestamps, an int of days for dates. 0 is
// CurrentRow, with all rows of the same value. A boundary may also be
// UnboundedPreceding or UnboundedFollowing.
func (w Window) RangeBetween(from, to any) Window {
	return w.between(pb.Expression_Window_WindowFrame_FRAME_TYPE_RANGE, "range between", from, to, nil)
}

func (w Window) between(kind pb.Expression_Window_WindowFrame_FrameType, what string, from, to any, err error) Window {
	lower, wrong1 := bound(from)
	upper, wrong2 := bound(to)
	if from == UnboundedFollowing || to == UnboundedPreceding {
		err = errors.Join(err, fmt.Errorf("%s: the frame starts at the end or ends at the start of the partition", what))
	}
	if wrong := errors.Join(wrong1, wrong2); wrong != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", what, wrong))
	}
	w.frame, w.err = &frame{FrameType: kind, Lower: lower, Upper: upper}, errors.Join(w.err, err)
	return w
}

func bound(v any) (*boundary, error) {
	switch v {
	case UnboundedPreceding, UnboundedFollowing:
		return &boundary{Boundary: &pb.Expression_Window_WindowFrame_FrameBoundary_Unbounded{Unbounded: true}}, nil
	case CurrentRow, 0:
		return &boundary{Boundary: &pb.Expression_Window_WindowFrame_FrameBoundary_CurrentRow{CurrentRow: true}}, nil
	}
	if n, ok := v.(int64); ok && n == int64(int32(n)) {
		v = int32(n) // as Spark counts rows
	}
	c := Lit(v)
	return &boundary{Boundary: &pb.Expression_Window_WindowFrame_FrameBoundary_Value{Value: c.expr}}, c.err
}

// Over computes an aggregate, or a window function such as Call("row_number"),
// over the window of each row.
func (c Column) Over(w Window) Column {
	if err := errors.Join(c.err, w.err); err != nil {
		return Column{err: err}
	}
	return Column{expr: &pb.Expression{ExprType: &pb.Expression_Window_{Window: &pb.Expression_Window{
		WindowFunction: c.expr, PartitionSpec: w.partition, OrderSpec: w.order, FrameSpec: w.frame,
	}}}}
}
