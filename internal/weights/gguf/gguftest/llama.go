package gguftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// ChatML is the chat template of SmolLM2 with a shorter system message.
const ChatML = `{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are a test<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}`

// Sizes that all networks share.
const (
	LlamaContext = 256
	llamaLayers  = 2
	llamaHeads   = 4
	llamaGroups  = 2
)

type llamaSizes struct{ embedding, inner, head int }

// Tokens returns a small byte-level vocabulary and the token types: three control tokens, all
// bytes, and the results of Merges.
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

// Merges returns the merges of the vocabulary.
func Merges() []string {
	return []string{"n o", "no t", "Ġ s", "p o", "po s", "n e", "ne g", "Ġ t", "h e", "Ġt he", "u r", "Ġs ur", "Ġsur e"}
}

// Llama returns a small network with random weights. It has all tensors of the architecture,
// some quantized and some not.
func Llama(seed uint64) *Builder {
	r := rand.New(rand.NewPCG(seed, 1))
	return llama(llamaSizes{32, 48, 16}, r, func(b *Builder, name string, k, n int) {
		if strings.Contains(name, "attn_v") || strings.Contains(name, "ffn_down") {
			b.F32(name, []int{k, n}, normal(r, 0, .3, k*n))
			return
		}
		var data []byte
		for range k * n / 32 {
			data = append(data, 0, 0x1c) // 2^-8
			for range 32 {
				data = append(data, byte(int8(max(-127, min(127, r.NormFloat64()*70)))))
			}
		}
		b.Tensor(name, 8, []int{k, n}, data)
	})
}

// WideLlama returns a network whose matrices have rows of 256 numbers, the block size of the
// K types. It calls matrix to add each matrix of k inputs and n outputs.
func WideLlama(seed uint64, matrix func(b *Builder, name string, k, n int)) *Builder {
	return llama(llamaSizes{256, 256, 64}, rand.New(rand.NewPCG(seed, 2)), matrix)
}

func normal(r *rand.Rand, mean, spread float64, count int) []float32 {
	v := make([]float32, count)
	for i := range v {
		v[i] = float32(mean + spread*r.NormFloat64())
	}
	return v
}

func llama(size llamaSizes, r *rand.Rand, matrix func(b *Builder, name string, k, n int)) *Builder {
	b := New()
	tokens, types := Tokens()
	b.Set("general.architecture", "llama").Set("general.name", "tiny").
		Set("llama.block_count", uint32(llamaLayers)).
		Set("llama.context_length", uint32(LlamaContext)).
		Set("llama.embedding_length", uint32(size.embedding)).
		Set("llama.feed_forward_length", uint32(size.inner)).
		Set("llama.attention.head_count", uint32(llamaHeads)).
		Set("llama.attention.head_count_kv", uint32(llamaGroups)).
		Set("llama.attention.key_length", uint32(size.head)).
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
	norm := func(name string) { b.F32(name, []int{size.embedding}, normal(r, 1, .1, size.embedding)) }
	matrix(b, "token_embd.weight", size.embedding, len(tokens))
	norm("output_norm.weight")
	for i := range llamaLayers {
		p := fmt.Sprintf("blk.%d.", i)
		norm(p + "attn_norm.weight")
		matrix(b, p+"attn_q.weight", size.embedding, llamaHeads*size.head)
		matrix(b, p+"attn_k.weight", size.embedding, llamaGroups*size.head)
		matrix(b, p+"attn_v.weight", size.embedding, llamaGroups*size.head)
		matrix(b, p+"attn_output.weight", llamaHeads*size.head, size.embedding)
		norm(p + "ffn_norm.weight")
		matrix(b, p+"ffn_gate.weight", size.embedding, size.inner)
		matrix(b, p+"ffn_up.weight", size.embedding, size.inner)
		matrix(b, p+"ffn_down.weight", size.inner, size.embedding)
	}
	return b
}
