package model

import (
	"context"
	"errors"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/engine/nn"
	"github.com/firesteel/firesteel/llm"
)

// Encoder is a network that reads a whole text at once: every token attends to all others. It is
// safe for concurrent use; each goroutine needs its own EncoderState.
type Encoder interface {
	// Context returns the maximum number of tokens of a text.
	Context() int
	// Vocabulary returns the number of tokens that have embeddings.
	Vocabulary() int
	// Size returns the size of a hidden state.
	Size() int
	// Head returns the output of the network.
	Head() Head
	// Labels returns the names of the classes of the head.
	Labels() []string
	// Parameters returns the number of weights.
	Parameters() int64
	// NewState returns the memory of a goroutine. team may be nil.
	NewState(team *nn.Team) EncoderState
	// Bytes returns the memory of the weights in bytes.
	Bytes() int
	// Close releases the weights.
	Close() error
}

// Head is the kind of output of an Encoder.
type Head int

const (
	HiddenStates   Head = iota // a hidden state for each token
	TokenLogits                // a logit of each class for each token
	SequenceLogits             // a logit of each class for the text
)

// EncoderState computes the outputs of texts. It must be used by one goroutine at a time.
type EncoderState interface {
	// Run computes the outputs of texts. It calls emit for each text, in order, with a row for each
	// token, or with one row for SequenceLogits; emit must not keep the rows. Run calls stop several
	// times, and returns ErrStopped if it returns true.
	Run(texts []EncoderInput, stop func() bool, emit func(text int, rows Rows)) error
}

// EncoderInput is the tokens of a text or of a pair of texts.
type EncoderInput struct {
	Tokens []int32
	// Types are the segments of the tokens: 0 for the first text and 1 for the second one. Nil means
	// 0 for all.
	Types []int32
}

// Rows are rows of Size numbers.
type Rows struct {
	N, Size int
	data    []float32
	stride  int
}

// Row returns row i.
func (r Rows) Row(i int) []float32 { return r.data[i*r.stride : i*r.stride+r.Size] }

// encoderLoaders are the load functions by the name of the architecture in a GGUF file or a
// config.json.
var encoderLoaders = map[string]func(*Source, *encoder) (encoderNames, error){
	"BertModel": bert, "BertForMaskedLM": bert, "BertForPreTraining": bert, "BertForTokenClassification": bert, "BertForSequenceClassification": bert,
	"bert": bert, "modern-bert": modernbert,
	"DistilBertModel": distilbert, "DistilBertForMaskedLM": distilbert, "DistilBertForTokenClassification": distilbert, "DistilBertForSequenceClassification": distilbert,
	"RobertaModel": roberta, "RobertaForMaskedLM": roberta, "RobertaForTokenClassification": roberta, "RobertaForSequenceClassification": roberta,
	"XLMRobertaModel": roberta, "XLMRobertaForMaskedLM": roberta, "XLMRobertaForTokenClassification": roberta, "XLMRobertaForSequenceClassification": roberta,
	"CamembertModel": roberta, "CamembertForMaskedLM": roberta, "CamembertForTokenClassification": roberta, "CamembertForSequenceClassification": roberta,
	"MPNetModel": mpnet, "MPNetForMaskedLM": mpnet, "MPNetForTokenClassification": mpnet, "MPNetForSequenceClassification": mpnet,
	"ModernBertModel": modernbert, "ModernBertForMaskedLM": modernbert, "ModernBertForTokenClassification": modernbert, "ModernBertForSequenceClassification": modernbert,
}

// IsEncoder reports whether the source is an Encoder: by its architecture, or because it is a decoder
// with bidirectional attention.
func (s *Source) IsEncoder() bool {
	return encoderLoaders[s.Architecture] != nil || loaders[s.Architecture] != nil && s.bidirectional()
}

// LoadEncoder loads the network of a source with the given number of goroutines. The network reads
// from the source, so the source must not be closed before the network.
func LoadEncoder(ctx context.Context, s *Source, p llm.Precision, kernels *kernel.Set, threads int) (Encoder, error) {
	load := encoderLoaders[s.Architecture]
	if load == nil {
		network, err := Load(ctx, s, p, kernels, threads)
		if err != nil {
			return nil, err
		}
		m, ok := network.(*decoder)
		if !ok {
			return nil, errors.Join(s.wrong("the architecture %q with bidirectional attention is not supported", s.Architecture), network.Close())
		}
		return bidirectional{m}, nil
	}
	m := &encoder{kernels: kernels}
	names, err := load(s, m)
	if err != nil {
		return nil, err
	}
	return m, m.read(ctx, newLoader(s, p, kernels), names, threads)
}

// encoder is the network of BERT and similar architectures: layers of attention and of a
// feed-forward network. The parts that only some architectures have are nil or zero if the model
// does not have them. In the comments below E is the embedding size, F the feed-forward size, H the
// number of heads, S the head size and P the number of positions.
type encoder struct {
	kernels                *kernel.Set
	context, vocabulary    int
	embedding, feedForward int
	blocks                 int
	heads, headSize        int
	epsilon                float32
	activation             activation
	// normFirst: layers normalize their inputs instead of the sum of their inputs and outputs.
	normFirst bool
	gated     bool // the feed-forward network has a gate
	// window is the distance to which a token of a local layer sees.
	window              int
	rotary, rotaryLocal *nn.Rotary
	local               []bool // by layer

	lookUp         func(dst []float32, token int32) // the embedding of a token
	positions      []float32                        // P x E
	positionOffset int                              // the row of the first position
	positionCount  int                              // P
	types          []float32                        // by type, E
	typeCount      int
	embeddingNorm  layerNorm
	layers         []encoderLayer
	finalNorm      *layerNorm
	buckets        int      // of bias
	bias           *nn.Bias // relative positions
	head           encoderHead
	labels         []string
	weights
}

type layerNorm struct{ weight, bias []float32 } // E

type encoderLayer struct {
	qkv                            biased    // 3E x E
	queryBias                      []float32 // E; see foldBiases
	attentionOut                   biased    // E x E
	attentionNorm, feedForwardNorm *layerNorm
	in                             biased // F x E, or 2F x E if gated
	out                            biased // E x F
	local                          bool
}

// biased is a linear layer with a bias, which is padded to a multiple of 16 numbers, or nil.
type biased struct {
	*nn.Linear
	bias []float32
}

func (m *encoder) Context() int     { return m.context }
func (m *encoder) Vocabulary() int  { return m.vocabulary }
func (m *encoder) Size() int        { return m.embedding }
func (m *encoder) Head() Head       { return m.head.kind }
func (m *encoder) Labels() []string { return m.labels }

// activation is the function between the two matrices of a feed-forward network.
type activation int

const (
	gelu     activation = iota // with erf
	geluTanh                   // the approximation by tanh
	relu
	tanh
)
