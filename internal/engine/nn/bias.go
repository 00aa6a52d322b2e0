package nn

import "math"

// Bias is what is added to a head's scores for the distance between a query
// and a key.
type Bias struct {
	reach int // the greatest distance it has values for
	// heads is, by head, the values for the distances from -reach, a key that
	// far before the query, to reach.
	heads [][]float32
}

// NewBias makes a bias from a table [buckets][heads]: the distances in both
// directions, or only those to keys before the query, share buckets as T5 has
// them (Raffel et al. 2020, section 2.1). Half of the buckets of a direction
// are for a distance each; the others grow by the logarithm, up to the distance
// furthest, beyond which there is one for all.
func NewBias(table []float32, heads, buckets, furthest, reach int, both bool) *Bias {
	b := &Bias{reach, make([][]float32, heads)}
	for h := range b.heads {
		b.heads[h] = make([]float32, 2*reach+1)
	}
	for i := range 2*reach + 1 {
		values := table[bucket(i-reach, buckets, furthest, both)*heads:]
		for h := range b.heads {
			b.heads[h][i] = values[h]
		}
	}
	return b
}

// bucket of a key that lies distance after the query.
func bucket(distance, buckets, furthest int, both bool) int {
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
	// In 32 bits, as the models were trained.
	growth := float32(math.Log(float64(float32(distance)/float32(exact)))) / float32(math.Log(float64(furthest)/float64(exact))) * float32(buckets-exact)
	return first + min(exact+int(growth), buckets-1)
}

// addBias adds to one row's scores, of the slots it sees, the values for the
// positions of their tokens: those from the row's own zero on. Slots below
// Leading hold the token of that position, extra ones those that follow.
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

// column says where a slot's score stands.
func (a *Attention) column(c *Cache, slot int) int {
	for i := len(a.columns) - 1; ; i-- {
		if s := &c.segments[i]; slot >= s.start {
			return a.columns[i] + slot - s.start
		}
	}
}
