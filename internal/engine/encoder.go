package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// Encoder is a model that reads whole texts, such as BERT, on this machine's CPU. It implements
// llm.Model. Its role is Embed, Tag or Rank, according to the head of the network.
type Encoder struct {
	llm.Unsupported
	info         llm.Info
	source       *model.Source
	network      model.Encoder
	tokens       *tokenizer.Tokenizer
	embedding    model.EmbeddingSettings // invalid if embeddingErr is set
	embeddingErr error
	limit        int       // tokens of a text, with special tokens
	scheme       tagScheme // of a tagger
	scheduler    *encoderScheduler
	vectors      *vectorCache

	close    sync.Once
	closeErr error
}

var _ llm.Model = (*Encoder)(nil)

// openEncoder loads an encoder. It closes the source if it fails.
func openEncoder(ctx context.Context, source *model.Source, kernels *kernel.Set, info llm.Info, opts Options) (_ *Encoder, err error) {
	e := &Encoder{info: info, source: source}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	defer panics.Catch(&err, "opening the model "+source.Path) // before the deferred Close
	if e.tokens, _, err = readTokenizer(source); err != nil {
		return nil, err
	}
	if e.embedding, err = source.EmbeddingSettings(); err != nil {
		e.embeddingErr = fmt.Errorf("%w: %w", llm.ErrModel, err)
	}
	if !e.embedding.Declared && opts.Pooling != "" {
		if e.embedding.Pooling, err = model.ParsePooling(opts.Pooling); err != nil {
			return nil, err
		}
	}
	err = hashWhile(source, &e.info, func() error {
		network, err := model.LoadEncoder(ctx, source, info.Precision, kernels, opts.Threads)
		if err == nil {
			e.network = network
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if n := e.tokens.Size(); n > e.network.Vocabulary() {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens, but the weights are for %d", source.Path, n, e.network.Vocabulary())
	}
	e.limit = e.network.Context()
	if n, err := source.TextTokens(); err != nil {
		return nil, err
	} else if n > 0 {
		e.limit = min(e.limit, n)
	}
	if single, pair := e.tokens.SpecialTokens(); max(single, pair) >= e.limit {
		return nil, fmt.Errorf("%s: a text may have %d tokens, but the tokenizer adds %d to a text and %d to a pair", source.Path, e.limit, single, pair)
	}
	e.scheme = newTagScheme(e.network.Labels())
	e.describe()
	e.scheduler = newEncoderScheduler(e.network, opts.Threads)
	e.vectors = newVectorCache(opts.AnswerBytes)
	return e, nil
}

// describe sets the parts of the info that the network determines.
func (e *Encoder) describe() {
	e.info.Context, e.info.Parameters = e.network.Context(), e.network.Parameters()
	switch e.network.Head() {
	case model.TokenLogits:
		e.info.Roles, e.info.Labels = []llm.ModelRole{llm.Tag}, e.network.Labels()
	case model.SequenceLogits:
		e.info.Roles, e.info.Labels = []llm.ModelRole{llm.Rank}, e.network.Labels()
	default:
		e.info.Roles = []llm.ModelRole{llm.Embed}
		e.info.TextTokens = textTokens(e.tokens, e.embedding, e.info.Context)
		e.info.Dimensions, e.info.Pooling = e.embedding.Dimensions(e.network.Size()), string(e.embedding.Pooling)
	}
}

// Info describes the model.
func (e *Encoder) Info() llm.Info { return e.info }

// CountTokens returns the number of tokens of text, without the special tokens around it.
func (e *Encoder) CountTokens(text string) int { return e.tokens.Count(text) }

// Cut returns a prefix of text of at most max tokens; see llm.Model.
func (e *Encoder) Cut(text string, max int) (string, bool) { return e.tokens.Cut(text, max) }

// SetThreads sets the number of cores to use. Answers do not depend on it.
func (e *Encoder) SetThreads(n int) { e.scheduler.setThreads(n) }

// Close stops the model and frees the weights. Running calls fail.
func (e *Encoder) Close() error {
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

// Embed returns a normalized vector for each text, computed from the final hidden states of its
// tokens with the pooling and the prompts of the model's files. A text longer than the context is
// cut.
func (e *Encoder) Embed(ctx context.Context, requests []llm.EmbedRequest) ([]llm.Embedding, error) {
	if e.network.Head() != model.HiddenStates {
		return e.Unsupported.Embed(ctx, requests)
	}
	if e.embeddingErr != nil {
		return nil, e.embeddingErr
	}
	texts := make([]string, len(requests))
	for i, r := range requests {
		texts[i] = e.embedding.PromptOf(r.Prompt) + r.Text
	}
	found, err := e.vectors.embed(ctx, texts, func(texts []string) ([]llm.Embedding, error) { return e.embed(ctx, texts) })
	if err != nil {
		return nil, err
	}
	embeddings := make([]llm.Embedding, len(requests))
	for i, text := range texts {
		embeddings[i] = found[text]
		embeddings[i].Vector = slices.Clone(embeddings[i].Vector) // another call may have it, too
	}
	return embeddings, nil
}

// embed computes the embedding of each text with its prompt.
func (e *Encoder) embed(ctx context.Context, texts []string) ([]llm.Embedding, error) {
	type pooled struct {
		*encoding
		pooler *pooler
		tokens int
		cut    bool
	}
	all := make([]pooled, len(texts))
	var computed []*encoding
	for i, text := range texts {
		d := &all[i]
		d.encoding = &encoding{}
		d.input.Tokens, d.cut, d.err = embeddingTokens(e.tokens, e.embedding, e.info.Context, text)
		d.tokens = len(d.input.Tokens)
		d.pooler = &pooler{pooling: e.embedding.Pooling, count: d.tokens}
		d.accept = func(rows model.Rows) {
			for n := range rows.N {
				if d.pooler.wants(n) {
					d.pooler.add(n, rows.Row(n))
				}
			}
		}
		if d.err == nil {
			computed = append(computed, d.encoding)
		}
	}
	if err := e.scheduler.run(ctx, computed); err != nil {
		return nil, err
	}
	embeddings := make([]llm.Embedding, len(texts))
	for i, d := range all {
		embeddings[i] = llm.Embedding{Tokens: d.tokens, Cut: d.cut, Err: d.err}
		if d.err == nil {
			embeddings[i].Vector, embeddings[i].Err = d.pooler.vector(e.embedding)
		}
	}
	return embeddings, nil
}
