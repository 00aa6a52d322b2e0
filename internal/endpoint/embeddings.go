package endpoint

import (
	"encoding/json"
	"fmt"
	"math"
)

type wireEmbeddings struct {
	Data []struct {
		Index     *int      `json:"index"`
		Embedding []float64 `json:"embedding"`
	} `json:"data"`
	Usage json.RawMessage `json:"usage"`
}

// parseEmbeddings gives n vectors of length 1, in the order of the inputs. The
// usage is what the server claims.
func parseEmbeddings(body []byte, n int) ([][]float32, *wireUsage, error) {
	if err := bodyError(body); err != nil {
		return nil, nil, err
	}
	var w wireEmbeddings
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnreadable, notJSON(body, err))
	}
	usage := readUsage(w.Usage)
	if len(w.Data) != n {
		return nil, usage, fmt.Errorf("%w: %d vectors for %d texts", errUnreadable, len(w.Data), n)
	}
	vectors := make([][]float32, n)
	for at, d := range w.Data {
		if d.Index != nil {
			at = *d.Index
		}
		if at < 0 || at >= n || vectors[at] != nil {
			return nil, usage, fmt.Errorf("%w: vectors with wrong indexes", errUnreadable)
		}
		if len(d.Embedding) == 0 || len(d.Embedding) != len(w.Data[0].Embedding) {
			return nil, usage, fmt.Errorf("%w: vectors of %d and %d numbers", errUnreadable, len(w.Data[0].Embedding), len(d.Embedding))
		}
		sum := 0.0
		for _, x := range d.Embedding {
			sum += x * x
		}
		length := math.Sqrt(sum)
		if !(length > 0) || math.IsInf(length, 0) {
			return nil, usage, fmt.Errorf("%w: a vector without direction", errUnreadable)
		}
		vectors[at] = make([]float32, len(d.Embedding))
		for i, x := range d.Embedding {
			vectors[at][i] = float32(x / length)
		}
	}
	return vectors, usage, nil
}
