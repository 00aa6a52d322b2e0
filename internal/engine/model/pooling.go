package model

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Pooling is the function from the hidden states of a text to its embedding.
type Pooling string

const (
	Mean     Pooling = "mean"
	Weighted Pooling = "weightedmean" // the mean with the weights 1, 2, ... by position
	Max      Pooling = "max"          // the maximum of each number
	First    Pooling = "cls"          // the state of the first token
	Last     Pooling = "lasttoken"    // the state of the last token
)

// ParsePooling returns the pooling of a name.
func ParsePooling(name string) (Pooling, error) {
	switch p := Pooling(name); p {
	case Mean, Weighted, Max, First, Last:
		return p, nil
	}
	return "", fmt.Errorf("the pooling %q is unknown; the names are mean, weightedmean, max, cls and lasttoken", name)
}

// EmbeddingSettings are the settings of a model for embeddings.
type EmbeddingSettings struct {
	Pooling Pooling
	// Tokens limits the number of tokens of a text, including prefix and suffix. 0 means the
	// context.
	Tokens int
	// Prompt is added before each text. Prompts replaces it by the name of a prompt.
	Prompt  string
	Prompts map[string]string
	// Dense are layers between pooling and normalization.
	Dense []*Dense
	// Declared reports that the files have settings for embeddings.
	Declared bool
}

// PromptOf returns the prompt of a name. An empty name is that of the default.
func (v EmbeddingSettings) PromptOf(name string) string {
	if name == "" {
		return v.Prompt
	}
	return v.Prompts[name]
}

// Dimensions returns the length of a vector of a network with hidden states of a size.
func (v EmbeddingSettings) Dimensions(size int) int {
	if n := len(v.Dense); n > 0 {
		return v.Dense[n-1].out
	}
	return size
}

// EmbeddingSettings reads the settings for embeddings: pooling_type of a GGUF file, or the files
// that Python's sentence-transformers writes to a folder. The default is the mean. Settings that
// are not supported are an error.
func (s *Source) EmbeddingSettings() (EmbeddingSettings, error) {
	if s.GGUF != nil {
		return s.ggufEmbeddingSettings()
	}
	v := EmbeddingSettings{Pooling: Mean}
	modules, err := s.embeddingModules()
	if err != nil {
		return v, err
	}
	c, err := s.readOptional(filepath.Join(modules.pooling, "config.json"))
	if err != nil {
		return v, err
	}
	if c != nil {
		v.Declared = true
		if v.Pooling, err = c.pooling(len(modules.dense) == 0); err != nil {
			return v, err
		}
	}
	for _, folder := range modules.dense {
		d, err := s.dense(folder)
		if err != nil {
			return v, err
		}
		if n := len(v.Dense); n > 0 && v.Dense[n-1].out != d.in {
			return v, s.wrong("the module %s has %d inputs, but the module before it has %d outputs", folder, d.in, v.Dense[n-1].out)
		}
		v.Dense = append(v.Dense, d)
	}
	if v.Tokens, err = s.TextTokens(); err != nil {
		return v, err
	}
	if err := s.readPrompts(&v); err != nil {
		return v, err
	}
	if c != nil && len(v.Prompts) > 0 && c.has("include_prompt") {
		if include, err := c.boolean("include_prompt"); err != nil || !include {
			return v, c.wrong("include_prompt", "true; pooling without the tokens of the prompt is not supported")
		}
	}
	return v, nil
}

func (s *Source) ggufEmbeddingSettings() (EmbeddingSettings, error) {
	v := EmbeddingSettings{Pooling: Mean}
	k := setting{gguf: "pooling_type"}
	if !s.has(k) {
		return v, nil
	}
	n, err := s.integer(k, 0, 1<<16)
	v.Declared = n > 0 // 0: not specified
	switch n {
	case 0, 1:
	case 2:
		v.Pooling = First
	case 3:
		v.Pooling = Last
	case 4:
		return v, s.wrong("the model ranks texts (pooling_type 4) and has no embeddings")
	default:
		return v, s.wrong("pooling_type %d is not supported; the supported types are 0 to 3", n)
	}
	if err != nil {
		return v, err
	}
	for _, name := range []string{"dense_2.weight", "dense_3.weight"} {
		t, ok := s.tensor(name)
		if !ok {
			continue
		}
		if len(t.shape) != 2 || t.shape[0] > maxDense || t.shape[1] > maxDense {
			return v, t.errorf("the shape is %v, expected outputs by inputs of at most %d each", t.shape, maxDense)
		}
		d := &Dense{in: t.shape[1], out: t.shape[0], weight: make([]float32, t.shape[0]*t.shape[1])}
		if err := t.read(d.weight, 0, d.out); err != nil {
			return v, err
		}
		v.Dense = append(v.Dense, d)
	}
	return v, nil
}

