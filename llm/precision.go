package llm

import "fmt"

// Precision is how many bits an engine keeps a model's weights in.
type Precision string

const (
	// Auto is Int8, which answered as well as Float32 where that was measured:
	// see docs/performance.md.
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
