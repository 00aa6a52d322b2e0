// Package engine is the CPU engine: it runs a model from files in this process.
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

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// Options configure an Engine. The zero value is valid.
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
	// AnswerBytes limits the memory of cached answers. 0 means 32 MiB; a negative number disables
	// the cache.
	AnswerBytes int
	// PrefixBytes limits the memory of cached prefixes, and of the prefixes that one call uses. 0
	// means 256 MiB.
	PrefixBytes int64
}

// Version is the version of this code in llm.Info. The number must be increased when any model
// gives a different answer to any request, in one bit of a score. This includes changes to kernels,
// networks, tokenizers, templates, grammars and the conditions that end an answer.
const Version = "local 1"

const (
	defaultPrefixBytes = 256 << 20
	defaultAnswerBytes = 32 << 20
)

var errClosed = fmt.Errorf("%w: the engine is closed", llm.ErrModel)

// Engine is a model on this machine's CPU. It implements llm.Model.
type Engine struct {
	llm.Unsupported // the roles Tag and Rank

	info         llm.Info
	source       *model.Source
	network      model.Network
	tokens       *tokenizer.Tokenizer
	start        int32 // first token of answers of a network with an encoder
	encodes      bool  // the network has an encoder
	chat         *chat // nil if chatErr is set
	chatErr      error
	embedding    model.EmbeddingSettings // invalid if embeddingErr is set
	embeddingErr error
	stop         map[int32]bool // tokens that end an answer
	ignoreEnd    bool
	scheduler    *scheduler
	prefixes     *prefixCache
	grammars     *grammars
	answers      *answercache.Cache[llm.Result]

	close    sync.Once
	closeErr error
}

var _ llm.Model = (*Engine)(nil)

// Open loads the model at path and starts an engine. path is a GGUF file, or a folder with
// config.json, tokenizer.json and safetensors weights. The environment variable FIRESTEEL_ISA
// selects an instruction set: generic or avx2. Errors about the files wrap llm.ErrModel. If ctx is
// cancelled first, Open returns its cause.
func Open(ctx context.Context, path string, opts Options) (*Engine, error) {
	e, err := guardedOpen(ctx, path, opts)
	if ctx.Err() != nil && err != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	return e, nil
}

func guardedOpen(ctx context.Context, path string, opts Options) (e *Engine, err error) {
	defer panics.OnFault()()
	defer panics.Catch(&err, "opening the model "+path)
	return open(ctx, path, opts)
}

