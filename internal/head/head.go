// Package head reads, writes and applies what is learned from labels: a linear model on the vectors
// of an embedder, which predicts a label, several labels or a number.
//
// A head is one safetensors file. Its tensors are
//
//	weight F32 [outputs, dimensions]
//	bias   F32 [outputs]
//
// and its metadata has the key "firesteel.head" with a JSON text, the fields of Description. There is
// an output for each label, or one for a number. The scores of a vector v are weight·v + bias. Divided
// by the temperature they are the logits of the probabilities: of a softmax over the labels or, for
// several labels, of each label by itself.
//
// Open checks a file before it believes it: every number is finite, and shapes, labels and
// dimensions agree. Errors about the content wrap malformed.ErrFormat.
package head

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
	"github.com/firesteel/firesteel/llm"
)

// Version is the version of the arithmetic of Predict, as in llm.Info.Engine.
const Version = "head 1"

// format is Description.Format of files that this version writes and reads.
const format = 1

// metadataKey is the key of the description in the metadata.
const metadataKey = "firesteel.head"

// Limits of a file.
const (
	MaxLabels     = 2000
	MaxDimensions = 1 << 16
	maxLabelBytes = 1024
)

// Description is what a head says of itself.
type Description struct {
	Format int `json:"format"`
	// Predicts is what the head predicts.
	Predicts llm.PredictionKind `json:"predicts"`
	// Labels are the labels by output; empty for a number.
	Labels []string `json:"labels,omitempty"`
	// Embedder is the model whose vectors the head reads.
	Embedder Embedder `json:"embedder"`
	// Temperature divides the scores; 1 for a number.
	Temperature float64 `json:"temperature"`
	// Threshold is the probability below which no label is predicted.
	Threshold float64 `json:"threshold"`
	// None is the label of the training data for rows that have none of the labels; empty if the data
	// had no such rows.
	None string `json:"none,omitempty"`
	// C is the inverse of the strength of the regularization, chosen by cross-validation.
	C float64 `json:"c"`
	// Names is the weight of the names of labels, to whose similarity the regularization draws; 0 if it draws to zero.
	Names float64 `json:"names,omitempty"`
	// ClassWeights is "balanced" if labels count equally, and empty if rows do.
	ClassWeights string `json:"class_weights,omitempty"`
	Data         Data   `json:"data"`
	// Figures were measured on rows that were held out. The file's model is fitted on all rows.
	Figures []Figure `json:"figures,omitempty"`
	// Versions are those of the program and of the functions that made the labels.
	Versions []string `json:"versions"`
	// Created is the date, if the one who fitted the head asked for it.
	Created string `json:"created,omitempty"`
}

// Embedder identifies an embedder.
type Embedder struct {
	Role       llm.ModelRole `json:"role"`
	Name       string        `json:"name"`
	Digest     string        `json:"digest"`
	Precision  llm.Precision `json:"precision,omitempty"`
	Engine     string        `json:"engine,omitempty"`
	Dimensions int           `json:"dimensions"`
}

// Data describes the rows that a head was fitted on.
type Data struct {
	Rows    int    `json:"rows"`
	HeldOut int    `json:"held_out"`
	Digest  string `json:"digest"` // SHA-256 of vectors and labels, in hex
	Seed    uint64 `json:"seed"`
	// LabelledBy is the call that made the labels; empty if they came with the rows. By is its model.
	LabelledBy string `json:"labelled_by,omitempty"`
	By         string `json:"by,omitempty"`
}

// Figure is a figure with its 95 % interval.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Head is a linear model on vectors.
type Head struct {
	Description
	Weights []float32 // [outputs][dimensions]
	Bias    []float32 // [outputs]
}

// Outputs is the number of outputs.
func (d *Description) Outputs() int {
	if d.Predicts == llm.PredictsNumber {
		return 1
	}
	return len(d.Labels)
}

