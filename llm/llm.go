// Package llm is the contract between the AI functions and the models that answer them: the
// CPU engine in internal/engine and the clients of inference servers in internal/endpoint.
// It does not depend on engines, functions or tables.
package llm

import (
	"context"
	"errors"
)

// Classes of errors in a Result. The error wraps both the class and the cause.
var (
	// ErrTooLong reports that prompt and answer do not fit the model's context window.
	ErrTooLong = errors.New("prompt is longer than the model's context window")
	// ErrRequest reports an invalid request: no messages, no labels, and so on.
	ErrRequest = errors.New("bad request to the model")
	// ErrModel reports a model that could not be read or that failed.
	ErrModel = errors.New("model error")
)

// Role is the author of a Message.
type Role string

const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a chat. The model renders it with its chat template.
type Message struct {
	Role Role
	Text string
}

// Request is one prompt. Its Result does not depend on the other requests of the same call
// or on the number of threads.
type Request struct {
	// Messages is the chat, oldest message first. The model writes the next message.
	Messages []Message
	// Shared is the number of leading messages that many requests have in common, such as
	// instructions and examples. A model may compute them once. Shared does not change the answer.
	Shared int
	// Prefix and Text are used if Messages is empty: the answer continues Prefix+Text, and
	// no chat template is applied. Many requests have the same Prefix. Prefix and Text are
	// tokenized separately, so Prefix should end at the end of a line.
	Prefix, Text string
	// Constraint limits the answer; nil allows any text.
	Constraint Constraint
	// MaxTokens limits the generated tokens. 0 selects the model's default.
	MaxTokens int
}

// Constraint limits the answers to a Request. It is a Choice, a Pattern or a JSON.
type Constraint interface{ constraint() }

// Choice allows only the texts in Labels. The engine scores every label and does not
// generate. After plain text (Request.Text) a label is appended as it is, so most labels
// begin with a space there.
type Choice struct{ Labels []string }

func (Choice) constraint() {}

// Pattern allows only texts that match Expr entirely. Expr is a regular expression in the
// syntax of RE2.
type Pattern struct{ Expr string }

func (Pattern) constraint() {}

// JSON allows only one JSON value that is valid under Schema.
type JSON struct {
	// Schema is a JSON Schema. The model may support a subset of the language. An empty
	// Schema allows any object. The answer is complete JSON even if MaxTokens cuts it.
	Schema string
	// Source, if not empty, limits the free string values of the answer to substrings of
	// Source that begin and end at word boundaries, or to the empty string. A string that
	// the schema limits with enum, const, pattern or format is not free.
	Source string
}

func (JSON) constraint() {}

// Finish is the reason why an answer ended.
type Finish string

const (
	FinishStop   Finish = "stop"   // the model ended the answer, or a label was chosen
	FinishLength Finish = "length" // MaxTokens or the context window ended the answer
	FinishRepeat Finish = "repeat" // the model repeated itself, and was stopped
)

// Result is the answer to one Request.
type Result struct {
	// Text is the generated text, or the label with the highest score.
	Text string
	// Scores is set for a Choice. Scores[i] is the natural logarithm of the probability of
	// Labels[i] after the prompt.
	Scores []float64
	// PromptTokens and OutputTokens count the tokens of this request, including tokens that
	// it shares with other requests.
	PromptTokens, OutputTokens int
	Finish                     Finish
	// Err is the error of this request only.
	Err error
}

// Info describes a Model.
type Info struct {
	Name    string // for display
	Digest  string // SHA-256 of the weights in hex; empty if unknown
	Context int    // context window in tokens
	// TextTokens is the number of tokens of a text that Embed reads, without those that the
	// model adds. A longer text is cut. 0 if unknown.
	TextTokens int
	// Precision is the number format of the weights in memory: Float32, Int8 or File.
	// Answers depend on it. Empty if unknown.
	Precision Precision
	// Engine is the engine and the version of its arithmetic, such as "local 1". Answers of
	// different versions may differ. Empty if unknown.
	Engine string
	// Roles lists what the model can do.
	Roles []ModelRole
	// Architecture is the name in the model's files, such as "LlamaForCausalLM" or "llama". Empty
	// if unknown.
	Architecture string
	// Parameters is the number of weights. 0 if unknown.
	Parameters int64
	// Chat reports that the model has a chat template, with which it reads Messages. False if
	// unknown.
	Chat bool
	// Dimensions is the length of the vectors of a model with the role Embed, and Pooling the
	// function from token states to a vector, such as "mean". 0 and empty if unknown.
	Dimensions int
	Pooling    string
	// Labels are the classes of a model with the role Tag, Rank or Predict, by index.
	Labels []string
	// Predicts is what a model with the role Predict predicts, and Threshold the probability below
	// which it predicts no label.
	Predicts  PredictionKind
	Threshold float64
}

// Identified returns i with a digest: if the weights are unknown, as those of a
// server, the name identifies the model.
func (i Info) Identified() Info {
	if i.Digest == "" {
		i.Digest = "named " + i.Name
	}
	return i
}

// Model answers requests. Its methods are safe for concurrent use. Do, Embed, Tag, Rank
// and Predict are for the roles Text, Embed, Tag, Rank and Predict of its Info; for a role that the model does not have, the
// method returns an error that wraps ErrRole. Each returns one result for each request, in order.
// Its error reports a failure of the whole call, such as a cancelled context or a closed model. The
// error of one request is in its result.
type Model interface {
	Info() Info
	Do(ctx context.Context, requests []Request) ([]Result, error)
	// Embed computes embeddings. All vectors of a model have the same length.
	Embed(ctx context.Context, requests []EmbedRequest) ([]Embedding, error)
	Tag(ctx context.Context, texts []string) ([]Tagging, error)
	Rank(ctx context.Context, pairs []Pair) ([]Ranking, error)
	// Predict applies the model to vectors of an embedder, which Info describes.
	Predict(ctx context.Context, embedder Info, vectors [][]float32) ([]Prediction, error)
	// CountTokens returns the number of tokens in text, without the chat template.
	CountTokens(text string) int
	// Cut returns text unchanged if it has at most max tokens. Otherwise it returns a prefix
	// of text of at most max tokens that ends between two characters, and true.
	Cut(text string, max int) (string, bool)
	Close() error
}

// Embedding is the vector of one text.
type Embedding struct {
	Vector []float32 // normalized: its Euclidean length is 1
	// Tokens is the number of tokens that were read. Cut reports that the text was longer
	// than the context window and was cut.
	Tokens int
	Cut    bool
	Err    error
}
