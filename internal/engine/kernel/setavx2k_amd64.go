package kernel

// avx2RowsOfK are the products of 1 to 4 rows with the blocks of a panel, by layout.
var avx2RowsOfK = map[LayoutK][5]func(tiles int, blocks int, src *uint8, a *uint8, lda int, c *float32, ldc int){
	LayoutQ4K: {1: rowsQ4Kx1AVX2, 2: rowsQ4Kx2AVX2, 3: rowsQ4Kx3AVX2, 4: rowsQ4Kx4AVX2},
	LayoutQ5K: {1: rowsQ5Kx1AVX2, 2: rowsQ5Kx2AVX2, 3: rowsQ5Kx3AVX2, 4: rowsQ5Kx4AVX2},
	LayoutQ6K: {1: rowsQ6Kx1AVX2, 2: rowsQ6Kx2AVX2, 3: rowsQ6Kx3AVX2, 4: rowsQ6Kx4AVX2},
}

func avx2RowsK(l LayoutK, rows, blocks int, src, a []uint8, lda int, c []float32, ldc int) {
	_, _ = src[blocks*l.blockBytes()-1], c[(rows-1)*ldc+Width-1]
	_ = a[(rows-1)*lda+blocks*BlockK/partK*inputBytesK-1]
	of := avx2RowsOfK[l]
	split(rows, len(of)-1, func(first, tiles, size int) {
		of[size](tiles, blocks, &src[0], &a[first*lda], lda, &c[first*ldc], ldc)
	})
}
