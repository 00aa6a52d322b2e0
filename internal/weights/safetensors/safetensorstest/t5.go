package safetensorstest

import (
	"fmt"
	"strings"
)

// T5 describes an encoder-decoder of the T5 family, with the names of config.json, and the
// format of its weights.
type T5 struct {
	VocabSize         int
	DModel            int // width of the residual stream
	DKV               int // width of a head
	DFF               int // width inside the feed-forward layers
	NumLayers         int // of the encoder
	NumDecoderLayers  int
	NumHeads          int
	Buckets           int    // relative_attention_num_buckets
	MaxDistance       int    // relative_attention_max_distance
	FeedForwardProj   string // "relu" or "gated-gelu"
	TieWordEmbeddings bool   // the head is the embedding matrix, scaled by DModel^-0.5

	DType  string // F32 if empty; F16 and BF16 are rounded to nearest, ties to even
	Shards int    // number of files; 0 and 1 write one file without an index
}

// FlanT5Small returns Google's Flan-T5-small: 77 million parameters.
func FlanT5Small() T5 {
	return T5{
		VocabSize: 32128, DModel: 512, DKV: 64, DFF: 1024, NumLayers: 8, NumDecoderLayers: 8, NumHeads: 6,
		Buckets: 32, MaxDistance: 128, FeedForwardProj: "gated-gelu",
	}
}

// TinyFlanT5 returns a small Flan-T5 for unit tests.
func TinyFlanT5() T5 {
	return T5{
		VocabSize: 384, DModel: 48, DKV: 16, DFF: 80, NumLayers: 3, NumDecoderLayers: 2, NumHeads: 2,
		Buckets: 32, MaxDistance: 128, FeedForwardProj: "gated-gelu",
	}
}

// TinyT5 returns a small original T5 for unit tests: ReLU, and one embedding matrix for input
// and output.
func TinyT5() T5 {
	return T5{
		VocabSize: 384, DModel: 64, DKV: 16, DFF: 128, NumLayers: 2, NumDecoderLayers: 2, NumHeads: 4,
		Buckets: 32, MaxDistance: 128, FeedForwardProj: "relu", TieWordEmbeddings: true,
	}
}

// Parameters returns the number of parameters.
func (c T5) Parameters() int {
	n := 0
	for _, t := range c.tensors() {
		n += t.count()
	}
	return n
}

// config returns config.json. It omits the settings that the original T5 omits because they
// have their default values.
func (c T5) config() map[string]any {
	m := map[string]any{
		"architectures":                  []string{"T5ForConditionalGeneration"},
		"model_type":                     "t5",
		"is_encoder_decoder":             true,
		"d_model":                        c.DModel,
		"d_kv":                           c.DKV,
		"d_ff":                           c.DFF,
		"num_layers":                     c.NumLayers,
		"num_heads":                      c.NumHeads,
		"vocab_size":                     c.VocabSize,
		"relative_attention_num_buckets": c.Buckets,
		"layer_norm_epsilon":             1e-6,
		"dropout_rate":                   0,
		"decoder_start_token_id":         0,
		"pad_token_id":                   0,
		"eos_token_id":                   1,
		"n_positions":                    512,
	}
	if c.NumDecoderLayers != c.NumLayers {
		m["num_decoder_layers"] = c.NumDecoderLayers
	}
	if c.MaxDistance != 128 {
		m["relative_attention_max_distance"] = c.MaxDistance
	}
	if c.FeedForwardProj != "relu" {
		m["feed_forward_proj"] = c.FeedForwardProj
	}
	if !c.TieWordEmbeddings {
		m["tie_word_embeddings"] = false
	}
	return m
}

// gains are the gains of some matrices; see spread.
type gains struct{ query, out, across, wo float64 }

// tensors returns the tensors with their shapes N x K.
//
// The gains make greedy answers vary with the input and from step to step. With the usual
// initialization the residual stream of the decoder stays close to the last token, and the
// answer repeats itself.
func (c T5) tensors() []tensor {
	var all []tensor
	add := func(name string, k kind, shape ...int) {
		all = append(all, tensor{name: name, shape: shape, kind: k})
	}
	norm, last := kind{centre: 1, scale: .25}, kind{centre: 1, scale: .25}
	gain := gains{query: 2, out: 1, across: 2, wo: 2}
	if c.TieWordEmbeddings {
		// Random signs, so that the next token is not always the last token.
		last = kind{scale: 4}
		gain = gains{query: 4, out: 2, across: 4, wo: 1}
	}
	inner := c.NumHeads * c.DKV
	attention := func(name string, out float64) {
		// Scores are not divided by the square root of DKV, so the gain of q includes it.
		add(name+".q.weight", spread(gain.query, c.DModel*c.DKV), inner, c.DModel)
		add(name+".k.weight", spread(1, c.DModel), inner, c.DModel)
		add(name+".v.weight", spread(1, c.DModel), inner, c.DModel)
		add(name+".o.weight", spread(out, inner), c.DModel, inner)
	}
	stack := func(name string, layers int, decoder bool, final kind) {
		for n := range layers {
			layer := 0
			next := func() string { return fmt.Sprintf("%s.block.%d.layer.%d", name, n, layer) }
			attention(next()+".SelfAttention", gain.out)
			if n == 0 {
				add(next()+".SelfAttention.relative_attention_bias.weight", spread(1, 1), c.Buckets, c.NumHeads)
			}
			add(next()+".layer_norm.weight", norm, c.DModel)
			layer++
			if decoder {
				attention(next()+".EncDecAttention", gain.across)
				add(next()+".layer_norm.weight", norm, c.DModel)
				layer++
			}
			if strings.HasPrefix(c.FeedForwardProj, "gated-") {
				add(next()+".DenseReluDense.wi_0.weight", spread(1, c.DModel), c.DFF, c.DModel)
				add(next()+".DenseReluDense.wi_1.weight", spread(1, c.DModel), c.DFF, c.DModel)
			} else {
				add(next()+".DenseReluDense.wi.weight", spread(1, c.DModel), c.DFF, c.DModel)
			}
			add(next()+".DenseReluDense.wo.weight", spread(gain.wo, c.DFF), c.DModel, c.DFF)
			add(next()+".layer_norm.weight", norm, c.DModel)
		}
		add(name+".final_layer_norm.weight", final, c.DModel)
	}
	add("shared.weight", spread(1, 1), c.VocabSize, c.DModel)
	stack("encoder", c.NumLayers, false, norm)
	stack("decoder", c.NumDecoderLayers, true, last)
	if !c.TieWordEmbeddings {
		add("lm_head.weight", spread(4, c.DModel), c.VocabSize, c.DModel)
	}
	return all
}
