package cli

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/downsample"
	"github.com/firesteel/firesteel/llm"
)

// latencies records how long a model takes for each batch of requests.
type latencies struct {
	begun time.Time

	mu    sync.Mutex
	calls downsample.Series[latency]
}

type latency struct{ at, took time.Duration }

const maxLatencies = 1 << 14

func (l *latencies) begin() { l.begun, l.calls.Most = time.Now(), maxLatencies }

// timed wraps a model so that l records its latency.
func (l *latencies) timed(m llm.Model) llm.Model { return timedModel{m, l} }

func (l *latencies) note(begun time.Time) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls.Add(latency{now.Sub(l.begun), now.Sub(begun)})
}

type timedModel struct {
	llm.Model
	l *latencies
}

func (m timedModel) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	defer m.l.note(time.Now())
	return m.Model.Do(ctx, requests)
}

func (m timedModel) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	defer m.l.note(time.Now())
	return m.Model.Embed(ctx, requests)
}

func (m timedModel) Tag(ctx context.Context, texts []string) ([]llm.Tagging, error) {
	defer m.l.note(time.Now())
	return m.Model.Tag(ctx, texts)
}

func (m timedModel) Rank(ctx context.Context, pairs []llm.Pair) ([]llm.Ranking, error) {
	defer m.l.note(time.Now())
	return m.Model.Rank(ctx, pairs)
}

// quantiles divides the time into at most n intervals with equal numbers of
// batches, and returns the end, the median and the 95 % quantile of each.
func (l *latencies) quantiles(n int) (ends []time.Duration, median, high []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := slices.Clone(l.calls.Kept())
	slices.SortFunc(kept, func(a, b latency) int { return int(a.at - b.at) })
	for k := range min(n, len(kept)) {
		part := kept[k*len(kept)/min(n, len(kept)) : (k+1)*len(kept)/min(n, len(kept))]
		took := make([]time.Duration, len(part))
		for i, p := range part {
			took[i] = p.took
		}
		slices.Sort(took)
		ends = append(ends, part[len(part)-1].at)
		median, high = append(median, took[len(took)/2]), append(high, took[min(len(took)-1, len(took)*95/100)])
	}
	return ends, median, high
}
