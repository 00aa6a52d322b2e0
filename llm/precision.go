package llm

import "fmt"

// Precision is how many bits an engine keeps a model's weights in.
type Precision string

const (
	// Auto is Int8: twice as fast, for one to three answers in a hundred that
	// differ; see docs/decisions/2026-11-25-weights-in-8-bits.md.
	Auto    Precision = "auto"
	Float32 Precision = "f32"
	Int8    Precision = "int8"
)

// ParsePrecision reads a precision as users write it; empty is Auto.
func ParsePrecision(s string) (Precision, error) {
	switch p := Precision(s); p {
	case Auto, Float32, Int8:
		return p, nil
	case "":
		return Auto, nil
	}
	return "", fmt.Errorf("the precision %q is not known; it is auto, f32 or int8", s)
}
