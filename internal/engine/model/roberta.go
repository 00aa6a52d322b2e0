package model

import "encoding/json"

// roberta describes a model of the RoBERTa or XLM-RoBERTa architecture (Liu et al. 2019, Conneau et
// al. 2019): BERT whose first position is the one after the padding token. The names of the weights
// are those of bert, after "roberta." if the model has a head. The classes of texts have
// classifier.dense, E x E, and classifier.out_proj, C x E.
func roberta(s *Source, m *encoder) (encoderNames, error) {
	s.config.defaults(map[string]any{
		"hidden_size": json.Number("768"), "intermediate_size": json.Number("3072"), "num_hidden_layers": json.Number("12"),
		"num_attention_heads": json.Number("12"), "max_position_embeddings": json.Number("512"), "pad_token_id": json.Number("1"),
	})
	prefix := s.prefixOf("embeddings.word_embeddings.weight", "roberta.", "")
	names := bertNames(prefix)
	names.ignored = []string{"lm_head.", prefix + "pooler."}
	return names, m.likeRoberta(s, &names)
}

// likeRoberta reads the settings of RoBERTa and MPNet, and sets the names of their heads.
func (m *encoder) likeRoberta(s *Source, names *encoderNames) error {
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
	if err != nil {
		return err
	}
	padding, err := s.integer(setting{config: "pad_token_id"}, 0, 1<<20)
	if err != nil {
		return err
	}
	m.head = encoderHead{kind: headKind(s.Architecture), activation: tanh}
	names.classifier = "classifier"
	if m.head.kind == SequenceLogits {
		names.dense, names.classifier = "classifier.dense", "classifier.out_proj"
	}
	return m.startAt(s, padding+1)
}
