package kernel

import "math"

// LayerNorm computes dst = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias for one row.
// The variance is that of the population. The length is a multiple of 16. dst may be x.
func (s *Set) LayerNorm(dst, x, weight, bias []float32, epsilon float32) {
	n := len(dst)
	if n == 0 {
		return
	}
	mean := float32(float64(s.sum(x[:n])) / float64(n))
	variance := float64(s.deviations(x[:n], mean)) / float64(n)
	s.normalize(dst, x[:n], mean, float32(1/math.Sqrt(variance+float64(epsilon))), weight[:n], bias[:n])
}

func genericSum(x []float32) float32 {
	var sums [16]float32
	for i := 0; i < len(x); i += 16 {
		for j, v := range (*[16]float32)(x[i:]) {
			sums[j] += v
		}
	}
	return foldSums(&sums)
}

func genericDeviations(x []float32, mean float32) float32 {
	var sums [16]float32
	for i := 0; i < len(x); i += 16 {
		for j, v := range (*[16]float32)(x[i:]) {
			d := v - mean
			sums[j] = fma(d, d, sums[j])
		}
	}
	return foldSums(&sums)
}

func genericNormalize(dst, x []float32, mean, scale float32, weight, bias []float32) {
	for i, v := range x {
		dst[i] = fma((v-mean)*scale, weight[i], bias[i])
	}
}

// foldSums adds sixteen sums by halves.
func foldSums(sums *[16]float32) float32 {
	for n := 8; n > 0; n /= 2 {
		for j := range n {
			sums[j] += sums[j+n]
		}
	}
	return sums[0]
}
