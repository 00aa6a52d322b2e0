package model

import (
	"math"
	"slices"

	"github.com/firesteel/firesteel/internal/engine/nn"
)

// rotary reads the settings of rotary positions for a type of layers. Files of transformers 5 have
// them in rope_parameters, in a group for each type if the types differ. Older files have the base
// as a setting of its own, and the other settings of all global layers in rope_scaling.
func (l *loader) rotary(headSize int, kind string, baseName setting, base float64) (*nn.Rotary, error) {
	s := l.source
	if s.GGUF != nil {
		base, err := ropeBase(s, baseName, base)
		if err != nil {
			return nil, err
		}
		factors, err := l.ropeFactorsGGUF(kind, headSize)
		return nn.NewRotary(headSize, base, factors), err
	}
	c, err := s.ropeConfig(kind)
	if err != nil {
		return nil, err
	}
	read := func(c *config, name string) error {
		if c.has("partial_rotary_factor") {
			if x, err := c.number("partial_rotary_factor"); err != nil || x != 1 {
				return s.wrong("partial_rotary_factor is not supported")
			}
		}
		if c.has(name) {
			base, err = c.number(name)
		}
		return err
	}
	if err := read(s.config, baseName.config); err != nil {
		return nil, err
	}
	if c != nil {
		if err := read(c, "rope_theta"); err != nil {
			return nil, err
		}
	}
	if !(base >= minRopeBase && base <= maxRopeBase) {
		return nil, s.wrong("%s is %g, expected %g to %g", baseName.config, base, minRopeBase, maxRopeBase)
	}
	factors, err := s.ropeFactors(c, headSize, base)
	return nn.NewRotary(headSize, base, factors), err
}

// ropeConfig returns the settings of rotary positions for a type of layers, or nil if
// there are none.
func (s *Source) ropeConfig(kind string) (*config, error) {
	if s.config.has("rope_parameters") {
		c, err := s.config.object("rope_parameters")
		switch {
		case err != nil:
			return nil, err
		case c.has(kind):
			return c.object(kind)
		case kind == localLayers:
			return nil, nil
		}
		return c, nil
	}
	if kind == localLayers || !s.config.has("rope_scaling") {
		return nil, nil
	}
	return s.config.object("rope_scaling")
}

// ropeFactorsGGUF returns the divisors of the frequencies of rotary positions, or nil if there are
// none. Llama 3.1 and later scale low frequencies. GGUF files have the divisors, and a config.json
// has settings that define them.
func (l *loader) ropeFactorsGGUF(kind string, headSize int) ([]float32, error) {
	s := l.source
	if kind == localLayers {
		return nil, nil
	}
	scaling, err := s.text(setting{gguf: "rope.scaling.type"})
	if err != nil {
		return nil, err
	}
	factor := 1.0
	switch scaling {
	case "none":
	case "", "linear": // a factor without a type is linear
		for _, key := range []string{"rope.scale_linear", "rope.scaling.factor"} { // the old and the current name
			if k := (setting{gguf: key}); s.has(k) {
				if factor, err = s.number(k, 0, 1e6); err != nil {
					return nil, err
				}
			}
		}
	default:
		return nil, s.wrong("rope.scaling.type %q is not supported; only linear is", scaling)
	}
	var factors []float32
	if l.has("rope_freqs.weight") {
		factors = l.vector("rope_freqs.weight", headSize/2, 0)
	}
	if factor == 0 || factor == 1 { // 0 means none
		return factors, nil
	}
	if factors == nil {
		return slices.Repeat([]float32{float32(factor)}, headSize/2), nil
	}
	for i := range factors {
		factors[i] *= float32(factor)
	}
	return factors, nil
}

// ropeFactors is ropeFactorsGGUF for the settings of a config.json.
func (s *Source) ropeFactors(c *config, headSize int, base float64) ([]float32, error) {
	if c == nil {
		return nil, nil
	}
	kind, _ := c.values["rope_type"].(string)
	if kind == "" {
		kind, _ = c.values["type"].(string) // the name in older files
	}
	keys := []string{"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}
	switch kind {
	case "", "default":
		return nil, nil
	case "linear":
		keys = keys[:1]
	case "llama3":
	default:
		return nil, s.wrong("rope_type %q is not supported; the supported types are linear and llama3", kind)
	}
	var v [4]float64
	for i, key := range keys {
		var err error
		if v[i], err = c.number(key); err != nil {
			return nil, err
		}
		if !(v[i] > 0 && v[i] < 1e9) {
			return nil, s.wrong("%s of the rotary positions is %g, which is out of range", key, v[i])
		}
	}
	factor, low, high, original := v[0], v[1], v[2], v[3]
	if kind == "linear" {
		return slices.Repeat([]float32{float32(factor)}, headSize/2), nil
	}
	if high <= low {
		return nil, s.wrong("high_freq_factor of the rotary positions, %g, is not greater than low_freq_factor, %g", high, low)
	}
	factors := make([]float32, headSize/2)
	for i := range factors {
		turns := original / (2 * math.Pi) * math.Pow(base, -2*float64(i)/float64(headSize))
		smooth := min(1, max(0, (turns-low)/(high-low)))
		factors[i] = float32(1 / ((1-smooth)/factor + smooth))
	}
	return factors, nil
}

const minRopeBase, maxRopeBase = 1.0001, 1e12

// ropeBase reads the base of rotary positions from a GGUF file.
func ropeBase(s *Source, k setting, defaultBase float64) (float64, error) {
	if !s.has(k) {
		return defaultBase, nil
	}
	return s.number(k, minRopeBase, maxRopeBase)
}
