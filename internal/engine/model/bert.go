package model

import "encoding/json"

// bert describes a model of the BERT architecture (Devlin et al. 2018). The names of the weights in
// safetensors files, after "bert." if the model has a head, are
//
//	embeddings.word_embeddings.weight                        V x E
//	embeddings.position_embeddings.weight                    P x E
//	embeddings.token_type_embeddings.weight                  types x E
//	embeddings.LayerNorm.{weight,bias}                       E
//	encoder.layer.N.attention.self.{query,key,value}.weight  E x E, each with a bias
//	encoder.layer.N.attention.output.dense.weight            E x E, with a bias
//	encoder.layer.N.attention.output.LayerNorm.weight        E, with a bias
//	encoder.layer.N.intermediate.dense.weight                F x E, with a bias
//	encoder.layer.N.output.dense.weight                      E x F, with a bias
//	encoder.layer.N.output.LayerNorm.weight                  E, with a bias
//	pooler.dense.weight                                      E x E, with a bias: before the classes of texts
//
// The classes have classifier.weight, C x E, and classifier.bias.
func bert(s *Source, m *encoder) (encoderNames, error) {
	s.config.defaults(map[string]any{
		"hidden_size": json.Number("768"), "intermediate_size": json.Number("3072"), "num_hidden_layers": json.Number("12"),
		"num_attention_heads": json.Number("12"), "max_position_embeddings": json.Number("512"),
	})
	err := m.readSizes(s, "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings")
	if err == nil {
		err = m.readEpsilon(s, "layer_norm_eps", 1e-12)
	}
	if err == nil {
		err = m.readActivation(s, "hidden_act")
	}
	if err == nil {
		err = s.onlyAbsolute()
	}
	prefix := s.prefixOf("embeddings.word_embeddings.weight", "bert.", "")
	names := bertNames(prefix)
	m.head = encoderHead{kind: headKind(s.Architecture), activation: tanh}
	names.classifier = "classifier"
	if m.head.kind == SequenceLogits {
		names.dense = prefix + "pooler.dense"
	}
	names.ignored = []string{"cls.", prefix + "pooler."}
	return names, err
}

// bertNames are the names of the weights of BERT and RoBERTa.
func bertNames(prefix string) encoderNames {
	return encoderNames{
		words: prefix + "embeddings.word_embeddings", positions: prefix + "embeddings.position_embeddings",
		types: prefix + "embeddings.token_type_embeddings", embeddingNorm: prefix + "embeddings.LayerNorm",
		layer: prefix + "encoder.layer.%d.",
		query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
		attentionOut: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
		in: "intermediate.dense", out: "output.dense", feedForwardNorm: "output.LayerNorm",
	}
}

// onlyAbsolute returns an error if positions are relative, or if the model is a decoder.
func (s *Source) onlyAbsolute() error {
	kind, err := s.text(setting{config: "position_embedding_type"})
	if err == nil && kind != "" && kind != "absolute" {
		return s.wrong("position_embedding_type is %q; only absolute is supported", kind)
	}
	if err != nil {
		return err
	}
	decoder, err := s.boolean(setting{config: "is_decoder"}, false)
	if err == nil && decoder {
		return s.wrong("is_decoder is set; only encoders are supported")
	}
	return err
}
