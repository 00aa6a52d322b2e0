// Package local is the CPU engine: it answers requests with a model read from
// a GGUF file, inside this process.
package local

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/llm"
)

// Options adjust an Engine; the zero value suits most uses.
type Options struct {
	// Threads is the number of cores to compute on; 0 takes GOMAXPROCS.
	Threads int
	// Name is what Info reports; empty takes the name in the file.
	Name string
	// Digest is the SHA-256 of the file in hex, if it is known already; empty
	// lets Open compute it.
	Digest string
	// PrefixBytes bounds the memory of kept prefixes; 0 takes 256 MiB.
	PrefixBytes int64
}

// Engine is a model on this machine's CPU. It implements llm.Model.
type Engine struct{}

var _ llm.Model = (*Engine)(nil)

// Open reads the GGUF file at path and starts an engine for it.
func Open(path string, opts Options) (*Engine, error) {
	return nil, fmt.Errorf("%w: %s: reading models comes with the next commit", llm.ErrModel, path)
}

// SetThreads changes the number of cores to compute on.
func (e *Engine) SetThreads(n int) {}

func (e *Engine) Info() llm.Info { return llm.Info{} }

func (e *Engine) Do(ctx context.Context, requests []llm.Request) ([]llm.Result, error) {
	return nil, llm.ErrModel
}

func (e *Engine) CountTokens(text string) int { return 0 }

func (e *Engine) Cut(text string, max int) (string, bool) { return text, false }

func (e *Engine) Close() error { return nil }
