// Package engine is the CPU engine: it runs a model from files in this process. Engine runs
// networks that generate text, and Encoder networks that read whole texts, such as BERT.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// Options configure a model. The zero value is valid. IgnoreEnd, NoDrafts and PrefixBytes have no effect
// on an Encoder.
type Options struct {
	// Threads is the number of cores to use. 0 means GOMAXPROCS.
	Threads int
	// Name is the name in Info. If empty, it is the base name of the file.
	Name string
	// Digest is the SHA-256 of the file in hex. If empty, Open computes it.
	Digest string
	// Precision is the number format of the weights. Empty means llm.Auto.
	Precision llm.Precision
	// IgnoreEnd continues every answer to its limit. It is for benchmarks.
	IgnoreEnd bool
	// NoDrafts computes each token of an answer in a step of its own. Answers do not depend on it. It
	// is for benchmarks and tests.
	NoDrafts bool
	// AnswerBytes limits the memory of cached answers, or of the vectors of an Encoder. 0 means 32 MiB; a negative number disables
	// the cache.
	AnswerBytes int
	// PrefixBytes limits the memory of cached prefixes, and of the prefixes that one call uses. 0
	// means 256 MiB.
	PrefixBytes int64
	// Pooling is the pooling of an encoder whose files do not state it, by its name in Info. Empty
	// means the mean.
	Pooling string
}

// Version is the version of this code in llm.Info. The number must be increased when any model
// gives a different answer to any request, in one bit of a score. This includes changes to kernels,
// networks, tokenizers, templates, grammars and the conditions that end an answer.
const Version = "local 2"

const (
	defaultPrefixBytes = 256 << 20
	defaultAnswerBytes = 32 << 20
)

var errClosed = fmt.Errorf("%w: the engine is closed", llm.ErrModel)

// Open loads the model at path and starts it. The result is an *Engine or an *Encoder. path is a
// GGUF file, an ONNX file, or a folder with config.json, tokenizer.json and weights. The environment
// variable FIRESTEEL_ISA selects an instruction set: generic, avx2 or avx512. Errors about the files
// wrap llm.ErrModel. If ctx is cancelled first, Open returns its cause.
func Open(ctx context.Context, path string, opts Options) (llm.Model, error) {
	m, err := guardedOpen(ctx, path, opts)
	if ctx.Err() != nil && err != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	return m, nil
}

func guardedOpen(ctx context.Context, path string, opts Options) (m llm.Model, err error) {
	defer panics.OnFault()()
	defer panics.Catch(&err, "opening the model "+path)
	return open(ctx, path, opts)
}

func open(ctx context.Context, path string, opts Options) (llm.Model, error) {
	kernels, err := kernel.Select(os.Getenv("FIRESTEEL_ISA"))
	if err != nil {
		return nil, err
	}
	if opts.Threads <= 0 {
		opts.Threads = runtime.GOMAXPROCS(0)
	}
	if opts.PrefixBytes <= 0 {
		opts.PrefixBytes = defaultPrefixBytes
	}
	if opts.AnswerBytes == 0 {
		opts.AnswerBytes = defaultAnswerBytes
	}
	precision, err := llm.ParsePrecision(string(opts.Precision))
	if err != nil {
		return nil, err
	}
	source, err := model.OpenSource(path)
	if err != nil {
		return nil, err
	}
	info := llm.Info{
		Name: cmp.Or(opts.Name, filepath.Base(path)), Digest: opts.Digest, Precision: precision.Stored(),
		Engine: Version, Architecture: source.Architecture,
	}
	if source.IsEncoder() {
		e, err := openEncoder(ctx, source, kernels, info, opts)
		if err != nil {
			return nil, err // a nil *Encoder in the interface would not be nil
		}
		return e, nil
	}
	e, err := openEngine(ctx, source, kernels, info, opts)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// hashWhile calls load, and meanwhile sets the digest of a GGUF file if it is not known.
func hashWhile(source *model.Source, info *llm.Info, load func() error) error {
	if info.Digest != "" || source.GGUF == nil {
		return load()
	}
	var hashing sync.WaitGroup
	var hashErr error
	hashing.Go(func() {
		defer panics.OnFault()()
		defer panics.Catch(&hashErr, "hashing the model "+source.Path)
		info.Digest = source.GGUF.Digest()
	})
	err := guardedLoad(source, load)
	hashing.Wait() // before the caller closes the source
	return errors.Join(err, hashErr)
}

// guardedLoad calls load. A panic becomes its error.
func guardedLoad(source *model.Source, load func() error) (err error) {
	defer panics.Catch(&err, "opening the model "+source.Path)
	return load()
}

// maxTokenizer limits the size of tokenizer.json, in bytes. Common files have a few MB.
const maxTokenizer = 1 << 30

// readTokenizer reads the tokenizer of a source, and its settings of special tokens and chats.
func readTokenizer(source *model.Source) (t *tokenizer.Tokenizer, settings model.Settings, err error) {
	if file := source.GGUF; file != nil {
		t, err = tokenizer.ReadGGUF(file)
	} else {
		path := source.Tokenizer()
		var data []byte
		if data, err = regularfile.ReadFile(path, maxTokenizer); err == nil {
			t, err = tokenizer.ReadJSON(path, data)
		}
	}
	if err != nil {
		return nil, settings, err
	}
	if settings, err = source.Settings(); err != nil {
		return nil, settings, err
	}
	return t, settings, t.MarkSpecial(slices.AppendSeq(settings.Others, maps.Values(settings.Named))...)
}