// Write writes the file. Equal heads give equal bytes.
func (h *Head) Write(w io.Writer) error {
	h.Format = format
	if what := h.wrong(); what != "" {
		return fmt.Errorf("the head to write is malformed: %s", what)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(h.Description); err != nil {
		return err
	}
	return safetensors.Write(w, map[string]string{metadataKey: strings.TrimSpace(text.String())}, []safetensors.Array{
		{Name: "weight", Shape: []int{h.Outputs(), h.Embedder.Dimensions}, Data: h.Weights},
		{Name: "bias", Shape: []int{h.Outputs()}, Data: h.Bias},
	})
}

// Is reports whether the file at path is a head, by its metadata. It is false for a file that cannot
// be read.
func Is(path string) bool {
	if !safetensors.IsFile(path) {
		return false
	}
	metadata, err := safetensors.Metadata(path)
	return err == nil && metadata[metadataKey] != ""
}

// Read reads the file at path.
func Read(path string) (*Head, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

func read(f *safetensors.File) (*Head, error) {
	fail := func(format string, args ...any) (*Head, error) {
		return nil, &malformed.Error{File: f.Path, Key: metadataKey, What: fmt.Sprintf(format, args...)}
	}
	text, ok := f.Metadata[metadataKey]
	if !ok {
		return fail("it is missing, so the file is not a head that firesteel fit wrote")
	}
	h := &Head{}
	if err := json.Unmarshal([]byte(text), &h.Description); err != nil {
		return fail("it is no description of a head: %v", err)
	}
	if h.Format != format {
		return fail("the format %d is not that of this version, %d; fit again", h.Format, format)
	}
	if what := h.Description.wrong(); what != "" {
		return fail("%s", what)
	}
	for _, t := range []struct {
		name  string
		shape []int
		to    *[]float32
	}{{"weight", []int{h.Outputs(), h.Embedder.Dimensions}, &h.Weights}, {"bias", []int{h.Outputs()}, &h.Bias}} {
		tensor, ok := f.Tensor(t.name)
		switch {
		case !ok:
			return fail("there is no tensor %q", t.name)
		case tensor.Type != safetensors.F32 || !slices.Equal(tensor.Shape, t.shape):
			return nil, tensor.Errorf("it is %v of %s, but the description says %v of F32", tensor.Shape, tensor.Type, t.shape)
		}
		*t.to = make([]float32, product(t.shape))
		if err := tensor.Dequantize(*t.to, 0, tensor.Rows()); err != nil {
			return nil, err
		}
		if !finite(*t.to) {
			return nil, tensor.Errorf("it has a number that is not finite")
		}
	}
	if len(f.Tensors) != 2 {
		return fail("the file has %d tensors, expected weight and bias only", len(f.Tensors))
	}
	return h, nil
}

// wrong says what is wrong with a description; it is empty if nothing is.
func (d *Description) wrong() string {
	positive := func(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
	switch {
	case !slices.Contains(llm.PredictionKinds, d.Predicts):
		return fmt.Sprintf("predicts is %.40q, expected one of %v", d.Predicts, llm.PredictionKinds)
	case d.Embedder.Digest == "":
		return "the digest of the embedder is missing"
	case d.Embedder.Dimensions < 1 || d.Embedder.Dimensions > MaxDimensions:
		return fmt.Sprintf("the vectors have %d dimensions, expected 1 to %d", d.Embedder.Dimensions, MaxDimensions)
	case !positive(d.Temperature):
		return fmt.Sprintf("the temperature is %g, expected a positive number", d.Temperature)
	case !(d.Threshold >= 0 && d.Threshold <= 1):
		return fmt.Sprintf("the threshold is %g, expected a number from 0 to 1", d.Threshold)
	case d.Predicts == llm.PredictsNumber && len(d.Labels) > 0:
		return "a head that predicts a number has no labels"
	case d.Predicts != llm.PredictsNumber && (len(d.Labels) < 1 || len(d.Labels) > MaxLabels):
		return fmt.Sprintf("there are %d labels, expected 1 to %d", len(d.Labels), MaxLabels)
	}
	seen := map[string]bool{}
	for _, label := range d.Labels {
		if strings.TrimSpace(label) == "" || len(label) > maxLabelBytes || seen[label] {
			return fmt.Sprintf("the label %.40q is blank, repeated or longer than %d bytes", label, maxLabelBytes)
		}
		seen[label] = true
	}
	return ""
}

// wrong is that of the description, and of the numbers.
func (h *Head) wrong() string {
	if what := h.Description.wrong(); what != "" {
		return what
	}
	if len(h.Weights) != h.Outputs()*h.Embedder.Dimensions || len(h.Bias) != h.Outputs() || !finite(h.Weights) || !finite(h.Bias) {
		return "the weights do not fit the description, or are not finite"
	}
	return ""
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func finite(numbers []float32) bool {
	for _, v := range numbers {
		if v-v != 0 {
			return false
		}
	}
	return true
}
