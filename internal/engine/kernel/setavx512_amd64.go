package kernel

// avx512 is the operations for AVX-512 with VNNI. What it does not have gains nothing from wider
// registers, or is rarely used.
var avx512 = func() Set {
	s := avx2
	s.Name = "avx512"
	s.tile, s.wide = avx512Tile, avx512Wide
	s.tile8, s.wide8, s.quantize = avx512Tile8, avx512Wide8, avx512Quantize
	s.rowsQ = avx512RowsQ
	s.exp, s.siluMul, s.geluMul = avx512Exp, avx512SiluMul, avx512GeluMul
	s.gelu, s.gatedGelu = avx512Gelu, avx512GatedGelu
	s.squares, s.maximum, s.scale = avx512Squares, avx512Maximum, avx512Scale
	s.sum, s.deviations, s.normalize = avx512Sum, avx512Deviations, avx512Normalize
	s.add, s.softmax = avx512Add, avx512Softmax
	return s
}()

// split calls do for the fewest runs of tiles of at most most rows. The sizes of tiles differ by
// one row at most.
func split(rows, most int, do func(first, tiles, size int)) {
	tiles := (rows + most - 1) / most
	size, larger := rows/tiles, rows%tiles
	if larger > 0 {
		do(0, larger, size+1)
	}
	do(larger*(size+1), tiles-larger, size)
}

var avx512Tiles = [...]func(tiles int, k int, a *float32, lda int, b, next, c *float32, ldc int, add int){
	1: tile1AVX512, 2: tile2AVX512, 3: tile3AVX512, 4: tile4AVX512, 5: tile5AVX512, 6: tile6AVX512, 7: tile7AVX512, 8: tile8AVX512}

func avx512Tile(rows, k int, a []float32, lda int, b, next, c []float32, ldc int, add bool) {
	_, _, _ = a[(rows-1)*lda+k-1], b[k*Width-1], c[(rows-1)*ldc+Width-1]
	split(rows, len(avx512Tiles)-1, func(first, tiles, size int) {
		avx512Tiles[size](tiles, k, &a[first*lda], lda, &b[0], &next[0], &c[first*ldc], ldc, flag(add))
	})
}

func avx512Wide(k int, a []float32, b []float32, stride int, c []float32, add bool) {
	_, _, _ = a[k-1], b[3*stride+k*Width-1], c[4*Width-1]
	wideAVX512(k, &a[0], &b[0], stride, &c[0], flag(add))
}

var avx512Tiles8 = [...]func(tiles int, k int, a *uint8, lda int, b *int8, c *float32, ldc int, rowScale *float32, ldr int, scale *float32, bias *int32, add int){
	1: tileInt8x1AVX512, 2: tileInt8x2AVX512, 3: tileInt8x3AVX512, 4: tileInt8x4AVX512, 5: tileInt8x5AVX512, 6: tileInt8x6AVX512,
	7: tileInt8x7AVX512, 8: tileInt8x8AVX512, 9: tileInt8x9AVX512, 10: tileInt8x10AVX512, 11: tileInt8x11AVX512, 12: tileInt8x12AVX512}

func avx512Tile8(rows, k int, a []uint8, b []int8, c []float32, ldc int, rowScale, scale []float32, bias []int32, add bool) {
	groups := Groups(k)
	_, _, _ = a[rows*k-1], b[k*Width-1], c[(rows-1)*ldc+Width-1]
	_, _, _ = rowScale[rows*groups-1], scale[groups*Width-1], bias[groups*Width-1]
	mustBeMultiple(k, 8)
	split(rows, len(avx512Tiles8)-1, func(first, tiles, size int) {
		avx512Tiles8[size](tiles, k, &a[first*k], k, &b[0], &c[first*ldc], ldc, &rowScale[first*groups], groups, &scale[0], &bias[0], flag(add))
	})
}

