package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/gguf"
)

// Settings are the settings of a model's tokens and chats that are not part of its tokenizer.
type Settings struct {
	Template string // the chat template in Jinja; empty for none
	// Named are the texts of special tokens by the names that templates use: bos_token, eos_token,
	// and so on. Others are the texts of other special tokens.
	Named  map[string]string
	Others []string
	// Ends are the tokens that end an answer.
	Ends []int32
}

// named are the names of special tokens.
var named = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// Settings reads the settings of the source.
func (s *Source) Settings() (Settings, error) {
	if s.GGUF != nil {
		return ggufSettings(s.GGUF)
	}
	return s.folderSettings()
}

func ggufSettings(f *gguf.File) (Settings, error) {
	const prefix = "tokenizer.ggml."
	out := Settings{Named: map[string]string{}}
	tokens, err := f.Strings(prefix + "tokens")
	if err != nil {
		return out, err
	}
	for key, name := range map[string]string{
		"bos_token_id": "bos_token", "eos_token_id": "eos_token", "unknown_token_id": "unk_token", "seperator_token_id": "sep_token",
		"padding_token_id": "pad_token", "cls_token_id": "cls_token", "mask_token_id": "mask_token", "eot_token_id": "", "eom_token_id": "",
	} {
		if !f.Has(prefix + key) {
			continue
		}
		id, err := f.Int(prefix+key, 0, int64(len(tokens))-1)
		if err != nil {
			return out, err
		}
		if name == "" {
			out.Others = append(out.Others, tokens[id])
		} else {
			out.Named[name] = tokens[id]
		}
		if name == "eos_token" || name == "" {
			out.Ends = append(out.Ends, int32(id))
		}
	}
	if key := "tokenizer.chat_template"; f.Has(key) {
		out.Template, err = f.String(key)
	} else if f.Has("tokenizer.chat_templates") {
		var names []string
		if names, err = f.Strings("tokenizer.chat_templates"); err == nil {
			err = fmt.Errorf("%w: %s: %w", ErrFormat, f.Path, noDefault(names))
		}
	}
	return out, err
}

// noDefault returns the error for several chat templates without a default.
func noDefault(names []string) error {
	slices.Sort(names)
	return fmt.Errorf("the model has several chat templates (%s), but none is named default", strings.Join(names, ", "))
}

// readOptional reads a JSON file in the folder of the config.json. It returns nil if the file does
// not exist.
func (s *Source) readOptional(name string) (*config, error) {
	c, err := readConfig(filepath.Join(s.Path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

func (s *Source) folderSettings() (Settings, error) {
	out := Settings{Named: map[string]string{}}
	tokens, err := s.readOptional("tokenizer_config.json")
	if err != nil {
		return out, err
	}
	// Older versions of transformers wrote the special tokens to this file.
	older, err := s.readOptional("special_tokens_map.json")
	if err != nil {
		return out, err
	}
	for _, c := range []*config{tokens, older} {
		if c != nil {
			out.readSpecial(c)
		}
	}
	generation, err := s.readOptional("generation_config.json")
	if err != nil {
		return out, err
	}
	ends := s.config
	if generation != nil && generation.has("eos_token_id") {
		ends = generation
	}
	if out.Ends, err = ends.ids("eos_token_id"); err != nil {
		return out, err
	}
	out.Template, err = s.template(tokens)
	return out, err
}

// readSpecial adds the special tokens of c. It does not replace names that are already set.
func (out *Settings) readSpecial(c *config) {
	for _, name := range named {
		if text := tokenText(c.values[name]); text != "" && out.Named[name] == "" {
			out.Named[name] = text
		}
	}
	for _, key := range []string{"additional_special_tokens", "extra_special_tokens"} {
		switch all := c.values[key].(type) {
		case []any:
			for _, v := range all {
				out.Others = append(out.Others, tokenText(v))
			}
		case map[string]any: // by names that the model defines
			for _, name := range slices.Sorted(maps.Keys(all)) {
				out.Others = append(out.Others, tokenText(all[name]))
			}
		}
	}
	added, _ := c.values["added_tokens_decoder"].(map[string]any)
	for _, v := range added {
		if token, ok := v.(map[string]any); ok && token["special"] == true {
			out.Others = append(out.Others, tokenText(v))
		}
	}
}

// tokenText returns the text of a token, which is a string or an object.
func tokenText(v any) string {
	if token, ok := v.(map[string]any); ok {
		v = token["content"]
	}
	text, _ := v.(string)
	return text
}

// ids reads a token id or a list of token ids. It returns nil if the key is missing.
func (c *config) ids(key string) ([]int32, error) {
	if !c.has(key) {
		return nil, nil
	}
	all, isList := c.values[key].([]any)
	if !isList {
		all = []any{c.values[key]}
	}
	var ids []int32
	for _, v := range all {
		number, _ := v.(json.Number)
		n, err := number.Int64()
		if err != nil || n < 0 || n > 1<<24 {
			return nil, c.wrong(key, "a token id, or a list of token ids")
		}
		ids = append(ids, int32(n))
	}
	return ids, nil
}

// template reads the chat template from its own file, from the settings of the tokenizer, or from
// chat_template.json. It returns "" if there is none.
func (s *Source) template(tokens *config) (string, error) {
	data, err := regularfile.ReadFile(filepath.Join(s.Path, "chat_template.jinja"), maxConfig)
	if err == nil {
		return string(data), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if tokens != nil && tokens.has("chat_template") {
		return tokens.template()
	}
	c, err := s.readOptional("chat_template.json")
	if err != nil || c == nil || !c.has("chat_template") {
		return "", err
	}
	return c.template()
}

// template reads chat_template: one template, or several by name, of which default is the one for
// chats without tools.
func (c *config) template() (string, error) {
	byName := map[string]any{}
	switch v := c.values["chat_template"].(type) {
	case string:
		return v, nil
	case map[string]any:
		byName = v
	case []any:
		for _, entry := range v {
			if m, ok := entry.(map[string]any); ok {
				name, _ := m["name"].(string)
				byName[name] = m["template"]
			}
		}
	}
	if text, ok := byName["default"].(string); ok {
		return text, nil
	}
	if len(byName) > 0 {
		return "", fmt.Errorf("%w: %s: %w", ErrFormat, c.path, noDefault(slices.Collect(maps.Keys(byName))))
	}
	return "", c.wrong("chat_template", "a template, or a list of named templates")
}
