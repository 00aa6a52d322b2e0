// Package llm is the contract between the AI functions and whatever answers
// them: the CPU engine in internal/engine, or a server reached through an endpoint.
// It has no dependencies, and knows neither tables nor Spark.
package llm

import (
	"context"
	"errors"
)

// Errors a Result may carry; the cause is wrapped beside the class.
var (
	// ErrTooLong: prompt and answer do not fit the model's context window.
	ErrTooLong = errors.New("prompt is longer than the model's context window")
	// ErrRequest: the request itself is wrong (no messages, no labels, ...).
	ErrRequest = errors.New("bad request to the model")
	// ErrModel: the model could not be read, or does not do what was asked.
	ErrModel = errors.New("model error")
)

// Role says who speaks a Message.
type Role string

const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a chat. The model renders it with its own template.
type Message struct {
	Role Role
	Text string
}

// Request is one thing to answer, independent of every other request: its
// Result never depends on what is asked beside it, nor on thread counts.
type Request struct {
	// Messages, oldest first; the answer follows the last one.
	Messages []Message
	// Shared is the number of leading messages that many requests have in
	// common (instructions, few-shot examples). It is a hint: a model may
	// compute them once. It never changes an answer.
	Shared int
	// Prefix and Text, instead of Messages, are plain text that the answer
	// continues, with no chat template around it. Prefix is what many requests
	// have in common; the two are tokenised apart, so it should end where a
	// line does.
	Prefix, Text string
	// Constraint limits the answer; nil allows any text.
	Constraint Constraint
	// MaxTokens bounds generated tokens; 0 takes the model's default.
	MaxTokens int
}

// Constraint limits what an answer may be. The kinds are those of this package.
type Constraint interface{ constraint() }

// Choice demands one of Labels. A model that can, scores all of them instead
// of generating one. After plain text the labels continue it to the letter, so
// most begin with a space.
type Choice struct{ Labels []string }

func (Choice) constraint() {}

// Pattern demands a text that Expr, a regular expression in RE2's syntax,
// matches as a whole.
type Pattern struct{ Expr string }

func (Pattern) constraint() {}

// JSON demands one JSON value that is valid under Schema, a JSON Schema, which
// must be of the subset that the model supports; an empty one allows any
// object. The answer is complete JSON even where MaxTokens ends it.
type JSON struct {
	Schema string
	// Source, if it is not empty, is a text that every free string value of
	// the answer must be a piece of, cut at the borders of words; an empty
	// string is allowed too. Strings that the schema limits to an enum, a
	// const, a pattern or a format are not free.
	Source string
}

func (JSON) constraint() {}

// Finish says why an answer ended.
type Finish string

const (
	FinishStop   Finish = "stop"   // the model ended it, or a label was chosen
	FinishLength Finish = "length" // MaxTokens or the context window cut it off
	FinishRepeat Finish = "repeat" // it went round in circles, and was stopped
)

// Result answers one Request.
type Result struct {
	// Text is the answer: the generated text, or the label of best score.
	Text string
	// Scores, for a Choice, holds for each label the natural logarithm of the
	// probability of its tokens after the prompt, in the order of Labels.
	Scores []float64
	// PromptTokens and OutputTokens count what this request needed, shared
	// tokens included.
	PromptTokens, OutputTokens int
	Finish                     Finish
	// Err is this request's own failure; the others are unharmed.
	Err error
}

// Info describes a Model.
type Info struct {
	Name    string // as a person would name it
	Digest  string // SHA-256 of the weights, in hex; empty if unknown
	Context int    // context window, in tokens
	// Precision is what the weights are kept in, Float32 or Int8, as answers
	// differ; empty if unknown.
	Precision Precision
	// Engine is what computes the answers, with the version of its code, such as
	// "local 1": a later version may answer otherwise. Empty if unknown.
	Engine string
}

// Model answers requests. All methods may be called at the same time.
type Model interface {
	Info() Info
	// Do answers each request, in order: len(results) == len(requests). The
	// error is for failures of the whole call (cancelled context, closed
	// model); a failure of one request stands in its Result.
	Do(ctx context.Context, requests []Request) ([]Result, error)
	// CountTokens says how many tokens text takes, without template tokens.
	CountTokens(text string) int
	// Cut returns text if it has at most max tokens, and otherwise its first
	// max tokens' worth, cut between characters. It reports whether it cut.
	Cut(text string, max int) (string, bool)
	Close() error
}

// Embedder is a Model that can also turn texts into vectors of meaning.
type Embedder interface {
	Model
	// Embed gives for each text, in order, a vector of length 1, or that text's
	// own error. All vectors of a model have as many numbers.
	Embed(ctx context.Context, texts []string) ([]Embedding, error)
}

// Embedding is the vector of one text.
type Embedding struct {
	Vector []float32
	// Tokens counts what was read; Cut says that the text was longer.
	Tokens int
	Cut    bool
	Err    error
}
