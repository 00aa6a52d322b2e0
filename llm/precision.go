package llm

import "fmt"

// Precision is the number format in which an engine keeps the weights of a model.
type Precision string

const (
	// Auto selects Int8. It is about twice as fast as Float32, and 1 to 3 of 100 answers
	// differ; see docs/decisions/2026-11-25-weights-in-8-bits.md.
	Auto    Precision = "auto"
	Float32 Precision = "f32"
	Int8    Precision = "int8"
	// File keeps weights of the types Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K of GGUF files
	// as in the file, and others as Int8. It needs the least memory and gives single answers fastest, but reads prompts more
	// slowly; see docs/decisions/2026-12-01-weights-as-in-the-file.md.
	File Precision = "file"
)

// ParsePrecision parses "auto", "f32", "int8" or "file". The empty string is Auto.
func ParsePrecision(s string) (Precision, error) {
	switch p := Precision(s); p {
	case Auto, Float32, Int8, File:
		return p, nil
	case "":
		return Auto, nil
	}
	return "", fmt.Errorf("unknown precision %q: expected auto, f32, int8 or file", s)
}

// Stored returns the precision that an engine stores weights in: p itself, or Int8 for Auto and for
// the empty precision.
func (p Precision) Stored() Precision {
	if p == Auto || p == "" {
		return Int8
	}
	return p
}
