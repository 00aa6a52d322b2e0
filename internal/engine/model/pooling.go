package model

import (
	"path"
	"path/filepath"
	"strings"
)

// Pooling is how one vector is made of a text's hidden states.
type Pooling string

const (
	Mean     Pooling = "mean"
	Weighted Pooling = "weightedmean" // the mean, with the first token once, the second twice, ...
	Max      Pooling = "max"          // the greatest of each number
	First    Pooling = "cls"          // the first token's
	Last     Pooling = "lasttoken"
)

// Vectors are how a model makes vectors of texts.
type Vectors struct {
	Pooling Pooling
	// Tokens bounds those of a text, with what stands around it; 0 leaves it to
	// the context.
	Tokens int
	// Prompt stands before each text.
	Prompt string
}

// Vectors reads how vectors are made: of a GGUF file from pooling_type, of a folder
// from what Python's sentence-transformers writes there. Without a word of it, it
// is the mean. An error says that the files ask for something else.
func (s *Source) Vectors() (Vectors, error) {
	v := Vectors{Pooling: Mean}
	if s.GGUF != nil {
		k := setting{gguf: "pooling_type"}
		if !s.has(k) {
			return v, nil
		}
		n, err := s.integer(k, 0, 1<<16)
		switch n {
		case 0, 1: // 0: the file leaves it to the program
		case 2:
			v.Pooling = First
		case 3:
			v.Pooling = Last
		case 4:
			return v, s.wrong("it ranks texts (pooling_type 4) and gives no vectors")
		default:
			return v, s.wrong("pooling_type %d is not supported; 0 to 3 are", n)
		}
		return v, err
	}
	folder, err := s.poolingFolder()
	if err != nil {
		return v, err
	}
	c, err := s.beside(filepath.Join(folder, "config.json"))
	if err != nil {
		return v, err
	}
	if c != nil {
		if v.Pooling, err = c.pooling(); err != nil {
			return v, err
		}
	}
	if v.Tokens, err = s.vectorTokens(); err != nil {
		return v, err
	}
	if c, err = s.beside("config_sentence_transformers.json"); err != nil || c == nil || !c.has("default_prompt_name") {
		return v, err
	}
	name, err := c.text("default_prompt_name")
	if err != nil {
		return v, err
	}
	prompts, err := c.object("prompts")
	if err != nil {
		return v, err
	}
	v.Prompt, err = prompts.text(name)
	return v, err
}

// vectorTokens reads how many tokens of a text are taken: from the settings of
// vectors, or else from those of the tokenizer.
func (s *Source) vectorTokens() (int, error) {
	c, err := s.beside("sentence_bert_config.json")
	if err != nil {
		return 0, err
	}
	if c != nil {
		if lower, _ := c.values["do_lower_case"].(bool); lower {
			return 0, s.wrong("vectors are of texts in small letters (do_lower_case in %s), which is not supported", c.path)
		}
		if c.has("max_seq_length") {
			return c.integer("max_seq_length", 1, 1<<24)
		}
	}
	if c, err = s.beside("tokenizer_config.json"); err != nil || c == nil || !c.has("model_max_length") {
		return 0, err
	}
	n, err := c.number("model_max_length") // a very large one stands for none
	if err != nil || n < 1 || n > 1<<24 {
		return 0, err
	}
	return int(n), nil
}

// poolingFolder gives the folder with the settings of pooling, by modules.json,
// which lists what a text goes through.
func (s *Source) poolingFolder() (string, error) {
	const usual = "1_Pooling"
	list, err := readList(filepath.Join(s.Path, "modules.json"))
	if err != nil || list == nil {
		return usual, err
	}
	folder := usual
	for _, entry := range list {
		module, _ := entry.(map[string]any)
		kind, _ := module["type"].(string)
		switch kind[strings.LastIndexByte(kind, '.')+1:] {
		case "Transformer", "Normalize":
		case "Pooling":
			name, _ := module["path"].(string)
			if path.Clean(name) != name || !filepath.IsLocal(name) {
				return "", s.wrong("modules.json names the folder %q", name)
			}
			folder = name
		default:
			return "", s.wrong("vectors go through a module of the type %q (modules.json), which is not supported; Transformer, Pooling and Normalize are", kind)
		}
	}
	return folder, nil
}

// poolings are the settings of sentence-transformers that have a Pooling each. The
// sum by the root of the length has the direction of the mean.
var poolings = map[string]Pooling{
	"pooling_mode_cls_token": First, "pooling_mode_mean_tokens": Mean, "pooling_mode_max_tokens": Max, "pooling_mode_mean_sqrt_len_tokens": Mean,
	"pooling_mode_weightedmean_tokens": Weighted, "pooling_mode_lasttoken": Last,
}

// pooling reads the settings of pooling: a truth value for each, or one name.
func (c *config) pooling() (Pooling, error) {
	if c.has("pooling_mode") {
		name, err := c.text("pooling_mode")
		if name == "mean_sqrt_len" || name == "mean_sqrt_len_tokens" {
			name = string(Mean)
		}
		switch p := Pooling(name); {
		case err != nil:
			return "", err
		case p == Mean, p == Weighted, p == Max, p == First, p == Last:
			return p, nil
		}
		return "", c.wrong("pooling_mode", "one of mean, weightedmean, max, cls and lasttoken")
	}
	var found []string
	for key := range c.values {
		if on, _ := c.values[key].(bool); on && strings.HasPrefix(key, "pooling_mode_") {
			found = append(found, key)
		}
	}
	if len(found) != 1 || poolings[found[0]] == "" {
		return "", c.wrong("pooling_mode_...", "one way of pooling alone")
	}
	return poolings[found[0]], nil
}
