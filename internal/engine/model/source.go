package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/onnx"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// ErrFormat is the class of errors about the content of a model's files.
var ErrFormat = errors.New("invalid model")

// Source is the files of a model: a GGUF file, a folder with config.json and weights in the
// safetensors format, or an ONNX file with the files of its folder.
type Source struct {
	Path         string // of the GGUF file, or of the folder
	Architecture string // the name in the file, such as "llama" or "LlamaForCausalLM"
	GGUF         *gguf.File
	config       *config // nil for a GGUF file
	tensors      *safetensors.File
	onnx         *onnx.File
	prefix       string // of the names of a decoder's weights in safetensors files
}

// OpenSource opens the model at path.
func OpenSource(path string) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() && onnx.IsFile(path) {
		return openONNX(path)
	}
	if !info.IsDir() {
		f, err := gguf.Open(path)
		if err != nil {
			return nil, err
		}
		return FromGGUF(f)
	}
	if _, err := safetensors.Find(path); errors.Is(err, safetensors.ErrNone) {
		if file, err := onnx.Find(path); err == nil {
			return openONNX(file)
		}
	}
	c, err := readConfig(filepath.Join(path, "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is a folder without a config.json; use a GGUF file, an ONNX file, or a folder with config.json, tokenizer.json and safetensors files%s", path, adapterAdvice(path))
	} else if err != nil {
		return nil, err
	}
	s := &Source{Path: path, config: c}
	if s.Architecture, err = c.architecture(); err != nil {
		return nil, err
	}
	if err := c.checkUnquantized(); err != nil {
		return nil, err
	}
	if s.tensors, err = safetensors.Open(path); err != nil {
		return nil, err
	}
	s.prefix = s.findPrefix()
	return s, nil
}

// prefixes are the prefixes of the names of a decoder's weights: in files of a model with a head,
// of an embedding model, and of the text model in a model that also processes images, in older and
// newer versions.
var prefixes = []string{"model.", "", "language_model.model.", "model.language_model.", "language_model."}

func (s *Source) findPrefix() string {
	for _, prefix := range prefixes {
		if _, ok := s.tensors.Tensor(prefix + "norm.weight"); ok {
			return prefix
		}
	}
	return prefixes[0]
}

// adapterAdvice says what to do with a folder that holds only an adapter.
func adapterAdvice(folder string) string {
	if _, err := os.Stat(filepath.Join(folder, "adapter_config.json")); err != nil {
		return ""
	}
	return "; this folder holds a LoRA adapter, which must be merged into its base model: in Python's peft, model.merge_and_unload().save_pretrained(FOLDER)"
}

// FromGGUF returns the source of a GGUF file. Close of the source closes the file.
func FromGGUF(f *gguf.File) (*Source, error) {
	architecture, err := f.String("general.architecture")
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Source{Path: f.Path, Architecture: architecture, GGUF: f}, nil
}

// Close releases the files.
func (s *Source) Close() error {
	switch {
	case s.GGUF != nil:
		return s.GGUF.Close()
	case s.onnx != nil:
		return s.onnx.Close()
	}
	return s.tensors.Close()
}

// Tokenizer returns the path of the tokenizer of a folder.
func (s *Source) Tokenizer() string {
	if s.onnx != nil {
		path, _ := onnx.Tokenizer(s.Path, s.onnx.Path)
		return path
	}
	return filepath.Join(s.Path, "tokenizer.json")
}

func (s *Source) wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrFormat, s.Path, fmt.Sprintf(format, args...))
}

// tensor is a matrix of outputs by inputs, or a vector.
type tensor struct {
	name   string
	shape  []int // outputs, inputs; or the length of a vector
	read   func(dst []float32, first, count int) error
	blocks *gguf.Tensor // nil if the tensor is not in a GGUF file
	forget func()       // releases the memory pages of the data
	errorf func(format string, args ...any) error
}

// tensor returns the tensor of a name, and whether it exists.
func (s *Source) tensor(name string) (tensor, bool) {
	if s.GGUF != nil {
		t, ok := s.GGUF.Tensor(name)
		if !ok {
			return tensor{}, false
		}
		// The dimensions of the format are in reverse order.
		shape := make([]int, len(t.Shape))
		for i, n := range t.Shape {
			shape[len(shape)-1-i] = n
		}
		return tensor{name, shape, t.Dequantize, t, t.Forget, t.Errorf}, true
	}
	if s.onnx != nil {
		t, ok := s.onnx.Tensor(name)
		if !ok {
			return tensor{}, false
		}
		return tensor{name, t.Shape, t.Dequantize, nil, t.Forget, t.Errorf}, true
	}
	t, ok := s.tensors.Tensor(name)
	if !ok {
		return tensor{}, false
	}
	return tensor{name, t.Shape, t.Dequantize, nil, t.Forget, t.Errorf}, true
}

// names returns the names of all tensors.
func (s *Source) names() []string {
	var names []string
	if s.GGUF != nil {
		for _, t := range s.GGUF.Tensors {
			names = append(names, t.Name)
		}
		return names
	}
	if s.onnx != nil {
		for _, t := range s.onnx.Tensors {
			names = append(names, t.Name)
		}
		return names
	}
	for _, t := range s.tensors.Tensors {
		names = append(names, t.Name)
	}
	return names
}

// setting is the name of a setting: in GGUF files, after the name of the architecture, and in a
// config.json. An empty name means that the format does not have the setting.
type setting struct{ gguf, config string }

func (s *Source) has(k setting) bool {
	if s.GGUF != nil {
		return k.gguf != "" && s.GGUF.Has(s.key(k))
	}
	return k.config != "" && s.config.has(k.config)
}

func (s *Source) key(k setting) string { return s.Architecture + "." + k.gguf }

// integer reads an integer from lo to hi.
func (s *Source) integer(k setting, lo, hi int64) (int, error) {
	if s.GGUF != nil {
		return s.GGUF.Int(s.key(k), lo, hi)
	}
	return s.config.integer(k.config, lo, hi)
}

// number reads a number from lo to hi.
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
		err = s.wrong("%s is %g, expected %g to %g", name, x, lo, hi)
	}
	return x, err
}

// text reads a string. It returns "" if the setting is missing.
func (s *Source) text(k setting) (string, error) {
	switch {
	case !s.has(k):
		return "", nil
	case s.GGUF != nil:
		return s.GGUF.String(s.key(k))
	}
	return s.config.text(k.config)
}

// boolean reads a Boolean.
func (s *Source) boolean(k setting, defaultValue bool) (bool, error) {
	switch {
	case !s.has(k):
		return defaultValue, nil
	case s.GGUF != nil:
		return s.GGUF.Bool(s.key(k))
	}
	return s.config.boolean(k.config)
}

// size is a setting with an integer value.
type size struct {
	setting
	lo, hi int64
	to     *int
}

// readSizes reads settings. A setting that is missing keeps its value if that is not 0.
func (s *Source) readSizes(sizes []size) error {
	for _, x := range sizes {
		if *x.to != 0 && !s.has(x.setting) {
			continue
		}
		n, err := s.integer(x.setting, x.lo, x.hi)
		if err != nil {
			return err
		}
		*x.to = n
	}
	return nil
}

// multiples checks that sizes are multiples of kernel.Width.
func (s *Source) multiples(sizes map[string]int) error {
	for what, n := range sizes {
		if n == 0 || n%kernel.Width != 0 {
			return s.wrong("the size of the %s is %d; only multiples of %d are supported", what, n, kernel.Width)
		}
	}
	return nil
}
