package spark

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/spark/internal/pb"
)

// Conf gives access to the session's settings.
type Conf struct{ session *Session }

// Conf returns the session's settings.
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

// getOption requests settings that may have no value.
func getOption(keys ...string) *pb.ConfigRequest_Operation {
	return &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetOption{
		GetOption: &pb.ConfigRequest_GetOption{Keys: keys},
	}}
}

// Set sets a setting of this session. It returns an error for
// spark.sql.execution.pyspark.python if the session has shipped a worker.
func (c Conf) Set(ctx context.Context, key, value string) error {
	if err := c.checkWritable(key); err != nil {
		return err
	}
	return c.set(ctx, key, value)
}

// checkWritable returns an error for a setting that the session's functions
// need.
func (c Conf) checkWritable(key string) error {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	if key == pythonKey && c.session.worker != "" {
		return fmt.Errorf("the setting %s must remain %s: Spark finds this session's functions by it", key, c.session.worker)
	}
	return nil
}

func (c Conf) set(ctx context.Context, key, value string) error {
	_, err := c.request(ctx, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Set{
		Set: &pb.ConfigRequest_Set{Pairs: []*pb.KeyValue{{Key: key, Value: &value}}},
	}})
	return err
}

// Get returns a setting's value or default, and reports whether it has one.
func (c Conf) Get(ctx context.Context, key string) (string, bool, error) {
	m, err := c.get(ctx, key)
	value, ok := m[key]
	return value, ok, err
}

// get returns the settings that have a value.
func (c Conf) get(ctx context.Context, keys ...string) (map[string]string, error) {
	pairs, err := c.request(ctx, getOption(keys...))
	return settingsMap(pairs), err
}

// Unset resets a setting to its default.
func (c Conf) Unset(ctx context.Context, key string) error {
	if err := c.checkWritable(key); err != nil {
		return err
	}
	_, err := c.request(ctx, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Unset{
		Unset: &pb.ConfigRequest_Unset{Keys: []string{key}},
	}})
	return err
}

// All returns all settings that are set for the server or for the session.
func (c Conf) All(ctx context.Context) (map[string]string, error) {
	pairs, err := c.request(ctx, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetAll{
		GetAll: &pb.ConfigRequest_GetAll{},
	}})
	return settingsMap(pairs), err
}

func settingsMap(pairs []*pb.KeyValue) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if p.Value != nil {
			m[p.Key] = *p.Value
		}
	}
	return m
}