// avx512Wide8 reads one panel after the other, because one stream from memory is faster than four.
func avx512Wide8(k int, a []uint8, b []int8, stride int, c []float32, rowScale, scale []float32, bias []int32, add bool) {
	groups := Groups(k)
	_, _, _ = a[k-1], b[3*stride+k*Width-1], c[4*Width-1]
	_, _, _ = rowScale[groups-1], scale[4*groups*Width-1], bias[4*groups*Width-1]
	mustBeMultiple(k, 8)
	for p := range 4 {
		at := p * groups * Width
		tileInt8x1AVX512(1, k, &a[0], k, &b[p*stride], &c[p*Width], Width, &rowScale[0], groups, &scale[at], &bias[at], flag(add))
	}
}

func avx512Quantize(groups int, dst []uint8, src, scales []float32) {
	_, _, _ = dst[groups*GroupSize-1], src[groups*GroupSize-1], scales[groups-1]
	quantizeAVX512(groups, &dst[0], &src[0], &scales[0])
}

// The lengths of the functions below are multiples of 8. AVX2 processes the last 8 numbers of an
// odd multiple.

func avx512Exp(dst, src []float32, shift float32) {
	_ = src[len(dst)-1]
	whole := len(dst) / Width * Width
	if whole > 0 {
		expAVX512(whole, &dst[0], &src[0], shift)
	}
	if whole < len(dst) {
		avx2Exp(dst[whole:], src[whole:], shift)
	}
}

func avx512SiluMul(dst, gate, up []float32) {
	gated(dst, gate, up, siluMulAVX512, avx2SiluMul)
}

func avx512GeluMul(dst, gate, up []float32) {
	gated(dst, gate, up, geluMulAVX512, avx2GeluMul)
}

func avx512GatedGelu(dst, gate, up []float32) {
	gated(dst, gate, up, gatedGeluAVX512, avx2GatedGelu)
}

func gated(dst, gate, up []float32, wide func(n int, dst, gate, up *float32), rest func(dst, gate, up []float32)) {
	_, _ = gate[len(dst)-1], up[len(dst)-1]
	whole := len(dst) / Width * Width
	if whole > 0 {
		wide(whole, &dst[0], &gate[0], &up[0])
	}
	if whole < len(dst) {
		rest(dst[whole:], gate[whole:], up[whole:])
	}
}

func avx512Gelu(dst, x []float32) {
	_ = x[len(dst)-1]
	whole := len(dst) / Width * Width
	if whole > 0 {
		geluAVX512(whole, &dst[0], &x[0])
	}
	if whole < len(dst) {
		avx2Gelu(dst[whole:], x[whole:])
	}
}

func avx512Scale(dst, x []float32, scale float32, weight []float32) {
	_, _ = x[len(dst)-1], weight[len(dst)-1]
	whole := len(dst) / Width * Width
	if whole > 0 {
		scaleAVX512(whole, &dst[0], &x[0], scale, &weight[0])
	}
	if whole < len(dst) {
		avx2Scale(dst[whole:], x[whole:], scale, weight[whole:])
	}
}

// The lengths of the functions below are multiples of 16.

func avx512Squares(x []float32) float32 {
	mustBeMultiple(len(x), Width)
	return squaresAVX512(len(x), &x[0])
}

func avx512Sum(x []float32) float32 {
	mustBeMultiple(len(x), Width)
	return sumAVX512(len(x), &x[0])
}

func avx512Deviations(x []float32, mean float32) float32 {
	mustBeMultiple(len(x), Width)
	return deviationsAVX512(len(x), &x[0], mean)
}

func avx512Normalize(dst, x []float32, mean, scale float32, weight, bias []float32) {
	_, _, _ = x[len(dst)-1], weight[len(dst)-1], bias[len(dst)-1]
	mustBeMultiple(len(dst), Width)
	normalizeAVX512(len(dst), &dst[0], &x[0], mean, scale, &weight[0], &bias[0])
}

func avx512Maximum(x []float32) (maximum, nonFinite float32) {
	mustBeMultiple(len(x), Width)
	return maximumAVX512(len(x), &x[0])
}

func avx512Add(dst, x []float32) {
	_ = x[len(dst)-1]
	mustBeMultiple(len(dst), Width)
	addAVX512(len(dst), &dst[0], &x[0])
}

func avx512Softmax(n int, scores []float32, width, first, last int) {
	_ = scores[n*width-1]
	mustBeMultiple(width, Width)
	softmaxAVX512(n, &scores[0], width, first, last)
}
