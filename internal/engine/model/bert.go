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
// The classes have classifier.weight, C x E, and classifier.bias. GGUF files have the names of
// llama.cpp, see ggufBert.
func bert(s *Source, m *encoder) (encoderNames, error) {
	if s.GGUF != nil {
		return ggufBert(s, m)
	}
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

// ggufBert describes a GGUF file of the architecture bert: a BERT, DistilBERT, RoBERTa or XLM-RoBERTa,
// whose first position is row 0 of the table. The names of the weights are
//
//	token_embd.weight                        V x E
//	position_embd.weight                     P x E
//	token_types.weight                       types x E, optional
//	token_embd_norm.{weight,bias}            E
//	blk.N.attn_{q,k,v,output}.{weight,bias}  E x E
//	blk.N.attn_output_norm.{weight,bias}     E
//	blk.N.ffn_up.{weight,bias}               F x E
//	blk.N.ffn_down.{weight,bias}             E x F
//	blk.N.layer_output_norm.{weight,bias}    E
//	cls.{weight,bias}                        E x E: before the classes of texts
//	cls.output.{weight,bias}                 C x E
//
// A file without cls.output has its classes in cls.
func ggufBert(s *Source, m *encoder) (encoderNames, error) {
	names := encoderNames{
		words: "token_embd", positions: "position_embd", types: "token_types", embeddingNorm: "token_embd_norm",
		layer: "blk.%d.", query: "attn_q", key: "attn_k", value: "attn_v",
		attentionOut: "attn_output", attentionNorm: "attn_output_norm",
		in: "ffn_up", out: "ffn_down", feedForwardNorm: "layer_output_norm",
	}
	m.head.activation = tanh
	s.ggufHead(m, &names)
	err := m.readSizes(s, "", "", "", "", "")
	if err == nil {
		err = m.readEpsilon(s, "", 1e-12)
	}
	return names, err
}

// ggufHead reads the kind of head of a GGUF file: the classes of texts if the file has them.
func (s *Source) ggufHead(m *encoder, names *encoderNames) {
	if _, ok := s.tensor("cls.output.weight"); ok {
		m.head.kind, names.dense, names.classifier = SequenceLogits, "cls", "cls.output"
		if _, ok := s.tensor("cls.norm.weight"); ok {
			names.denseNorm = "cls.norm"
		}
	} else if _, ok := s.tensor("cls.weight"); ok {
		m.head.kind, names.classifier = SequenceLogits, "cls"
	}
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
