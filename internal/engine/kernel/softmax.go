package kernel

import "math"

// Softmax replaces each of n rows of scores by softmax weights. The numbers from first to last-1 of
// a row are the scores, and the weights of the others are zero. The stride of the rows, width, is a
// multiple of 16 and the number of numbers in a row. The weights of a row with NaN are NaN.
func (s *Set) Softmax(n int, scores []float32, width, first, last int) {
	if n > 0 && width > 0 && first < last {
		s.softmax(n, scores[:n*width], width, first, last)
	}
}

// The sum of a row has sixteen partial sums, one for each i modulo 16, and adds them by halves.
func genericSoftmax(n int, scores []float32, width, first, last int) {
	for i := range n {
		row := scores[i*width : (i+1)*width]
		maximum := float32(math.Inf(-1))
		for _, x := range row[first:last] {
			maximum = max(maximum, x)
		}
		var sums [Width]float32
		for j, x := range row {
			row[j] = 0
			if j >= first && j < last {
				row[j] = expOne(x - maximum)
				sums[j%Width] += row[j]
			}
		}
		scale := 1 / foldSums(&sums)
		for j := range row {
			row[j] *= scale
		}
	}
}

// Add computes dst[i] += x[i]. The lengths are the same multiple of 16.
func (s *Set) Add(dst, x []float32) {
	if len(dst) > 0 {
		s.add(dst, x[:len(dst)])
	}
}

func genericAdd(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}
