package worker

import (
	"context"
	"fmt"
	"os"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// keptAnswers bounds, in bytes, the answers of an endpoint that are kept, and
// its vectors. Spark computes a column again if a query uses it twice, for
// example in a filter. The second time it must get the same answers, and must
// not pay for new ones.
const keptAnswers = 32 << 20

// openEndpoint opens the server that the manifest names. It sends nothing. The
// key comes from the executor's environment, or from a file on the executor.
func (s *sharedModel) openEndpoint(ctx context.Context) (llm.Model, error) {
	host, _ := os.Hostname() // "" if the system does not return it
	r, err := models.Parse(s.spec.Ref)
	if err != nil {
		return nil, fmt.Errorf("on the executor %s: %w", host, err)
	}
	m, err := models.Open(ctx, r, models.Options{Server: models.ServerOptions{
		RequestsPerMinute: s.spec.Endpoint.RequestsPerMinute,
		TokensPerMinute:   s.spec.Endpoint.TokensPerMinute,
		AllowHosts:        s.spec.Endpoint.AllowHosts,
		LocalOnly:         s.spec.Endpoint.LocalOnly,
		AnswerBytes:       keptAnswers,
		KeyPlace:          "in the environment or the files of every executor",
		Retrying:          func(err error) { s.log.Warn(err.Error()) },
	}})
	if err != nil {
		return nil, fmt.Errorf("on the executor %s: %w", host, err)
	}
	s.mu.Lock()
	s.count++
	s.mu.Unlock()
	return m, nil
}
