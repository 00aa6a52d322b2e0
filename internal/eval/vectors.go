package eval

import (
	"fmt"
	"math"
	"reflect"

	"github.com/firesteel/firesteel/ai"
)

// asksVectors reports whether the function returns the vector of a text. Its score of
// two texts is the cosine of their vectors.
func (e *Evaluation) asksVectors(f *ai.Function) bool {
	if f.Of != nil { // of a try_ function
		f = f.Of
	}
	return e.task.Kind == ScoreKind && f.Returns == ai.FloatArray
}

// similarities returns the cosines of vectors. The first half of the vectors is of
// the first texts of the rows, and the other half of the second texts.
func similarities(vectors []any, failures []error) ([]any, []error) {
	n := len(vectors) / 2
	values, failed := make([]any, n), make([]error, n)
	for i := range n {
		a, errA := vector(vectors[i], failures[i])
		b, errB := vector(vectors[n+i], failures[n+i])
		switch {
		case errA != nil:
			failed[i] = errA
		case errB != nil:
			failed[i] = errB
		case a == nil || b == nil: // NULL
		case len(a) != len(b):
			failed[i] = fmt.Errorf("the vectors have %d and %d numbers", len(a), len(b))
		default:
			values[i] = cosine(a, b)
		}
	}
	return values, failed
}

// vector reads the answer of a function of vectors, or of its try_ function. It is nil
// for NULL.
func vector(value any, failure error) ([]float64, error) {
	if failure != nil {
		return nil, failure
	}
	value, err := tried(value)
	if err != nil || value == nil {
		return nil, err
	}
	list := reflect.ValueOf(value)
	if list.Kind() != reflect.Slice {
		return nil, fmt.Errorf("%w as a vector: %T", ErrUnread, value)
	}
	v := make([]float64, list.Len())
	for i := range v {
		number := list.Index(i)
		if number.Kind() == reflect.Interface {
			number = number.Elem()
		}
		if !number.CanFloat() {
			return nil, fmt.Errorf("%w as a vector of numbers", ErrUnread)
		}
		v[i] = number.Float()
	}
	return v, nil
}

// cosine is the cosine of the angle between two vectors, and 0 if one has no direction.
func cosine(a, b []float64) float64 {
	var aa, bb, ab float64
	for i := range a {
		aa, bb, ab = aa+a[i]*a[i], bb+b[i]*b[i], ab+a[i]*b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
