package kernel

var avx2 = Set{
	Name: "avx2",
	tile: avx2Tile, wide: avx2Wide, dots: avx2Dots,
	tile8: avx2Tile8, wide8: avx2Wide8, quantize: avx2Quantize, quantizeQ: avx2QuantizeQ,
	rowsQ:        avx2RowsQ,
	weightBounds: avx2WeightBounds, roundWeights: avx2RoundWeights,
	exp: avx2Exp, siluMul: avx2SiluMul, geluMul: avx2GeluMul,
	gelu: avx2Gelu, gatedGelu: avx2GatedGelu,
	squares: avx2Squares, maximum: avx2Maximum, scale: avx2Scale,
	sum: avx2Sum, deviations: avx2Deviations, normalize: avx2Normalize,
	add: avx2Add, softmax: avx2Softmax,
	transpose: avx2Transpose,
}

// tileRows is the maximum number of rows of a tile.
const tileRows = 6

var avx2Tiles = [...]func(tiles int, k int, a *float32, lda int, b, next, c *float32, ldc int, add int){
	1: tile1AVX2, 2: tile2AVX2, 3: tile3AVX2, 4: tile4AVX2, 5: tile5AVX2, 6: tile6AVX2}

// The assembly does not check indices. The functions below check the last index that it accesses.

func avx2Tile(rows, k int, a []float32, lda int, b, next, c []float32, ldc int, add bool) {
	_, _, _ = a[(rows-1)*lda+k-1], b[k*Width-1], c[(rows-1)*ldc+Width-1]
	run := func(first, tiles, size int) {
		avx2Tiles[size](tiles, k, &a[first*lda], lda, &b[0], &next[0], &c[first*ldc], ldc, flag(add))
	}
	whole, rest := rows/tileRows, rows%tileRows
	if rest > 0 && whole > 0 { // two tiles of similar size are faster than a full and a small one
		whole, rest = whole-1, rest+tileRows
	}
	if whole > 0 {
		run(0, whole, tileRows)
	}
	if rest == 0 {
		return
	}
	first := rows - rest
	if rest > tileRows {
		half := (rest + 1) / 2
		run(first, 1, half)
		first, rest = first+half, rest-half
	}
	run(first, 1, rest)
}

func avx2Wide(k int, a []float32, b []float32, stride int, c []float32, add bool) {
	_, _, _ = a[k-1], b[3*stride+k*Width-1], c[4*Width-1]
	wideAVX2(k, &a[0], &b[0], stride, &c[0], flag(add))
}

var avx2DotsRows = [...]func(k int, a *float32, lda int, b *float32, stride int, c *float32, ldc int){
	1: dots1AVX2, 2: dots2AVX2, 3: dots3AVX2, 4: dots4AVX2, 5: dots5AVX2, 6: dots6AVX2}

func avx2Dots(rows, k int, a []float32, lda int, b []float32, stride int, c []float32, ldc int) {
	_, _, _ = a[(rows-1)*lda+k-1], b[(k/Width-1)*stride+2*Width-1], c[(rows-1)*ldc+1]
	mustBeMultiple(k, Width)
	for i := 0; i < rows; i += tileRows {
		avx2DotsRows[min(rows-i, tileRows)](k, &a[i*lda], lda, &b[0], stride, &c[i*ldc], ldc)
	}
}

func avx2Exp(dst, src []float32, shift float32) {
	_ = src[len(dst)-1]
	mustBeMultiple(len(dst), 8)
	expAVX2(len(dst), &dst[0], &src[0], shift)
}

func avx2SiluMul(dst, gate, up []float32) {
	_, _ = gate[len(dst)-1], up[len(dst)-1]
	mustBeMultiple(len(dst), 8)
	siluMulAVX2(len(dst), &dst[0], &gate[0], &up[0])
}

func avx2GeluMul(dst, gate, up []float32) {
	_, _ = gate[len(dst)-1], up[len(dst)-1]
	mustBeMultiple(len(dst), 8)
	geluMulAVX2(len(dst), &dst[0], &gate[0], &up[0])
}

func avx2Gelu(dst, x []float32) {
	_ = x[len(dst)-1]
	mustBeMultiple(len(dst), 8)
	geluAVX2(len(dst), &dst[0], &x[0])
}

func avx2GatedGelu(dst, gate, up []float32) {
	_, _ = gate[len(dst)-1], up[len(dst)-1]
	mustBeMultiple(len(dst), 8)
	gatedGeluAVX2(len(dst), &dst[0], &gate[0], &up[0])
}

