package head

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/llm"
)

// Model is a head as a model with the role llm.Predict.
type Model struct {
	llm.Unsupported
	head *Head
	info llm.Info
}

// Open opens the head at path. name and digest are those of its Info. Errors about the file wrap
// llm.ErrModel.
func Open(path, name, digest string) (*Model, error) {
	h, err := Read(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	return &Model{head: h, info: llm.Info{
		Name: name, Digest: digest, Engine: Version, Precision: llm.Float32, Roles: []llm.ModelRole{llm.Predict}, Architecture: "linear",
		Parameters: int64(len(h.Weights) + len(h.Bias)), Dimensions: h.Embedder.Dimensions, Labels: h.Labels, Predicts: h.Predicts, Threshold: h.Threshold,
	}}, nil
}

// Info describes the head.
func (m *Model) Info() llm.Info { return m.info }

// Description is what the head's file says.
func (m *Model) Description() Description { return m.head.Description }

// Predict applies the head to vectors. The error is an *llm.EmbedderError for the vectors of another
// embedder.
func (m *Model) Predict(ctx context.Context, embedder llm.Info, vectors [][]float32) ([]llm.Prediction, error) {
	if want := m.head.Embedder; embedder.Identified().Digest != want.Digest {
		return nil, &llm.EmbedderError{Head: m.info.Name, Want: want.Name, WantDigest: want.Digest, Have: embedder.Name, HaveDigest: embedder.Digest}
	}
	all := make([]llm.Prediction, len(vectors))
	for i, v := range vectors {
		if len(v) != m.head.Embedder.Dimensions {
			all[i].Err = fmt.Errorf("%w: the vector has %d numbers, and %s was fitted on %d", llm.ErrRequest, len(v), m.info.Name, m.head.Embedder.Dimensions)
			continue
		}
		all[i].Scores = m.head.Apply(v)
	}
	return all, ctx.Err()
}

// CountTokens returns 0: a head reads no text.
func (m *Model) CountTokens(string) int { return 0 }

// Cut returns text: a head reads none.
func (m *Model) Cut(text string, _ int) (string, bool) { return text, false }

// Close does nothing.
func (m *Model) Close() error { return nil }
