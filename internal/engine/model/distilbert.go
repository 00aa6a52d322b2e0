package model

import "encoding/json"

// distilbert describes a model of the DistilBERT architecture (Sanh et al. 2019): BERT without
// types. The names of the weights in safetensors files, after "distilbert." if the model has a head,
// are
//
//	embeddings.word_embeddings.weight                          V x E
//	embeddings.position_embeddings.weight                      P x E
//	embeddings.LayerNorm.{weight,bias}                         E
//	transformer.layer.N.attention.{q,k,v,out}_lin.weight       E x E, each with a bias
//	transformer.layer.N.sa_layer_norm.weight                   E, with a bias
//	transformer.layer.N.ffn.lin1.weight                        F x E, with a bias
//	transformer.layer.N.ffn.lin2.weight                        E x F, with a bias
//	transformer.layer.N.output_layer_norm.weight               E, with a bias
//
// The classes have classifier.weight, C x E, and classifier.bias, after pre_classifier, E x E, if
// they are those of texts.
func distilbert(s *Source, m *encoder) (encoderNames, error) {
	s.config.defaults(map[string]any{
		"dim": json.Number("768"), "hidden_dim": json.Number("3072"), "n_layers": json.Number("6"),
		"n_heads": json.Number("12"), "max_position_embeddings": json.Number("512"),
	})
	err := m.readSizes(s, "dim", "hidden_dim", "n_layers", "n_heads", "max_position_embeddings")
	if err == nil {
		err = m.readActivation(s, "activation")
	}
	m.epsilon = 1e-12
	m.head = encoderHead{kind: headKind(s.Architecture), activation: relu}
	prefix := s.prefixOf("embeddings.word_embeddings.weight", "distilbert.", "")
	names := encoderNames{
		words: prefix + "embeddings.word_embeddings", positions: prefix + "embeddings.position_embeddings",
		embeddingNorm: prefix + "embeddings.LayerNorm",
		layer:         prefix + "transformer.layer.%d.",
		query:         "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
		attentionOut: "attention.out_lin", attentionNorm: "sa_layer_norm",
		in: "ffn.lin1", out: "ffn.lin2", feedForwardNorm: "output_layer_norm",
		classifier: "classifier",
		ignored:    []string{"vocab_transform.", "vocab_layer_norm.", "vocab_projector."},
	}
	if m.head.kind == SequenceLogits {
		names.dense = "pre_classifier"
	}
	return names, err
}
