package model

import (
	"context"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/llm"
)

// loadLlama loads a model of the Llama architecture (Llama, SmolLM2, TinyLlama), which is a decoder
// without additions. With the sizes of decoder, the weights are, as outputs x inputs, in a GGUF
// file and in safetensors files:
//
//	token_embd.weight            model.embed_tokens.weight               V x E
//	blk.N.attn_norm.weight       model.layers.N.input_layernorm.weight   E
//	blk.N.attn_q.weight          ....self_attn.q_proj.weight             H*S x E
//	blk.N.attn_k.weight          ....self_attn.k_proj.weight             G*S x E
//	blk.N.attn_v.weight          ....self_attn.v_proj.weight             G*S x E
//	blk.N.attn_output.weight     ....self_attn.o_proj.weight             E x H*S
//	blk.N.ffn_norm.weight        ....post_attention_layernorm.weight     E
//	blk.N.ffn_gate.weight        ....mlp.gate_proj.weight                F x E
//	blk.N.ffn_up.weight          ....mlp.up_proj.weight                  F x E
//	blk.N.ffn_down.weight        ....mlp.down_proj.weight                E x F
//	output_norm.weight           model.norm.weight                       E
//	output.weight                lm_head.weight                          V x E; if missing, the embeddings may be used
//	rope_freqs.weight                                                    S/2; divides the frequencies; optional
//
// In GGUF files queries and keys are permuted so that the pairs of rotary positions are neighbors.
// In files of embedding models without a head the names do not begin with "model.".
func loadLlama(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Network, error) {
	m := &decoder{kernels: kernels, halves: s.GGUF == nil}
	names := s.decoderNames()
	if err := m.readSizes(s, names.embeddings); err != nil {
		return nil, err
	}
	l := newLoader(s, p, kernels)
	if err := m.readUniform(l); err != nil {
		return nil, err
	}
	m.read(l, names, additions{})
	return m, m.finish(ctx, l, threads)
}
