package grammar

import (
	"math"
	"math/bits"
)

// Mask is a set of tokens. It is shared and must not be changed.
type Mask struct {
	bits []uint64
	// few lists the tokens, in order, where they are few; else it is nil.
	few   []int32
	count int
}

// maxFew is up to how many tokens a list is faster than the bits.
const maxFew = 256

func newMask(bits []uint64) *Mask {
	m := &Mask{bits: bits}
	m.count = countBits(bits)
	if m.count <= maxFew {
		m.few = make([]int32, 0, m.count)
		m.each(func(id int32) { m.few = append(m.few, id) })
	}
	return m
}

func countBits(words []uint64) int {
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n
}

func (m *Mask) each(do func(id int32)) {
	for i, w := range m.bits {
		for ; w != 0; w &= w - 1 {
			do(int32(i*64 + bits.TrailingZeros64(w)))
		}
	}
}

// Count is the number of tokens in the set.
func (m *Mask) Count() int { return m.count }

// Has tells whether a token is in the set.
func (m *Mask) Has(id int32) bool {
	return id >= 0 && int(id)/64 < len(m.bits) && m.bits[id/64]>>(id%64)&1 != 0
}

// Bits gives the set as bits: token i is bit i%64 of word i/64.
func (m *Mask) Bits() []uint64 { return m.bits }

// Best gives the token of the set with the greatest logit, the lowest id of
// several, or -1 if the set is empty. Logits are by token id; tokens beyond
// them are left out, and a logit that is not a number loses to every other.
func (m *Mask) Best(logits []float32) int32 {
	best, greatest := int32(-1), float32(math.Inf(-1))
	if m.few != nil {
		for _, id := range m.few {
			if int(id) < len(logits) && logits[id] > greatest {
				best, greatest = id, logits[id]
			}
		}
	} else {
		for i, w := range m.bits {
			part := logits[min(i*64, len(logits)):min(i*64+64, len(logits))]
			if w == math.MaxUint64 {
				for k, x := range part {
					if x > greatest {
						best, greatest = int32(i*64+k), x
					}
				}
				continue
			}
			for ; w != 0; w &= w - 1 {
				if k := bits.TrailingZeros64(w); k < len(part) && part[k] > greatest {
					best, greatest = int32(i*64+k), part[k]
				}
			}
		}
	}
	if best >= 0 {
		return best
	}
	// Only minus infinities and what is no number.
	m.each(func(id int32) {
		if int(id) < len(logits) && (best < 0 || logits[best] != logits[best] && logits[id] == logits[id]) {
			best = id
		}
	})
	return best
}
