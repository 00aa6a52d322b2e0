package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
)

// config is a config.json or another JSON file of settings that Python's transformers writes next
// to weights in the safetensors format.
type config struct {
	path   string
	values map[string]any
}

// maxConfig limits the size of the file in bytes. Common files have a few kilobytes.
const maxConfig = 4 << 20

func readConfig(path string) (*config, error) {
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return parseConfig(path, data)
}

// readSmall reads a file of at most maxConfig bytes.
func readSmall(path string) ([]byte, error) {
	f, err := regularfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%w: %s: the file has more than %d MiB", ErrFormat, path, maxConfig>>20)
	}
	return data, nil
}

// readList reads a file with a JSON array. It returns nil if the file does not exist.
func readList(path string) (list []any, err error) {
	data, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	return list, nil
}

func parseConfig(path string, data []byte) (*config, error) {
	c := &config{path: path}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&c.values); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	// Models that also process images have the settings of the text model in a group.
	if text, ok := c.values["text_config"].(map[string]any); ok {
		for k, v := range text {
			if k != "architectures" { // that of the whole model determines the names of weights
				c.values[k] = v
			}
		}
	}
	return c, nil
}

func (c *config) wrong(key, want string) error {
	return fmt.Errorf("%w: %s: %q is not %s", ErrFormat, c.path, key, want)
}

// has reports whether a key has a value other than null.
func (c *config) has(key string) bool { return c.values[key] != nil }

// defaults sets settings that are missing. It does not change null.
func (c *config) defaults(values map[string]any) {
	for k, v := range values {
		if _, ok := c.values[k]; !ok {
			c.values[k] = v
		}
	}
}

func (c *config) architecture() (string, error) {
	if list, ok := c.values["architectures"].([]any); ok && len(list) > 0 {
		if name, ok := list[0].(string); ok {
			return name, nil
		}
	}
	return "", c.wrong("architectures", "a list with the name of an architecture")
}

// checkUnquantized returns an error if another program has quantized the weights.
func (c *config) checkUnquantized() error {
	q, ok := c.values["quantization_config"].(map[string]any)
	if !ok {
		return nil
	}
	method, _ := q["quant_method"].(string)
	if method == "" {
		method = "an unknown method"
	}
	return fmt.Errorf("%w: %s: the weights are quantized by %s (quantization_config), which is not supported; use the folder of the original model, or a GGUF file of it, such as Q8_0 or Q4_K_M", ErrFormat, c.path, method)
}

// integer returns the integer of a key, which must be from lo to hi.
func (c *config) integer(key string, lo, hi int64) (int, error) {
	number, ok := c.values[key].(json.Number)
	if !ok {
		return 0, c.wrong(key, "an integer")
	}
	n, err := number.Int64()
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%w: %s: %q is %s, expected %d to %d", ErrFormat, c.path, key, number, lo, hi)
	}
	return int(n), nil
}

func (c *config) number(key string) (float64, error) {
	number, ok := c.values[key].(json.Number)
	if !ok {
		return 0, c.wrong(key, "a number")
	}
	return number.Float64()
}

func (c *config) text(key string) (string, error) {
	s, ok := c.values[key].(string)
	if !ok {
		return "", c.wrong(key, "a string")
	}
	return s, nil
}

func (c *config) boolean(key string) (bool, error) {
	b, ok := c.values[key].(bool)
	if !ok {
		return false, c.wrong(key, "true or false")
	}
	return b, nil
}

// object returns a group of settings.
func (c *config) object(key string) (*config, error) {
	values, ok := c.values[key].(map[string]any)
	if !ok {
		return nil, c.wrong(key, "an object")
	}
	return &config{c.path + ", " + key, values}, nil
}
