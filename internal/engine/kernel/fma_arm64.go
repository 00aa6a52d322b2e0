package kernel

// fma returns x*y + z, rounded once. For this processor the compiler uses one instruction, fmadd.
// The conversion prevents that it uses fmadd for z instead, if z is a product.
func fma(x, y, z float32) float32 { return x*y + float32(z) }

// fmaEach computes sums[j] = x*y[j] + sums[j], each rounded once.
func fmaEach(sums, y *[Width]float32, x float32) {
	for j := range sums {
		sums[j] = fma(x, y[j], sums[j])
	}
}
