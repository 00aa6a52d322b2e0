package match

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// Sample returns the indices of n of the texts, which are distinct: those whose SHA-256,
// together with the seed, is the least. Which texts these are does not depend on their
// order.
func Sample(texts []string, n int, seed uint64) []int {
	keys := make([][sha256.Size]byte, len(texts))
	order := make([]int, len(texts))
	for i, text := range texts {
		keys[i] = sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), text...))
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(slices.Compare(keys[a][:], keys[b][:]), strings.Compare(texts[a], texts[b]))
	})
	return order[:min(n, len(order))]
}

// Estimate is the share of the matches of a sample that are among the candidates of a
// rank of at most K.
type Estimate struct {
	K       int
	Matches int // of the sample
	Found   int // of these, among the candidates
}

// Share is the estimated recall. Without a match in the sample it is 1.
func (e Estimate) Share() float64 {
	if e.Matches == 0 {
		return 1
	}
	return float64(e.Found) / float64(e.Matches)
}

// Interval is the 95 % interval of Share (Wilson 1927).
func (e Estimate) Interval() (low, high float64) {
	if e.Matches == 0 {
		return 0, 1
	}
	const z = 1.959964
	n, p := float64(e.Matches), e.Share()
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// Depth returns the least K with which the share reaches the target, and otherwise the
// estimate of the largest K. ranks are the ranks of the matches of a sample, where 0 is a
// match that is no candidate of any rank. K is at most largest.
func Depth(ranks []int, target float64, largest int) Estimate {
	e := Estimate{K: 1, Matches: len(ranks)}
	for ; ; e.K++ {
		e.Found = 0
		for _, r := range ranks {
			if r > 0 && r <= e.K {
				e.Found++
			}
		}
		if e.Share() >= target || e.K >= largest {
			return e
		}
	}
}
