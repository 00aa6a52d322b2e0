package kernel

// avx512RowsOfK are the products of 1 to 12 rows with the blocks of a panel, by layout.
var avx512RowsOfK = map[LayoutK][13]func(tiles int, blocks int, src *uint8, a *uint8, lda int, c *float32, ldc int){
	LayoutQ4K: {1: rowsQ4Kx1AVX512, 2: rowsQ4Kx2AVX512, 3: rowsQ4Kx3AVX512, 4: rowsQ4Kx4AVX512, 5: rowsQ4Kx5AVX512, 6: rowsQ4Kx6AVX512, 7: rowsQ4Kx7AVX512, 8: rowsQ4Kx8AVX512, 9: rowsQ4Kx9AVX512, 10: rowsQ4Kx10AVX512, 11: rowsQ4Kx11AVX512, 12: rowsQ4Kx12AVX512},
	LayoutQ5K: {1: rowsQ5Kx1AVX512, 2: rowsQ5Kx2AVX512, 3: rowsQ5Kx3AVX512, 4: rowsQ5Kx4AVX512, 5: rowsQ5Kx5AVX512, 6: rowsQ5Kx6AVX512, 7: rowsQ5Kx7AVX512, 8: rowsQ5Kx8AVX512, 9: rowsQ5Kx9AVX512, 10: rowsQ5Kx10AVX512, 11: rowsQ5Kx11AVX512, 12: rowsQ5Kx12AVX512},
	LayoutQ6K: {1: rowsQ6Kx1AVX512, 2: rowsQ6Kx2AVX512, 3: rowsQ6Kx3AVX512, 4: rowsQ6Kx4AVX512, 5: rowsQ6Kx5AVX512, 6: rowsQ6Kx6AVX512, 7: rowsQ6Kx7AVX512, 8: rowsQ6Kx8AVX512, 9: rowsQ6Kx9AVX512, 10: rowsQ6Kx10AVX512, 11: rowsQ6Kx11AVX512, 12: rowsQ6Kx12AVX512},
}

func avx512RowsK(l LayoutK, rows, blocks int, src, a []uint8, lda int, c []float32, ldc int) {
	_, _ = src[blocks*l.blockBytes()-1], c[(rows-1)*ldc+Width-1]
	_ = a[(rows-1)*lda+blocks*BlockK/partK*inputBytesK-1]
	of := avx512RowsOfK[l]
	split(rows, len(of)-1, func(first, tiles, size int) {
		of[size](tiles, blocks, &src[0], &a[first*lda], lda, &c[first*ldc], ldc)
	})
}
