package model

import (
	"context"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/llm"
)

// loadQwen2 reads the Qwen2 architecture (Qwen2, Qwen2.5): Llama's decoder with
// biases of queries, keys and values. With the names of loadLlama, these are
//
//	blk.N.attn_{q,k,v}.bias   model.layers.N.self_attn.{q,k,v}_proj.bias   H*S, G*S, G*S
//
// Both formats hold queries and keys so that the pairs of rotary positions are
// a head's halves. GGUF files are untested with such as others write: names and
// conventions are those that llama.cpp reads.
func loadQwen2(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	return loadQwen(ctx, s, p, kernels, threads, additions{qkvBias: true})
}

// loadQwen3 reads the Qwen3 architecture without experts: Llama's decoder with
// norms of each head of queries and keys. With the names of loadLlama, these
// are
//
//	blk.N.attn_{q,k}_norm.weight   model.layers.N.self_attn.{q,k}_norm.weight   S
//
// For the rest, what loadQwen2 says holds.
func loadQwen3(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	return loadQwen(ctx, s, p, kernels, threads, additions{headNorms: true})
}

func loadQwen(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int, a additions) (Network, error) {
	m := &decoder{kernels: kernels, halves: true}
	names := s.decoderNames()
	if err := m.readSizes(s, names.embeddings); err != nil {
		return nil, err
	}
	windows, err := s.truth(setting{config: "use_sliding_window"}, false)
	if err != nil {
		return nil, err
	}
	if windows {
		return nil, s.wrong("its layers see a window of tokens (use_sliding_window), which is not supported for Qwen models")
	}
	l := newLoader(s, p, kernels)
	if err := m.simple(l); err != nil {
		return nil, err
	}
	m.read(l, names, a)
	return m, m.finish(ctx, l, threads)
}
