package worker

import (
	"fmt"
	"os"

	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/llm"
)

// keptAnswers bounds, in bytes, what is kept of an endpoint's answers, and of
// its vectors. Spark asks again for a column that is used twice, as by a
// filter, and then means the same answers, not others that are paid again.
const keptAnswers = 32 << 20

// openEndpoint opens the server that the manifest names. Nothing is sent, and
// the key is this executor's own: of its environment, or of a file on it.
func (s *sharedModel) openEndpoint() (llm.Model, error) {
	e, err := endpoint.Open(s.spec.Ref, endpoint.Options{
		RequestsPerMinute: s.spec.Endpoint.RequestsPerMinute,
		TokensPerMinute:   s.spec.Endpoint.TokensPerMinute,
		AllowHosts:        s.spec.Endpoint.AllowHosts,
		LocalOnly:         s.spec.Endpoint.LocalOnly,
		AnswerBytes:       keptAnswers,
		KeyPlace:          "in the environment or the files of every executor",
		Trouble:           func(err error) { s.log.Warn(err.Error()) },
	})
	if err != nil {
		host, _ := os.Hostname() // "" where the system keeps it to itself
		return nil, fmt.Errorf("on the executor %s: %w", host, err)
	}
	s.mu.Lock()
	s.count++
	s.mu.Unlock()
	return e, nil
}
