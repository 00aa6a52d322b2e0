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

// Settings are what a model's files say of its tokens and chats beside the
// tokenizer itself.
type Settings struct {
	Template string // of chats, in Jinja; empty for none
	// Named are the texts of special tokens by the names that templates know
	// them by: bos_token, eos_token, ...; Others are those without such a name.
	Named  map[string]string
	Others []string
	// Ends are the tokens that end an answer.
	Ends []int32
}

// named are the special tokens that have a name.
var named = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// Settings reads what the source has of them.
func (s *Source) Settings() (Settings, error) {
	if s.GGUF != nil {
		return settingsGGUF(s.GGUF)
	}
	return s.settingsOfFolder()
}

func settingsGGUF(f *gguf.File) (Settings, error) {
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

// noDefault is the error of several chat templates.
func noDefault(names []string) error {
	slices.Sort(names)
	return fmt.Errorf("it has several chat templates (%s), but none is called default", strings.Join(names, ", "))
}

// beside reads a JSON file beside the config.json; nil if there is none.
func (s *Source) beside(name string) (*config, error) {
	c, err := readConfig(filepath.Join(s.Path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

func (s *Source) settingsOfFolder() (Settings, error) {
	out := Settings{Named: map[string]string{}}
	tokens, err := s.beside("tokenizer_config.json")
	if err != nil {
		return out, err
	}
	// Older versions of transformers wrote the special tokens there.
	older, err := s.beside("special_tokens_map.json")
	if err != nil {
		return out, err
	}
	for _, c := range []*config{tokens, older} {
		if c != nil {
			out.readSpecial(c)
		}
	}
	generation, err := s.beside("generation_config.json")
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

// readSpecial takes in the special tokens that are not known yet.
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
		case map[string]any: // by names of the model's own
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

// tokenText is the text of a token that is written as such, or as an object.
func tokenText(v any) string {
	if token, ok := v.(map[string]any); ok {
		v = token["content"]
	}
	text, _ := v.(string)
	return text
}

// ids reads one token or a list of them; none is none.
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
			return nil, c.wrong(key, "a token's number, or a list of them")
		}
		ids = append(ids, int32(n))
	}
	return ids, nil
}

// template reads the template of chats beside a config.json: in a file of its
// own, in the tokenizer's settings, or where settings for pictures lie. It is
// empty where there is none.
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
	c, err := s.beside("chat_template.json")
	if err != nil || c == nil || !c.has("chat_template") {
		return "", err
	}
	return c.template()
}

// template reads chat_template: a template, or several by their names, of which
// the one called default is for chats without tools.
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
	return "", c.wrong("chat_template", "a template, or a list of templates with names")
}
