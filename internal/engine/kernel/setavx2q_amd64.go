package kernel

// avx2RowsOfQ are the products of 1 to 4 rows with a panel, by layout.
var avx2RowsOfQ = [layoutsQ][5]func(tiles int, k int, src *uint8, a *uint8, lda int, c *float32, ldc int){
	Q4_0: {1: rowsQ40x1AVX2, 2: rowsQ40x2AVX2, 3: rowsQ40x3AVX2, 4: rowsQ40x4AVX2},
	Q4_1: {1: rowsQ41x1AVX2, 2: rowsQ41x2AVX2, 3: rowsQ41x3AVX2, 4: rowsQ41x4AVX2},
	Q5_0: {1: rowsQ50x1AVX2, 2: rowsQ50x2AVX2, 3: rowsQ50x3AVX2, 4: rowsQ50x4AVX2},
	Q5_1: {1: rowsQ51x1AVX2, 2: rowsQ51x2AVX2, 3: rowsQ51x3AVX2, 4: rowsQ51x4AVX2},
	Q8_0: {1: rowsQ80x1AVX2, 2: rowsQ80x2AVX2, 3: rowsQ80x3AVX2, 4: rowsQ80x4AVX2},
	Q4_K: {1: rowsQ4Kx1AVX2, 2: rowsQ4Kx2AVX2, 3: rowsQ4Kx3AVX2, 4: rowsQ4Kx4AVX2},
	Q5_K: {1: rowsQ5Kx1AVX2, 2: rowsQ5Kx2AVX2, 3: rowsQ5Kx3AVX2, 4: rowsQ5Kx4AVX2},
	Q6_K: {1: rowsQ6Kx1AVX2, 2: rowsQ6Kx2AVX2, 3: rowsQ6Kx3AVX2, 4: rowsQ6Kx4AVX2},
}

func avx2RowsQ(l LayoutQ, rows, k int, panel, a []uint8, c []float32, ldc int) {
	lda := k / partQ * inputBytesQ
	_, _, _ = panel[formsQ[l].panelBytes(k)-1], a[rows*lda-1], c[(rows-1)*ldc+Width-1]
	of := &avx2RowsOfQ[l]
	split(rows, len(of)-1, func(first, tiles, size int) {
		of[size](tiles, k, &panel[0], &a[first*lda], lda, &c[first*ldc], ldc)
	})
}