// readPrompts reads the prompts of an embedding model.
func (s *Source) readPrompts(v *EmbeddingSettings) error {
	c, err := s.readOptional("config_sentence_transformers.json")
	if err != nil || c == nil || !c.has("prompts") {
		return err
	}
	prompts, err := c.object("prompts")
	if err != nil {
		return err
	}
	v.Prompts = map[string]string{}
	for name := range prompts.values {
		if v.Prompts[name], err = prompts.text(name); err != nil {
			return err
		}
	}
	if !c.has("default_prompt_name") {
		return nil
	}
	name, err := c.text("default_prompt_name")
	if err != nil {
		return err
	}
	prompt, ok := v.Prompts[name]
	if !ok {
		return c.wrong("default_prompt_name", "one of the prompts")
	}
	v.Prompt = prompt
	return nil
}

// TextTokens returns the maximum number of tokens of a text, with special tokens, from the settings
// for embeddings or from those of the tokenizer. 0 means the context.
func (s *Source) TextTokens() (int, error) {
	if s.GGUF != nil {
		return 0, nil
	}
	c, err := s.readOptional("sentence_bert_config.json")
	if err != nil {
		return 0, err
	}
	if c != nil {
		if lower, _ := c.values["do_lower_case"].(bool); lower {
			return 0, s.wrong("do_lower_case in %s is not supported", c.path)
		}
		if c.has("max_seq_length") {
			return c.integer("max_seq_length", 1, 1<<24)
		}
	}
	if c, err = s.readOptional("tokenizer_config.json"); err != nil || c == nil || !c.has("model_max_length") {
		return 0, err
	}
	n, err := c.number("model_max_length") // a very large number means no limit
	if err != nil || n < 1 || n > 1<<24 {
		return 0, err
	}
	return int(n), nil
}

// embeddingModules are the folders of the modules of an embedding model.
type embeddingModules struct {
	pooling string
	dense   []string
}

// embeddingModules reads modules.json, which lists the modules of an embedding model.
func (s *Source) embeddingModules() (embeddingModules, error) {
	m := embeddingModules{pooling: "1_Pooling"}
	list, err := readList(filepath.Join(s.Path, "modules.json"))
	if err != nil || list == nil {
		return m, err
	}
	for _, entry := range list {
		module, _ := entry.(map[string]any)
		kind, _ := module["type"].(string)
		kind = kind[strings.LastIndexByte(kind, '.')+1:]
		switch kind {
		case "Transformer", "Normalize":
			continue
		case "Pooling", "Dense":
		default:
			return m, s.wrong("the module type %q in modules.json is not supported; the supported types are Transformer, Pooling, Dense and Normalize", kind)
		}
		name, _ := module["path"].(string)
		if path.Clean(name) != name || !filepath.IsLocal(name) {
			return m, s.wrong("modules.json has the invalid folder %q", name)
		}
		if kind == "Pooling" {
			m.pooling = name
		} else {
			m.dense = append(m.dense, name)
		}
	}
	return m, nil
}

// poolings maps the settings of sentence-transformers to a Pooling. mean_sqrt_len has the direction
// of the mean, so the normalized embeddings are equal if no dense layer follows.
var poolings = map[string]Pooling{
	"pooling_mode_cls_token": First, "pooling_mode_mean_tokens": Mean, "pooling_mode_max_tokens": Max, "pooling_mode_mean_sqrt_len_tokens": Mean,
	"pooling_mode_weightedmean_tokens": Weighted, "pooling_mode_lasttoken": Last,
}

// pooling reads the settings of pooling: a Boolean for each kind, or one name. normalized reports
// that the vectors are normalized next.
func (c *config) pooling(normalized bool) (Pooling, error) {
	if c.has("pooling_mode") {
		name, err := c.text("pooling_mode")
		if normalized && (name == "mean_sqrt_len" || name == "mean_sqrt_len_tokens") {
			name = string(Mean)
		}
		switch p := Pooling(name); {
		case err != nil:
			return "", err
		case p == Mean, p == Weighted, p == Max, p == First, p == Last:
			return p, nil
		}
		return "", c.wrong("pooling_mode", "one of mean, weightedmean, max, cls or lasttoken")
	}
	var found []string
	for key := range c.values {
		if on, _ := c.values[key].(bool); on && strings.HasPrefix(key, "pooling_mode_") {
			found = append(found, key)
		}
	}
	if len(found) != 1 || poolings[found[0]] == "" || !normalized && found[0] == "pooling_mode_mean_sqrt_len_tokens" {
		return "", c.wrong("pooling_mode_...", "exactly one kind of pooling")
	}
	return poolings[found[0]], nil
}
