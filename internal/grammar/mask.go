package grammar

import (
	"math"
	"math/bits"
)

// Mask is a set of tokens. Masks are shared and must not be changed.
type Mask struct {
	bits []uint64
	// list holds the tokens in order if there are at most maxListed, otherwise
	// it is nil.
	list  []int32
	count int
}

// maxListed is the number of tokens up to which a list is faster than bits.
const maxListed = 256

func newMask(bits []uint64) *Mask {
	m := &Mask{bits: bits}
	m.count = countBits(bits)
	if m.count <= maxListed {
		m.list = make([]int32, 0, m.count)
		m.each(func(id int32) { m.list = append(m.list, id) })
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

// Count returns the number of tokens in the set.
func (m *Mask) Count() int { return m.count }

// Has reports whether a token is in the set.
func (m *Mask) Has(id int32) bool {
	return id >= 0 && int(id)/64 < len(m.bits) && m.bits[id/64]>>(id%64)&1 != 0
}

// Bits returns the set as bits: token i is bit i%64 of word i/64.
func (m *Mask) Bits() []uint64 { return m.bits }

// Best returns the token of the set with the greatest logit, and the lowest id
// if several are equal, or -1 if the set is empty. logits is indexed by token
// id. Tokens without a logit are ignored, and NaN is less than every other
// logit.
func (m *Mask) Best(logits []float32) int32 {
	best, greatest := int32(-1), float32(math.Inf(-1))
	if m.list != nil {
		for _, id := range m.list {
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
	// All logits are -Inf or NaN.
	m.each(func(id int32) {
		if int(id) < len(logits) && (best < 0 || logits[best] != logits[best] && logits[id] == logits[id]) {
			best = id
		}
	})
	return best
}
