package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/firesteel/firesteel/internal/answercache"
	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// Engine is a model that generates text, on this machine's CPU. It implements llm.Model.
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
	drafts       bool // answers are drafted from their prompts
	scheduler    *scheduler
	prefixes     *prefixCache
	grammars     *grammars
	answers      *answercache.Cache[llm.Result]

	close    sync.Once
	closeErr error
}

var _ llm.Model = (*Engine)(nil)

// openEngine loads a model that generates text. It closes the source if it fails.
func openEngine(ctx context.Context, source *model.Source, kernels *kernel.Set, info llm.Info, opts Options) (_ *Engine, err error) {
	e := &Engine{info: info, source: source, ignoreEnd: opts.IgnoreEnd, drafts: !opts.NoDrafts}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	defer panics.Catch(&err, "opening the model "+source.Path) // before the deferred Close
	if err := e.readTokenizer(); err != nil {
		return nil, err
	}
	if e.embedding, err = source.EmbeddingSettings(); err != nil {
		e.embeddingErr = fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	err = hashWhile(source, &e.info, func() error {
		network, err := model.Load(ctx, source, info.Precision, kernels, opts.Threads)
		if err == nil {
			e.network = network
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	// Files may have weights for more tokens than the tokenizer has, so that their number is round.
	if n := e.tokens.Size(); n > e.network.Vocabulary() {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens, but the weights are for %d", source.Path, n, e.network.Vocabulary())
	}
	e.start, e.encodes = e.network.Start()
	e.describe()
	e.scheduler = newScheduler(e.network, kernels, e.tokens.Size(), opts.Threads)
	e.answers = answercache.NewResults(opts.AnswerBytes)
	e.grammars = newGrammars(e.tokens, e.stop)
	e.prefixes = newPrefixCache(e.scheduler, opts.PrefixBytes)
	return e, nil
}

// describe sets the parts of the info that the network determines. A model whose files have
// settings for embeddings was trained for them and not for text.
func (e *Engine) describe() {
	e.info.Context, e.info.Parameters = e.network.Context(), e.network.Parameters()
	if e.network.Headless() == "" && (!e.embedding.Declared || e.embeddingErr != nil) {
		e.info.Roles = append(e.info.Roles, llm.Text)
	}
	if !e.encodes && e.embeddingErr == nil {
		e.info.Roles = append(e.info.Roles, llm.Embed)
		e.info.TextTokens = textTokens(e.tokens, e.embedding, e.info.Context)
		e.info.Dimensions, e.info.Pooling = e.embedding.Dimensions(e.network.Size()), string(e.embedding.Pooling)
	}
}

// readTokenizer reads the tokenizer, the chat template and the tokens that end an answer.
func (e *Engine) readTokenizer() error {
	tokens, settings, err := readTokenizer(e.source)
	if err != nil {
		return err
	}
	e.tokens = tokens
	if id, ok := e.tokens.Lookup(settings.Named["eos_token"]); ok {
		settings.Ends = append(settings.Ends, id)
	}
	if e.chat, err = newChat(settings, e.tokens); err != nil {
		e.chatErr = fmt.Errorf("%s: %w", e.source.Path, err)
	}
	e.info.Chat = e.chatErr == nil
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
