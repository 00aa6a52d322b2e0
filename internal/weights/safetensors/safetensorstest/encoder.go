package safetensorstest

import (
	"path/filepath"
	"slices"
	"strings"
)

// WriteEncoder writes config.json and the seeded weights of an encoder, by the shapes of its
// tensors, to folder. Python computes the same weights in internal/engine/testdata/encoders/make.py.
func WriteEncoder(folder string, config map[string]any, shapes map[string][]int) error {
	if err := writeJSON(filepath.Join(folder, "config.json"), config); err != nil {
		return err
	}
	var all []tensor
	for name, shape := range shapes {
		all = append(all, tensor{name: name, shape: shape, kind: encoderKind(name, shape)})
	}
	slices.SortFunc(all, func(a, b tensor) int { return strings.Compare(a.name, b.name) })
	return writeFile(filepath.Join(folder, "model.safetensors"), all, f32)
}

func encoderKind(name string, shape []int) kind {
	switch {
	case strings.HasSuffix(name, ".bias"):
		return spread(.3, 1)
	case len(shape) == 1:
		return kind{1, .25}
	case strings.Contains(name, "embeddings"), strings.Contains(name, "relative_attention_bias"):
		return spread(1, 1)
	}
	return spread(1.5, shape[1])
}
