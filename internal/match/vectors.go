package match

// NearestByVectors returns for each left text its k nearest right texts by the product of
// their vectors, nearest first. Vectors have length 1 and the same dimension, so that the
// product is the cosine; a text with a nil vector is not paired.
func NearestByVectors(left, right [][]float32, texts []string, k int) [][]Pair {
	found := make([]nearest, len(left))
	for i := range found {
		found[i] = nearest{k: k, texts: texts}
	}
	// A block of right vectors stays in the cache while all left vectors pass.
	const block = 128
	for from := 0; from < len(right); from += block {
		to := min(from+block, len(right))
		for i, x := range left {
			for j := from; x != nil && j < to; j++ {
				if right[j] != nil {
					found[i].add(Pair{i, j, Product(x, right[j])})
				}
			}
		}
	}
	pairs := make([][]Pair, len(left))
	for i := range found {
		pairs[i] = found[i].pairs
	}
	return pairs
}

// Product is the product of two vectors of the same dimension. The four sums have a fixed
// order, so that the result is the same everywhere.
func Product(x, y []float32) float64 {
	y = y[:len(x)]
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += float64(x[i]) * float64(y[i])
		b += float64(x[i+1]) * float64(y[i+1])
		c += float64(x[i+2]) * float64(y[i+2])
		d += float64(x[i+3]) * float64(y[i+3])
	}
	for ; i < len(x); i++ {
		a += float64(x[i]) * float64(y[i])
	}
	return a + b + (c + d)
}
