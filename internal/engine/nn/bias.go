package nn

import "math"

// Bias is the relative position bias of T5: it is added to the scores of a head, by the distance
// between query and key.
type Bias struct {
	reach int // the maximum distance
	// heads has, for each head, the values for the distances -reach (the key is that far before
	// the query) to reach.
	heads [][]float32
}

// NewBias returns a bias from a table [buckets][heads]. Distances share buckets as in T5 (Raffel et
// al. 2020, section 2.1): half of the buckets of a direction hold one distance each, and the others
// grow logarithmically up to maxDistance, beyond which all distances share one bucket. If both is
// false, keys after the query use the bucket of distance 0.
func NewBias(table []float32, heads, buckets, maxDistance, reach int, both bool) *Bias {
	b := &Bias{reach, make([][]float32, heads)}
	for h := range b.heads {
		b.heads[h] = make([]float32, 2*reach+1)
	}
	for i := range 2*reach + 1 {
		values := table[bucket(i-reach, buckets, maxDistance, both)*heads:]
		for h := range b.heads {
			b.heads[h][i] = values[h]
		}
	}
	return b
}

// bucket returns the bucket of a key that is distance after the query.
func bucket(distance, buckets, maxDistance int, both bool) int {
	first := 0
	if both {
		buckets /= 2
		if distance > 0 {
			first = buckets
		} else {
			distance = -distance
		}
	} else {
		distance = max(0, -distance)
	}
	exact := buckets / 2
	if distance < exact {
		return first + distance
	}
	// In 32 bits, as in training.
	growth := float32(math.Log(float64(float32(distance)/float32(exact)))) / float32(math.Log(float64(maxDistance)/float64(exact))) * float32(buckets-exact)
	return first + min(exact+int(growth), buckets-1)
}

// addBias adds the bias to the scores of one row. values are those for the position of each token,
// from position 0. A slot below Leading holds the token of that position; the extra slots hold the
// tokens that follow.
func (a *Attention) addBias(c *Cache, view View, values, scores []float32) {
	for i, column := range a.columns {
		s := &c.segments[i]
		n := min(s.n, view.Leading-s.start)
		if n <= 0 {
			break
		}
		segment := scores[column : column+n]
		for j, v := range values[s.start : s.start+n] {
			segment[j] += v
		}
	}
	for k, slot := range view.Extra {
		scores[a.column(c, int(slot))] += values[view.Leading+k]
	}
}

// column returns the index of a slot in the scores of a row.
func (a *Attention) column(c *Cache, slot int) int {
	for i := len(a.columns) - 1; ; i-- {
		if s := &c.segments[i]; slot >= s.start {
			return a.columns[i] + slot - s.start
		}
	}
}
