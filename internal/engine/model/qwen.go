package model

import (
	"context"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/llm"
)

// loadQwen2 loads a model of the Qwen2 architecture (Qwen2, Qwen2.5): Llama's decoder with biases
// of queries, keys and values. In addition to the names of loadLlama they are
//
//	blk.N.attn_{q,k,v}.bias   model.layers.N.self_attn.{q,k,v}_proj.bias   H*S, G*S, G*S
//
// In both formats the pairs of rotary positions are the halves of a head. GGUF files of other
// programs were not tested; names and conventions are those of llama.cpp.
func loadQwen2(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	return loadQwen(ctx, s, p, kernels, threads, additions{qkvBias: true})
}

// loadQwen3 loads a model of the Qwen3 architecture without experts: Llama's decoder with
// normalization of each query and key head. In addition to the names of loadLlama the norms are
//
//	blk.N.attn_{q,k}_norm.weight   model.layers.N.self_attn.{q,k}_norm.weight   S
//
// Otherwise it equals loadQwen2.
func loadQwen3(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	return loadQwen(ctx, s, p, kernels, threads, additions{headNorms: true})
}

func loadQwen(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int, a additions) (Network, error) {
	m := &decoder{kernels: kernels, halves: true}
	names := s.decoderNames()
	if err := m.readSizes(s, names.embeddings); err != nil {
		return nil, err
	}
	windows, err := s.boolean(setting{config: "use_sliding_window"}, false)
	if err != nil {
		return nil, err
	}
	if windows {
		return nil, s.wrong("use_sliding_window is not supported for Qwen models")
	}
	l := newLoader(s, p, kernels)
	if err := m.readUniform(l); err != nil {
		return nil, err
	}
	m.read(l, names, a)
	return m, m.finish(ctx, l, threads)
}
