package gguftest

import (
	"fmt"
	"math/rand/v2"
)

// ChatML is SmolLM2's chat template, with a shorter system's turn.
const ChatML = `{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are a test<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}`

// The sizes of Llama's network.
const (
	LlamaContext = 256
	llamaLayers  = 2
	llamaSize    = 32
	llamaInner   = 48
	llamaHeads   = 4
	llamaGroups  = 2
	llamaHead    = 16
)

// Tokens is a small byte-level vocabulary: three control tokens, all bytes, and
// what Merges make of them.
func Tokens() (tokens []string, types []int32) {
	tokens = []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
	types = []int32{3, 3, 3}
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if !('!' <= b && b <= '~' || 0xa1 <= b && b != 0xad) {
			r = next
			next++
		}
		tokens = append(tokens, string(r))
		types = append(types, 1)
	}
	for _, m := range Merges() {
		var left, right string
		fmt.Sscan(m, &left, &right)
		tokens = append(tokens, left+right)
		types = append(types, 1)
	}
	return tokens, types
}

// Merges of the vocabulary.
func Merges() []string {
	return []string{"n o", "no t", "Ġ s", "p o", "po s", "n e", "ne g", "Ġ t", "h e", "Ġt he", "u r", "Ġs ur", "Ġsur e"}
}

// Llama makes a network of random weights that is small but has all the parts,
// with quantised and plain tensors.
func Llama(seed uint64) *Builder {
	b := New()
	tokens, types := Tokens()
	b.Set("general.architecture", "llama").Set("general.name", "tiny").
		Set("llama.block_count", uint32(llamaLayers)).
		Set("llama.context_length", uint32(LlamaContext)).
		Set("llama.embedding_length", uint32(llamaSize)).
		Set("llama.feed_forward_length", uint32(llamaInner)).
		Set("llama.attention.head_count", uint32(llamaHeads)).
		Set("llama.attention.head_count_kv", uint32(llamaGroups)).
		Set("llama.attention.key_length", uint32(llamaHead)).
		Set("llama.rope.freq_base", float32(10000)).
		Set("llama.attention.layer_norm_rms_epsilon", float32(1e-5)).
		Set("tokenizer.ggml.model", "gpt2").
		Set("tokenizer.ggml.pre", "smollm").
		Set("tokenizer.ggml.tokens", tokens).
		Set("tokenizer.ggml.token_type", types).
		Set("tokenizer.ggml.merges", Merges()).
		Set("tokenizer.ggml.bos_token_id", uint32(1)).
		Set("tokenizer.ggml.eos_token_id", uint32(2)).
		Set("tokenizer.chat_template", ChatML)
	r := rand.New(rand.NewPCG(seed, 1))
	q8 := func(name string, k, n int) {
		var data []byte
		for range k * n / 32 {
			data = append(data, 0, 0x1c) // 2^-8
			for range 32 {
				data = append(data, byte(int8(max(-127, min(127, r.NormFloat64()*70)))))
			}
		}
		b.Tensor(name, 8, []int{k, n}, data)
	}
	plain := func(name string, mean, spread float64, shape ...int) {
		count := 1
		for _, d := range shape {
			count *= d
		}
		v := make([]float32, count)
		for i := range v {
			v[i] = float32(mean + spread*r.NormFloat64())
		}
		b.F32(name, shape, v)
	}
	q8("token_embd.weight", llamaSize, len(tokens))
	plain("output_norm.weight", 1, .1, llamaSize)
	for i := range llamaLayers {
		p := fmt.Sprintf("blk.%d.", i)
		plain(p+"attn_norm.weight", 1, .1, llamaSize)
		q8(p+"attn_q.weight", llamaSize, llamaHeads*llamaHead)
		q8(p+"attn_k.weight", llamaSize, llamaGroups*llamaHead)
		plain(p+"attn_v.weight", 0, .3, llamaSize, llamaGroups*llamaHead)
		q8(p+"attn_output.weight", llamaHeads*llamaHead, llamaSize)
		plain(p+"ffn_norm.weight", 1, .1, llamaSize)
		q8(p+"ffn_gate.weight", llamaSize, llamaInner)
		q8(p+"ffn_up.weight", llamaSize, llamaInner)
		plain(p+"ffn_down.weight", 0, .3, llamaInner, llamaSize)
	}
	return b
}
