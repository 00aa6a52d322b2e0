package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// ErrFormat is the class of errors about what a model's files hold.
var ErrFormat = errors.New("not a good model")

// Source is a model's files: one in the GGUF format, or a folder with a
// config.json and weights in the safetensors format.
type Source struct {
	Path         string
	Architecture string // as the file names it: "llama", or "LlamaForCausalLM"
	GGUF         *gguf.File
	config       *config // where it is no GGUF file
	tensors      *safetensors.File
	prefix       string // of the names of a decoder's weights beside a config.json
}

// OpenSource opens the model at path.
func OpenSource(path string) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		return FromGGUF(f)
	}
	c, err := readConfig(filepath.Join(path, "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is a folder without a config.json; give the path of a GGUF file, or of a folder with config.json, tokenizer.json and safetensors files%s", path, adapter(path))
	} else if err != nil {
		return nil, err
	}
	s := &Source{Path: path, config: c}
	if s.Architecture, err = c.architecture(); err != nil {
		return nil, err
	}
	if err := c.quantized(); err != nil {
		return nil, err
	}
	if s.tensors, err = safetensors.Open(path); err != nil {
		return nil, err
	}
	s.prefix = s.findPrefix()
	return s, nil
}

// prefixes are what the names of a decoder's weights may begin with: in files of
// a model with a head, of one without (for vectors), and of the text part of a
// model that also reads pictures, as older and newer versions write it.
var prefixes = []string{"model.", "", "language_model.model.", "model.language_model.", "language_model."}

func (s *Source) findPrefix() string {
	for _, prefix := range prefixes {
		if _, ok := s.tensors.Tensor(prefix + "norm.weight"); ok {
			return prefix
		}
	}
	return prefixes[0]
}

// adapter says what to do about a folder that holds changes to a model only.
func adapter(folder string) string {
	if _, err := os.Stat(filepath.Join(folder, "adapter_config.json")); err != nil {
		return ""
	}
	return "; this one holds an adapter (LoRA), which has to be merged into its model: in Python's peft, model.merge_and_unload().save_pretrained(FOLDER)"
}

// FromGGUF makes a source of a file, which it closes with itself.
func FromGGUF(f *gguf.File) (*Source, error) {
	architecture, err := f.String("general.architecture")
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Source{Path: f.Path, Architecture: architecture, GGUF: f}, nil
}

// Close releases the files.
func (s *Source) Close() error {
	if s.GGUF != nil {
		return s.GGUF.Close()
	}
	return s.tensors.Close()
}

func (s *Source) wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrFormat, s.Path, fmt.Sprintf(format, args...))
}

// tensor is n outputs of k inputs each, or a vector of k numbers where n is 0.
type tensor struct {
	name   string
	shape  []int // outputs, inputs
	read   func(dst []float32, first, count int) error
	forget func() // once it has been read
	errorf func(format string, args ...any) error
}

func (s *Source) tensor(name string) (tensor, bool) {
	if s.GGUF != nil {
		t, ok := s.GGUF.Tensor(name)
		if !ok {
			return tensor{}, false
		}
		// The format's own order is the other way round.
		shape := make([]int, len(t.Shape))
		for i, n := range t.Shape {
			shape[len(shape)-1-i] = n
		}
		return tensor{name, shape, t.Dequantize, t.Forget, t.Errorf}, true
	}
	t, ok := s.tensors.Tensor(name)
	if !ok {
		return tensor{}, false
	}
	return tensor{name, t.Shape, t.Dequantize, t.Forget, t.Errorf}, true
}

// names lists all tensors.
func (s *Source) names() []string {
	var names []string
	if s.GGUF != nil {
		for _, t := range s.GGUF.Tensors {
			names = append(names, t.Name)
		}
		return names
	}
	for _, t := range s.tensors.Tensors {
		names = append(names, t.Name)
	}
	return names
}

// A setting has one name in GGUF files, after the architecture's, and another
// in a config.json; an empty one is not there.
type setting struct{ gguf, config string }

func (s *Source) has(k setting) bool {
	if s.GGUF != nil {
		return k.gguf != "" && s.GGUF.Has(s.key(k))
	}
	return k.config != "" && s.config.has(k.config)
}

func (s *Source) key(k setting) string { return s.Architecture + "." + k.gguf }

// integer reads a setting from lo to hi.
func (s *Source) integer(k setting, lo, hi int64) (int, error) {
	if s.GGUF != nil {
		return s.GGUF.Int(s.key(k), lo, hi)
	}
	return s.config.integer(k.config, lo, hi)
}

func (s *Source) number(k setting, lo, hi float64) (float64, error) {
	var x float64
	var err error
	name := k.config
	if s.GGUF != nil {
		name = s.key(k)
		x, err = s.GGUF.Float(name)
	} else {
		x, err = s.config.number(name)
	}
	if err == nil && !(x >= lo && x <= hi) {
		err = s.wrong("%s is %g; it has to be from %g to %g", name, x, lo, hi)
	}
	return x, err
}

// text reads a setting; it is empty where there is none.
func (s *Source) text(k setting) (string, error) {
	switch {
	case !s.has(k):
		return "", nil
	case s.GGUF != nil:
		return s.GGUF.String(s.key(k))
	}
	return s.config.text(k.config)
}

func (s *Source) truth(k setting, fallback bool) (bool, error) {
	switch {
	case !s.has(k):
		return fallback, nil
	case s.GGUF != nil:
		return s.GGUF.Bool(s.key(k))
	}
	return s.config.truth(k.config)
}
