package llm

import "fmt"

// PredictionKind is what a model with the role Predict predicts.
type PredictionKind string

// The kinds.
const (
	PredictsLabel  PredictionKind = "label"  // one of the labels, or none of them
	PredictsLabels PredictionKind = "labels" // any number of the labels
	PredictsNumber PredictionKind = "number"
)

// PredictionKinds lists all kinds.
var PredictionKinds = []PredictionKind{PredictsLabel, PredictsLabels, PredictsNumber}

// Prediction is the result for one vector.
type Prediction struct {
	// Scores holds the probability of each of Info.Labels or, of PredictsNumber, the number.
	Scores []float64
	Err    error
}

// EmbedderError reports vectors of another embedder than a model with the role Predict was fitted on.
// It wraps ErrRequest.
type EmbedderError struct {
	Head             string // Info.Name of the model with the role Predict
	Want, WantDigest string
	Have, HaveDigest string
}

func (e *EmbedderError) Error() string {
	return fmt.Sprintf("%s was fitted on vectors of %s (digest %.12s), and cannot read those of %s (digest %.12s); use that embedder, or fit again", e.Head, e.Want, e.WantDigest, e.Have, e.HaveDigest)
}

func (e *EmbedderError) Unwrap() error { return ErrRequest }
