package spark

import (
	"context"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Interrupt cancels all running operations of the session, and returns their
// ids.
func (s *Session) Interrupt(ctx context.Context) ([]string, error) {
	return s.interrupt(ctx, &pb.InterruptRequest{InterruptType: pb.InterruptRequest_INTERRUPT_TYPE_ALL})
}

// InterruptTag cancels the operations with a tag of AddTag, and returns their
// ids.
func (s *Session) InterruptTag(ctx context.Context, tag string) ([]string, error) {
	return s.interrupt(ctx, &pb.InterruptRequest{
		InterruptType: pb.InterruptRequest_INTERRUPT_TYPE_TAG,
		Interrupt:     &pb.InterruptRequest_OperationTag{OperationTag: tag},
	})
}

// InterruptOperation cancels one operation. Its id is in Progress.
func (s *Session) InterruptOperation(ctx context.Context, id string) ([]string, error) {
	return s.interrupt(ctx, &pb.InterruptRequest{
		InterruptType: pb.InterruptRequest_INTERRUPT_TYPE_OPERATION_ID,
		Interrupt:     &pb.InterruptRequest_OperationId{OperationId: id},
	})
}

func (s *Session) interrupt(ctx context.Context, r *pb.InterruptRequest) ([]string, error) {
	reply, err := call(ctx, s, func() (*pb.InterruptResponse, error) {
		r.SessionId = s.id
		r.ClientObservedServerSideSessionId = s.observed()
		r.UserContext = s.user()
		r.ClientType = &s.userAgent
		return s.client.Interrupt(ctx, r)
	})
	return reply.GetInterruptedIds(), err
}
