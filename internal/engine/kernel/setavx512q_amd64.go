package kernel

// avx512RowsOfQ are the products of 1 to 12 rows with a panel, by layout.
var avx512RowsOfQ = [layoutsQ][13]func(tiles int, k int, src *uint8, a *uint8, lda int, c *float32, ldc int){
	Q4_0: {1: rowsQ40x1AVX512, 2: rowsQ40x2AVX512, 3: rowsQ40x3AVX512, 4: rowsQ40x4AVX512, 5: rowsQ40x5AVX512, 6: rowsQ40x6AVX512, 7: rowsQ40x7AVX512, 8: rowsQ40x8AVX512, 9: rowsQ40x9AVX512, 10: rowsQ40x10AVX512, 11: rowsQ40x11AVX512, 12: rowsQ40x12AVX512},
	Q4_1: {1: rowsQ41x1AVX512, 2: rowsQ41x2AVX512, 3: rowsQ41x3AVX512, 4: rowsQ41x4AVX512, 5: rowsQ41x5AVX512, 6: rowsQ41x6AVX512, 7: rowsQ41x7AVX512, 8: rowsQ41x8AVX512, 9: rowsQ41x9AVX512, 10: rowsQ41x10AVX512, 11: rowsQ41x11AVX512, 12: rowsQ41x12AVX512},
	Q5_0: {1: rowsQ50x1AVX512, 2: rowsQ50x2AVX512, 3: rowsQ50x3AVX512, 4: rowsQ50x4AVX512, 5: rowsQ50x5AVX512, 6: rowsQ50x6AVX512, 7: rowsQ50x7AVX512, 8: rowsQ50x8AVX512, 9: rowsQ50x9AVX512, 10: rowsQ50x10AVX512, 11: rowsQ50x11AVX512, 12: rowsQ50x12AVX512},
	Q5_1: {1: rowsQ51x1AVX512, 2: rowsQ51x2AVX512, 3: rowsQ51x3AVX512, 4: rowsQ51x4AVX512, 5: rowsQ51x5AVX512, 6: rowsQ51x6AVX512, 7: rowsQ51x7AVX512, 8: rowsQ51x8AVX512, 9: rowsQ51x9AVX512, 10: rowsQ51x10AVX512, 11: rowsQ51x11AVX512, 12: rowsQ51x12AVX512},
	Q8_0: {1: rowsQ80x1AVX512, 2: rowsQ80x2AVX512, 3: rowsQ80x3AVX512, 4: rowsQ80x4AVX512, 5: rowsQ80x5AVX512, 6: rowsQ80x6AVX512, 7: rowsQ80x7AVX512, 8: rowsQ80x8AVX512, 9: rowsQ80x9AVX512, 10: rowsQ80x10AVX512, 11: rowsQ80x11AVX512, 12: rowsQ80x12AVX512},
	Q4_K: {1: rowsQ4Kx1AVX512, 2: rowsQ4Kx2AVX512, 3: rowsQ4Kx3AVX512, 4: rowsQ4Kx4AVX512, 5: rowsQ4Kx5AVX512, 6: rowsQ4Kx6AVX512, 7: rowsQ4Kx7AVX512, 8: rowsQ4Kx8AVX512, 9: rowsQ4Kx9AVX512, 10: rowsQ4Kx10AVX512, 11: rowsQ4Kx11AVX512, 12: rowsQ4Kx12AVX512},
	Q5_K: {1: rowsQ5Kx1AVX512, 2: rowsQ5Kx2AVX512, 3: rowsQ5Kx3AVX512, 4: rowsQ5Kx4AVX512, 5: rowsQ5Kx5AVX512, 6: rowsQ5Kx6AVX512, 7: rowsQ5Kx7AVX512, 8: rowsQ5Kx8AVX512, 9: rowsQ5Kx9AVX512, 10: rowsQ5Kx10AVX512, 11: rowsQ5Kx11AVX512, 12: rowsQ5Kx12AVX512},
	Q6_K: {1: rowsQ6Kx1AVX512, 2: rowsQ6Kx2AVX512, 3: rowsQ6Kx3AVX512, 4: rowsQ6Kx4AVX512, 5: rowsQ6Kx5AVX512, 6: rowsQ6Kx6AVX512, 7: rowsQ6Kx7AVX512, 8: rowsQ6Kx8AVX512, 9: rowsQ6Kx9AVX512, 10: rowsQ6Kx10AVX512, 11: rowsQ6Kx11AVX512, 12: rowsQ6Kx12AVX512},
}

func avx512RowsQ(l LayoutQ, rows, k int, panel, a []uint8, c []float32, ldc int) {
	lda := k / partQ * inputBytesQ
	_, _, _ = panel[formsQ[l].panelBytes(k)-1], a[rows*lda-1], c[(rows-1)*ldc+Width-1]
	of := &avx512RowsOfQ[l]
	split(rows, len(of)-1, func(first, tiles, size int) {
		of[size](tiles, k, &panel[0], &a[first*lda], lda, &c[first*ldc], ldc)
	})
}
