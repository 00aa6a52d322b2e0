package model

import "encoding/json"

// mpnet describes a model of the MPNet architecture (Song et al. 2020): RoBERTa without types, with
// the relative attention bias of T5 in all layers. The names of the weights in safetensors files,
// after "mpnet." if the model has a head, are
//
//	embeddings.word_embeddings.weight                  V x E
//	embeddings.position_embeddings.weight              P x E
//	embeddings.LayerNorm.{weight,bias}                 E
//	encoder.relative_attention_bias.weight             buckets x H
//	encoder.layer.N.attention.attn.{q,k,v,o}.weight    E x E, each with a bias
//	encoder.layer.N.attention.LayerNorm.weight         E, with a bias
//	encoder.layer.N.intermediate.dense.weight          F x E, with a bias
//	encoder.layer.N.output.dense.weight                E x F, with a bias
//	encoder.layer.N.output.LayerNorm.weight            E, with a bias
//
// The heads are those of roberta.
func mpnet(s *Source, m *encoder) (encoderNames, error) {
	s.config.defaults(map[string]any{
		"hidden_size": json.Number("768"), "intermediate_size": json.Number("3072"), "num_hidden_layers": json.Number("12"),
		"num_attention_heads": json.Number("12"), "max_position_embeddings": json.Number("512"), "pad_token_id": json.Number("1"),
		"relative_attention_num_buckets": json.Number("32"),
	})
	prefix := s.prefixOf("embeddings.word_embeddings.weight", "mpnet.", "")
	names := encoderNames{
		words: prefix + "embeddings.word_embeddings", positions: prefix + "embeddings.position_embeddings",
		embeddingNorm: prefix + "embeddings.LayerNorm",
		relative:      prefix + "encoder.relative_attention_bias",
		layer:         prefix + "encoder.layer.%d.",
		query:         "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v",
		attentionOut: "attention.attn.o", attentionNorm: "attention.LayerNorm",
		in: "intermediate.dense", out: "output.dense", feedForwardNorm: "output.LayerNorm",
		ignored: []string{"lm_head.", prefix + "pooler."},
	}
	if err := m.likeRoberta(s, &names); err != nil {
		return names, err
	}
	var err error
	if m.buckets, err = s.integer(setting{config: "relative_attention_num_buckets"}, 4, 128); err == nil && m.buckets%4 != 0 {
		err = s.wrong("%d relative attention buckets are not supported", m.buckets)
	}
	return names, err
}
