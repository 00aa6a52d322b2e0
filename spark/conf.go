package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Conf is the session's settings.
type Conf struct{ session *Session }

// Conf gives the session's settings.
func (s *Session) Conf() Conf { return Conf{s} }

func (c Conf) request(ctx context.Context, op *pb.ConfigRequest_Operation) ([]*pb.KeyValue, error) {
	s := c.session
	r, err := call(ctx, s, func() (*pb.ConfigResponse, error) {
		return s.client.Config(ctx, s.configRequest(op))
	})
	return r.GetPairs(), err
}

func (s *Session) configRequest(op *pb.ConfigRequest_Operation) *pb.ConfigRequest {
	return &pb.ConfigRequest{
		SessionId:                         s.id,
		ClientObservedServerSideSessionId: s.observed(),
		UserContext:                       s.user(),
		Operation:                         op,
		ClientType:                        &s.userAgent,
	}
}

// valuesOf asks for settings that need not have a value.
func valuesOf(keys ...string) *pb.ConfigRequest_Operation {
	return &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetOption{
		GetOption: &pb.ConfigRequest_GetOption{Keys: keys},
	}}
}

// Set sets one setting, for this session only. That of the program which runs
// the session's functions cannot be set where the session has shipped one.
func (c Conf) Set(ctx context.Context, key, value string) error {
	if err := c.free(key); err != nil {
		return err
	}
	return c.set(ctx, key, value)
}

// free reports that a setting is not for users.
func (c Conf) free(key string) error {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	if key == pythonKey && c.session.worker != "" {
		return fmt.Errorf("the setting %s has to stay %s: it is how Spark finds this session's functions", key, c.session.worker)
	}
	return nil
}

func (c Conf) set(ctx context.Context, key, value string) error {
	_, err := c.request(ctx, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Set{
		Set: &pb.ConfigRequest_Set{Pairs: []*pb.KeyValue{{Key: key, Value: &value}}},
	}})
	return err
}

// Get gives a setting's value or its default; it reports false if it has
// neither.
func (c Conf) Get(ctx context.Context, key string) (string, bool, error) {
	m, err := c.get(ctx, key)
	value, ok := m[key]
	return value, ok, err
}

// get gives those of the settings that have a value.
func (c Conf) get(ctx context.Context, keys ...string) (map[string]string, error) {
	pairs, err := c.request(ctx, valuesOf(keys...))
	return valued(pairs), err
}

// Unset gives a setting its default again.
func (c Conf) Unset(ctx context.Context, key string) error {
	if err := c.free(key); err != nil {
		return err
	}
	_, err := c.request(ctx, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Unset{
		Unset: &pb.ConfigRequest_Unset{Keys: []string{key}},
	}})
	return err
}

// All gives the settings that have been set, whether on the server or here.
func (c Conf) All(ctx context.Context) (map[string]string, error) {
	pairs, err := c.request(ctx, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetAll{
		GetAll: &pb.ConfigRequest_GetAll{},
	}})
	return valued(pairs), err
}

func valued(pairs []*pb.KeyValue) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if p.Value != nil {
			m[p.Key] = *p.Value
		}
	}
	return m
}
