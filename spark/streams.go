package spark

import (
	"context"
	"fmt"
	"time"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Streams manages the streaming queries of a session.
type Streams struct{ session *Session }

// Streams returns the streaming queries of the session.
func (s *Session) Streams() Streams { return Streams{s} }

func (s Streams) command(ctx context.Context, c *pb.StreamingQueryManagerCommand) (*pb.StreamingQueryManagerCommandResult, error) {
	r := s.session.run(ctx, &pb.Plan{OpType: &pb.Plan_Command{Command: &pb.Command{
		CommandType: &pb.Command_StreamingQueryManagerCommand{StreamingQueryManagerCommand: c},
	}}})
	if err := r.drain(); err != nil {
		return nil, fmt.Errorf("streaming queries: %w", err)
	}
	return r.streams, nil
}

func (s Streams) query(i *pb.StreamingQueryManagerCommandResult_StreamingQueryInstance) *StreamingQuery {
	return &StreamingQuery{session: s.session, id: i.GetId(), name: i.GetName()}
}

// Active lists the queries that have not ended.
func (s Streams) Active(ctx context.Context) ([]*StreamingQuery, error) {
	r, err := s.command(ctx, &pb.StreamingQueryManagerCommand{Command: &pb.StreamingQueryManagerCommand_Active{Active: true}})
	if err != nil {
		return nil, err
	}
	var all []*StreamingQuery
	for _, i := range r.GetActive().GetActiveQueries() {
		all = append(all, s.query(i))
	}
	return all, nil
}

// Get returns the active query with an id, and nil if there is none.
func (s Streams) Get(ctx context.Context, id string) (*StreamingQuery, error) {
	r, err := s.command(ctx, &pb.StreamingQueryManagerCommand{Command: &pb.StreamingQueryManagerCommand_GetQuery{GetQuery: id}})
	if err != nil || r.GetQuery().GetId() == nil {
		return nil, err
	}
	return s.query(r.GetQuery()), nil
}

// AwaitAny waits until a query has ended since the session began or since ResetTerminated, for at most timeout. It reports
// whether one has, and returns the error of a query that failed.
func (s Streams) AwaitAny(ctx context.Context, timeout time.Duration) (bool, error) {
	ms := timeout.Milliseconds()
	if ms < 1 {
		return false, fmt.Errorf("streaming queries: the time to wait is %v; it must be at least a millisecond", timeout)
	}
	r, err := s.command(ctx, &pb.StreamingQueryManagerCommand{Command: &pb.StreamingQueryManagerCommand_AwaitAnyTermination{
		AwaitAnyTermination: &pb.StreamingQueryManagerCommand_AwaitAnyTerminationCommand{TimeoutMs: &ms},
	}})
	return r.GetAwaitAnyTermination().GetTerminated(), err
}

// ResetTerminated forgets the queries that have ended, for AwaitAny.
func (s Streams) ResetTerminated(ctx context.Context) error {
	_, err := s.command(ctx, &pb.StreamingQueryManagerCommand{Command: &pb.StreamingQueryManagerCommand_ResetTerminated{ResetTerminated: true}})
	return err
}
