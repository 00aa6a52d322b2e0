package llm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ModelRole is a kind of work that a model does for functions. A session has at most one default
// model for each role.
type ModelRole string

const (
	Text  ModelRole = "text"  // generates text and scores labels
	Embed ModelRole = "embed" // computes embeddings of texts
	Tag   ModelRole = "tag"   // classifies the tokens of a text
	Rank  ModelRole = "rank"  // classifies a text or a pair of texts
	// Predict predicts labels or a number from the vector of an embedder: what firesteel fit learns.
	Predict ModelRole = "predict"
)

// Roles lists all roles.
var Roles = []ModelRole{Text, Embed, Tag, Rank, Predict}

// ErrRole is the class of errors of a model that does not have the role it is asked for.
var ErrRole = errors.New("the model does not have this role")

// Has reports whether the model has a role.
func (i Info) Has(r ModelRole) bool { return slices.Contains(i.Roles, r) }

// Unsupported implements the methods of Model for roles that a model does not have. A model embeds
// it and defines the methods of its own roles.
type Unsupported struct{}

// Do returns an error that wraps ErrRole.
func (Unsupported) Do(context.Context, []Request) ([]Result, error) { return nil, unsupported(Text) }

// Embed returns an error that wraps ErrRole.
func (Unsupported) Embed(context.Context, []EmbedRequest) ([]Embedding, error) {
	return nil, unsupported(Embed)
}

// Tag returns an error that wraps ErrRole.
func (Unsupported) Tag(context.Context, []string) ([]Tagging, error) { return nil, unsupported(Tag) }

// Rank returns an error that wraps ErrRole.
func (Unsupported) Rank(context.Context, []Pair) ([]Ranking, error) { return nil, unsupported(Rank) }

// Predict returns an error that wraps ErrRole.
func (Unsupported) Predict(context.Context, Info, [][]float32) ([]Prediction, error) {
	return nil, unsupported(Predict)
}

func unsupported(r ModelRole) error { return fmt.Errorf("%w: %s", ErrRole, r) }

// RoleError reports that a model does not have a role that is asked for. It wraps ErrRole.
type RoleError struct {
	Model string      // Info.Name
	Have  []ModelRole // Info.Roles
	Role  ModelRole   // the role that it does not have
}

func (e *RoleError) Error() string {
	have := "no role"
	if len(e.Have) > 0 {
		all := make([]string, len(e.Have))
		for i, r := range e.Have {
			all[i] = string(r)
		}
		have = "the role " + all[0] + " only"
		if len(all) > 1 {
			have = "the roles " + strings.Join(all, ", ") + " only"
		}
	}
	return fmt.Sprintf("%s has %s; a model with the role %s is needed", e.Model, have, e.Role)
}

func (e *RoleError) Unwrap() error { return ErrRole }

// EmbedRequest is a text to embed.
type EmbedRequest struct {
	Text string
	// Prompt names a prompt of the model's files that is put before the text, such as "query" or
	// "document". A model without a prompt of that name adds none. Empty selects the model's
	// default.
	Prompt string
}

// Tagging is the result of a Tag request.
type Tagging struct {
	// Spans are the labelled parts of the text in the order of the text. They do not overlap. It is
	// empty if the model's labels do not mark spans (such as B-PERSON and I-PERSON do).
	Spans []TagSpan
	// Tokens are the tokens of the text, without special tokens.
	Tokens []TagToken
	Err    error
}

// TagSpan is text[Start:End], in bytes, with its label.
type TagSpan struct {
	Label      string // without a prefix such as B- or I-
	Start, End int
	Score      float64 // the mean probability of the label over the tokens of the span
}

// TagToken is text[Start:End], in bytes, and the probability of each of the model's labels, in the
// order of Info.Labels.
type TagToken struct {
	Start, End    int
	Probabilities []float32
}

// Pair is one text, or a pair of texts such as a query and a passage.
type Pair struct{ A, B string }

// Ranking is the result of a Rank request.
type Ranking struct {
	// Logits holds one number for each of the model's labels, in the order of Info.Labels. A
	// cross-encoder for search has one: higher means more relevant.
	Logits []float64
	Tokens int  // tokens that were read
	Cut    bool // the texts were longer than the context window and were cut
	Err    error
}