func open(ctx context.Context, path string, opts Options) (_ *Engine, err error) {
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
	if opts.Name == "" {
		opts.Name = filepath.Base(path)
	}
	precision, err := llm.ParsePrecision(string(opts.Precision))
	if err != nil {
		return nil, err
	}
	precision = precision.Stored()
	source, err := model.OpenSource(path)
	if err != nil {
		return nil, err
	}
	e := &Engine{info: llm.Info{Name: opts.Name, Digest: opts.Digest, Precision: precision, Engine: Version}, source: source, ignoreEnd: opts.IgnoreEnd}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	defer panics.Catch(&err, "opening the model "+path) // before the deferred Close
	if err := e.readTokenizer(); err != nil {
		return nil, err
	}
	if e.embedding, err = source.EmbeddingSettings(); err != nil {
		e.embeddingErr = fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	var hashErr error
	if e.info.Digest == "" && source.GGUF != nil {
		var hashing sync.WaitGroup
		defer func() { // before the source is closed
			hashing.Wait()
			err = cmp.Or(err, hashErr)
		}()
		hashing.Go(func() {
			defer panics.OnFault()()
			defer panics.Catch(&hashErr, "hashing the model "+path)
			e.info.Digest = source.GGUF.Digest()
		})
	}
	network, err := model.Load(ctx, source, precision, kernels, opts.Threads)
	if err != nil {
		return nil, err
	}
	e.network = network
	// Files may have weights for more tokens than the tokenizer has, so that their number is round.
	if n := e.tokens.Size(); n > e.network.Vocabulary() {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens, but the weights are for %d", path, n, e.network.Vocabulary())
	}
	e.info.Context = e.network.Context()
	e.start, e.encodes = e.network.Start()
	e.info.Roles = e.roles()
	e.scheduler = newScheduler(e.network, kernels, e.tokens.Size(), opts.Threads)
	e.answers = answercache.NewResults(opts.AnswerBytes)
	e.grammars = newGrammars(e.tokens, e.stop)
	e.prefixes = newPrefixCache(e.scheduler, opts.PrefixBytes)
	return e, nil
}

// maxTokenizer limits the size of tokenizer.json, in bytes. Common files have a few MB.
const maxTokenizer = 1 << 30

// readTokenizer reads the tokenizer, the chat template and the tokens that end an answer.
func (e *Engine) readTokenizer() (err error) {
	if file := e.source.GGUF; file != nil {
		e.tokens, err = tokenizer.ReadGGUF(file)
	} else {
		path := filepath.Join(e.source.Path, "tokenizer.json")
		var data []byte
		if data, err = regularfile.ReadFile(path, maxTokenizer); err == nil {
			e.tokens, err = tokenizer.ReadJSON(path, data)
		}
	}
	if err != nil {
		return err
	}
	settings, err := e.source.Settings()
	if err != nil {
		return err
	}
	if err := e.tokens.MarkSpecial(slices.AppendSeq(settings.Others, maps.Values(settings.Named))...); err != nil {
		return err
	}
	if id, ok := e.tokens.Lookup(settings.Named["eos_token"]); ok {
		settings.Ends = append(settings.Ends, id)
	}
	if e.chat, err = newChat(settings, e.tokens); err != nil {
		e.chatErr = fmt.Errorf("%s: %w", e.source.Path, err)
	}
	e.stop = map[int32]bool{}
	if e.tokens.EOS >= 0 {
		e.stop[e.tokens.EOS] = true
	}
	for _, id := range settings.Ends {
		if int(id) < e.tokens.Size() {
			e.stop[id] = true
		}
	}
	for _, name := range []string{"<|im_end|>", "<|endoftext|>"} {
		if id, ok := e.tokens.Lookup(name); ok {
			e.stop[id] = true
		}
	}
	if e.chat != nil {
		for _, id := range e.chat.ends {
			e.stop[id] = true
		}
	}
	return nil
}

// SetThreads sets the number of cores to use. Answers do not depend on it.
func (e *Engine) SetThreads(n int) { e.scheduler.setThreads(n) }

// roles lists the roles of the network.
func (e *Engine) roles() []llm.ModelRole {
	if e.encodes || e.embeddingErr != nil {
		return []llm.ModelRole{llm.Text}
	}
	return []llm.ModelRole{llm.Text, llm.Embed}
}

// Info describes the model.
func (e *Engine) Info() llm.Info { return e.info }

// CountTokens returns the number of tokens of text.
func (e *Engine) CountTokens(text string) int { return e.tokens.Count(text) }

// Cut returns a prefix of text of at most max tokens; see llm.Model.
func (e *Engine) Cut(text string, max int) (string, bool) { return e.tokens.Cut(text, max) }

// Close stops the engine and frees the weights. Running calls fail.
func (e *Engine) Close() error {
	e.close.Do(func() {
		if e.scheduler != nil {
			e.scheduler.close()
		}
		if e.network != nil {
			e.closeErr = e.network.Close()
		}
		e.closeErr = errors.Join(e.closeErr, e.source.Close())
	})
	return e.closeErr
}

// guardedPlan calls plan. A panic becomes the error of the request.
func (e *Engine) guardedPlan(r llm.Request) (p *plan, err error) {
	defer panics.Catch(&err, "reading a request to the model")
	return e.plan(r)
}

// guardedResult calls result. A panic becomes the error of the request.
func (e *Engine) guardedResult(p *plan) (r llm.Result) {
	defer panics.Catch(&r.Err, "reading an answer of the model")
	return e.result(p)
}

// Do answers the requests; see llm.Model. Concurrent calls share the cores fairly.
func (e *Engine) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	results := make([]llm.Result, len(requests))
	plans := make([]*plan, len(requests))
	unique := map[answercache.Key]*plan{}
	var distinct []*plan
	for i, r := range requests {
		p, err := e.guardedPlan(r)
		if err != nil {
			results[i].Err = err
			continue
		}
		key := answercache.KeyOf(p.key())
		if same, ok := unique[key]; ok {
			plans[i] = same
			continue
		}
		unique[key], plans[i] = p, p
		if cached, ok := e.answers.Get(key); ok {
			p.known = &cached
			continue
		}
		distinct = append(distinct, p)
	}
	if len(distinct) > 0 {
		if err := e.share(ctx, distinct); err != nil {
			return nil, err
		}
		if err := e.scheduler.run(ctx, e.sequences(distinct)); err != nil {
			return nil, err
		}
	}
	for key, p := range unique {
		if p.known == nil {
			r := e.guardedResult(p)
			p.known = &r
			e.answers.Put(key, r)
		}
	}
	for i, p := range plans {
		if p != nil {
			results[i] = *p.known
		}
	}
	return results, nil
}