func avx2Sum(x []float32) float32 {
	mustBeMultiple(len(x), 16)
	return sumAVX2(len(x), &x[0])
}

func avx2Deviations(x []float32, mean float32) float32 {
	mustBeMultiple(len(x), 16)
	return deviationsAVX2(len(x), &x[0], mean)
}

func avx2Normalize(dst, x []float32, mean, scale float32, weight, bias []float32) {
	_, _, _ = x[len(dst)-1], weight[len(dst)-1], bias[len(dst)-1]
	mustBeMultiple(len(dst), 16)
	normalizeAVX2(len(dst), &dst[0], &x[0], mean, scale, &weight[0], &bias[0])
}

func avx2Add(dst, x []float32) {
	_ = x[len(dst)-1]
	mustBeMultiple(len(dst), Width)
	addAVX2(len(dst), &dst[0], &x[0])
}

func avx2Softmax(n int, scores []float32, width, first, last int) {
	_ = scores[n*width-1]
	mustBeMultiple(width, Width)
	softmaxAVX2(n, &scores[0], width, first, last)
}

func avx2Squares(x []float32) float32 {
	mustBeMultiple(len(x), 16)
	return squaresAVX2(len(x), &x[0])
}

func avx2Maximum(x []float32) (maximum, nonFinite float32) {
	mustBeMultiple(len(x), 16)
	return maximumAVX2(len(x), &x[0])
}

func avx2Scale(dst, x []float32, scale float32, weight []float32) {
	_, _ = x[len(dst)-1], weight[len(dst)-1]
	mustBeMultiple(len(dst), 8)
	scaleAVX2(len(dst), &dst[0], &x[0], scale, &weight[0])
}

func avx2Transpose(k int, dst, src []float32, stride int) {
	_, _ = dst[(k-1)*Width+7], src[7*stride+k-1]
	mustBeMultiple(k, 8)
	transposeAVX2(k, &dst[0], &src[0], stride)
}

func avx2Quantize(groups int, dst []uint8, src, scales []float32) {
	_, _, _ = dst[groups*GroupSize-1], src[groups*GroupSize-1], scales[groups-1]
	quantizeAVX2(groups, &dst[0], &src[0], &scales[0])
}

func avx2QuantizeQ(groups int, dst []uint8, src []float32) {
	_, _ = dst[groups*inputBytesQ-1], src[groups*partQ-1]
	quantizeQAVX2(groups, &dst[0], &src[0])
}

func avx2WeightBounds(w *[GroupSize]float32) (maximum, sum float32) { return weightBoundsAVX2(&w[0]) }

func avx2RoundWeights(dst *[GroupSize]int8, w *[GroupSize]float32, factor float32) uint16 {
	return uint16(roundWeightsAVX2(&dst[0], &w[0], factor))
}

const tileRows8 = 4

var avx2Tiles8 = [tileRows8]func(tiles int, k int, a *uint8, lda int, b *int8, c *float32, ldc int, rowScale *float32, ldr int, scale *float32, bias *int32, add int){
	1: tileInt8x1AVX2, 2: tileInt8x2AVX2, 3: tileInt8x3AVX2}

func avx2Tile8(rows, k int, a []uint8, b []int8, c []float32, ldc int, rowScale, scale []float32, bias []int32, add bool) {
	groups := Groups(k)
	_, _, _ = a[rows*k-1], b[k*Width-1], c[(rows-1)*ldc+Width-1]
	_, _, _ = rowScale[rows*groups-1], scale[groups*Width-1], bias[groups*Width-1]
	mustBeMultiple(k, 8)
	tiles := rows / tileRows8
	if tiles > 0 {
		tileInt8x4AVX2(tiles, k, &a[0], k, &b[0], &c[0], ldc, &rowScale[0], groups, &scale[0], &bias[0], flag(add))
	}
	if at := tiles * tileRows8; at < rows {
		avx2Tiles8[rows-at](1, k, &a[at*k], k, &b[0], &c[at*ldc], ldc, &rowScale[at*groups], groups, &scale[0], &bias[0], flag(add))
	}
}

func avx2Wide8(k int, a []uint8, b []int8, stride int, c []float32, rowScale, scale []float32, bias []int32, add bool) {
	groups := Groups(k)
	_, _, _ = a[k-1], b[3*stride+k*Width-1], c[4*Width-1]
	_, _, _ = rowScale[groups-1], scale[4*groups*Width-1], bias[4*groups*Width-1]
	mustBeMultiple(k, 8)
	wideInt8AVX2(k, &a[0], &b[0], stride, &c[0], &rowScale[0], &scale[0], &bias[0], groups, flag(add))
}
