package spark

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/sqltypes"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Observation receives metrics of a DataFrame while an action runs it, without a query of its own; see Observe.
type Observation struct {
	name string
	keys []string // names of the metrics
	once sync.Once
	done chan struct{}
	row  Row
	err  error
}

// Observe returns d with metrics that Spark computes with the first action that reads all rows: aggregates, each with a
// name by Alias, such as Count(Lit(1)).Alias("rows"). The name of an observation must not be that of another one of the
// session that has no metrics yet.
func (d *DataFrame) Observe(name string, metrics ...Column) (*DataFrame, *Observation) {
	list, err := expressions("observe", metrics)
	switch {
	case name == "":
		err = errors.Join(err, errors.New("observe: the name is empty"))
	case len(metrics) == 0:
		err = errors.Join(err, errors.New("observe: no metrics are given"))
	}
	o := &Observation{name: name, done: make(chan struct{})}
	for i, e := range list {
		a := e.GetAlias()
		if a == nil || len(a.Name) != 1 {
			err = errors.Join(err, fmt.Errorf("observe: metric %d has no name; give it one by Alias", i+1))
			continue
		}
		o.keys = append(o.keys, a.Name[0])
	}
	observed := d.derive(&pb.Relation{RelType: &pb.Relation_CollectMetrics{CollectMetrics: &pb.CollectMetrics{Input: d.relation, Name: name, Metrics: list}}}, err)
	if err == nil {
		d.session.observations.Store(name, o)
	}
	return observed, o
}

// Get waits until an action has run, and returns the metrics by name.
func (o *Observation) Get(ctx context.Context) (Row, error) {
	select {
	case <-o.done:
		return o.row, o.err
	case <-ctx.Done():
		return Row{}, fmt.Errorf("observation %s: no action has read all rows: %w", o.name, context.Cause(ctx))
	}
}

// receive gives metrics of a response to their observations.
func (s *Session) receive(all []*pb.ExecutePlanResponse_ObservedMetrics) {
	for _, m := range all {
		found, ok := s.observations.LoadAndDelete(m.GetName())
		if !ok {
			continue
		}
		o := found.(*Observation)
		o.once.Do(func() {
			defer close(o.done)
			if len(o.keys) != len(m.GetValues()) {
				o.err = fmt.Errorf("observation %s: the server sent %d values of %d metrics", o.name, len(m.GetValues()), len(o.keys))
				return
			}
			o.row.names = o.keys
			for _, l := range m.GetValues() {
				v, err := valueOfLiteral(l)
				o.row.values, o.err = append(o.row.values, v), errors.Join(o.err, err)
			}
		})
	}
}

// valueOfLiteral returns the value of a literal as a Row has it.
func valueOfLiteral(l *lit) (any, error) {
	switch x := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_Null:
		return nil, nil
	case *pb.Expression_Literal_Binary:
		return x.Binary, nil
	case *pb.Expression_Literal_Boolean:
		return x.Boolean, nil
	case *pb.Expression_Literal_Byte:
		return int8(x.Byte), nil
	case *pb.Expression_Literal_Short:
		return int16(x.Short), nil
	case *pb.Expression_Literal_Integer:
		return x.Integer, nil
	case *pb.Expression_Literal_Long:
		return x.Long, nil
	case *pb.Expression_Literal_Float:
		return x.Float, nil
	case *pb.Expression_Literal_Double:
		return x.Double, nil
	case *pb.Expression_Literal_String_:
		return x.String_, nil
	case *pb.Expression_Literal_Decimal_:
		return sqltypes.ParseDecimal(x.Decimal.GetValue())
	case *pb.Expression_Literal_Date:
		return time.Unix(int64(x.Date)*24*60*60, 0).UTC(), nil
	case *pb.Expression_Literal_Timestamp:
		return time.UnixMicro(x.Timestamp).UTC(), nil
	case *pb.Expression_Literal_TimestampNtz:
		return time.UnixMicro(x.TimestampNtz).UTC(), nil
	}
	return nil, fmt.Errorf("a metric has a type that is not supported: %T", l.GetLiteralType())
}
