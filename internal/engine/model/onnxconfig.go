package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// openONNX opens an ONNX file. Its config.json is optional: settings that it lacks are inferred
// from the graph.
func openONNX(path string) (*Source, error) {
	f, err := onnx.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Source{Path: onnx.Folder(path), onnx: f}
	if err := s.configureONNX(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

func (s *Source) configureONNX() (err error) {
	name := filepath.Join(s.Path, "config.json")
	if s.config, err = readConfig(name); errors.Is(err, fs.ErrNotExist) {
		s.config = &config{path: s.onnx.Path, values: map[string]any{}}
	} else if err != nil {
		return err
	}
	if err := s.inferSettings(); err != nil {
		return err
	}
	if s.Architecture, err = s.config.architecture(); err != nil {
		return err
	}
	if !s.IsEncoder() {
		return s.wrong("an ONNX file of the architecture %q is not supported, only those of encoders such as BERT; use the .gguf or .safetensors file of the model", s.Architecture)
	}
	return nil
}

// family is an architecture of encoders by the names of its weights.
type family struct {
	name  string // without the kind of head
	layer string // format of a weight that each layer has
	// hidden, inner, blocks, heads, activation and epsilon are the names of settings in a config.json.
	hidden, inner, blocks, heads, activation, epsilon string
	in                                                string // the weight of F x E in layer 0
}

var families = []family{
	{"Bert", "encoder.layer.%d.attention.self.query.weight", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps", "encoder.layer.0.intermediate.dense.weight"},
	{"MPNet", "encoder.layer.%d.attention.attn.q.weight", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps", "encoder.layer.0.intermediate.dense.weight"},
	{"DistilBert", "transformer.layer.%d.attention.q_lin.weight", "dim", "hidden_dim", "n_layers", "n_heads", "activation", "", "transformer.layer.0.ffn.lin1.weight"},
}

// inferSettings sets the settings that the config.json lacks: the architecture by the names of the
// weights and of the outputs, sizes by shapes, and the number of heads, the activation and the
// epsilon by the graph. It infers nothing if the names are those of another architecture, or if the
// config.json has the architecture and the number of heads.
func (s *Source) inferSettings() error {
	for _, f := range families {
		prefix, ok := s.prefixOfLayers(f)
		if !ok {
			continue
		}
		if s.onnx.Graph.CountsPositions && f.name == "Bert" {
			f.name = "Roberta"
		}
		return s.infer(f, prefix)
	}
	if s.config.has("architectures") {
		return nil
	}
	return s.wrong("%s has the weights of no known architecture (%s), so it needs the config.json of the model", s.onnx.Path, knownFamilies())
}

func knownFamilies() string {
	names := []string{"Roberta"}
	for _, f := range families {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// prefixOfLayers returns the prefix of the names of the layers of a family, such as "bert.".
func (s *Source) prefixOfLayers(f family) (string, bool) {
	first := fmt.Sprintf(f.layer, 0)
	for _, t := range s.onnx.Tensors {
		if prefix, ok := strings.CutSuffix(t.Name, first); ok && (prefix == "" || strings.HasSuffix(prefix, ".")) {
			return prefix, true
		}
	}
	return "", false
}

func (s *Source) infer(f family, prefix string) error {
	values := map[string]any{"architectures": []any{f.name + s.headOfGraph()}}
	set := func(key string, n int) {
		if n > 0 && key != "" {
			values[key] = json.Number(strconv.Itoa(n))
		}
	}
	rows := func(name string) (rows, columns int) {
		if t, ok := s.onnx.Tensor(prefix + name); ok && len(t.Shape) == 2 {
			return t.Shape[0], t.Shape[1]
		}
		return 0, 0
	}
	blocks := 0
	for {
		if _, ok := s.onnx.Tensor(prefix + fmt.Sprintf(f.layer, blocks)); !ok {
			break
		}
		blocks++
	}
	set(f.blocks, blocks)
	_, hidden := rows("embeddings.word_embeddings.weight")
	set(f.hidden, hidden)
	inner, _ := rows(f.in)
	set(f.inner, inner)
	positions, _ := rows("embeddings.position_embeddings.weight")
	set("max_position_embeddings", positions)
	buckets, _ := rows("encoder.relative_attention_bias.weight")
	set("relative_attention_num_buckets", buckets)
	g := s.onnx.Graph
	set(f.heads, g.Heads)
	if g.Activation != "" {
		values[f.activation] = g.Activation
	}
	if g.Epsilon > 0 && f.epsilon != "" {
		values[f.epsilon] = json.Number(strconv.FormatFloat(g.Epsilon, 'g', -1, 64))
	}
	if labels, err := s.tagVocabulary(); err != nil {
		return err
	} else if labels != nil {
		values["id2label"] = labels
	}
	s.config.defaults(values)
	for _, key := range []string{f.heads, f.activation} {
		if !s.config.has(key) {
			return s.wrong("the graph of %s does not state the setting %s, so the file needs the config.json of the model", s.onnx.Path, key)
		}
	}
	return nil
}

// headOfGraph returns the kind of head in the name of an architecture, by the classifier and the
// dimensions of the first output: texts, tokens, classes.
func (s *Source) headOfGraph() string {
	classifier := false
	for _, t := range s.onnx.Tensors {
		classifier = classifier || strings.HasPrefix(t.Name, "classifier.")
	}
	out := s.onnx.Graph.Outputs
	switch {
	case !classifier || len(out) == 0:
		return "Model"
	case out[0].Dimensions == 2:
		return "ForSequenceClassification"
	}
	return "ForTokenClassification"
}

// tagVocabulary returns the labels in tag_vocab.json, in which taggers of the GECToR kind have them,
// by their numbers. It returns nil if the file does not exist.
func (s *Source) tagVocabulary() (map[string]any, error) {
	c, err := s.readOptional("tag_vocab.json")
	if err != nil || c == nil {
		return nil, err
	}
	tags, ok := c.values["tags"].([]any)
	if !ok {
		return nil, c.wrong("tags", "a list of labels")
	}
	labels := map[string]any{}
	for i, tag := range tags {
		labels[strconv.Itoa(i)] = tag
	}
	return labels, nil
}
