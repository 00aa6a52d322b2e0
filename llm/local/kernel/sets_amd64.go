package kernel

import "golang.org/x/sys/cpu"

// available lists the instruction sets of this machine, the best last.
func available() []Set {
	sets := []Set{generic}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets = append(sets, Set{"avx2", avx2Tile, avx2Wide, avx2Exp, avx2SiluMul})
	}
	return sets
}

var avx2Tiles = [...]func(k int, a *float32, lda int, b *float32, c *float32, ldc int, add int){
	1: tile1, 2: tile2, 3: tile3, 4: tile4, 5: tile5, 6: tile6}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The indices below are the last that the assembly touches: Go checks what it
// would not.

func avx2Tile(rows, k int, a []float32, lda int, b []float32, c []float32, ldc int, add bool) {
	_, _, _ = a[(rows-1)*lda+k-1], b[k*Width-1], c[(rows-1)*ldc+Width-1]
	avx2Tiles[rows](k, &a[0], lda, &b[0], &c[0], ldc, flag(add))
}

func avx2Wide(k int, a []float32, b []float32, stride int, c []float32, add bool) {
	_, _, _ = a[k-1], b[3*stride+k*Width-1], c[4*Width-1]
	wide(k, &a[0], &b[0], stride, &c[0], flag(add))
}

func avx2Exp(dst, src []float32, shift float32) {
	_ = src[len(dst)-1]
	mustBeMultiple(len(dst))
	exp8(len(dst), &dst[0], &src[0], shift)
}

func avx2SiluMul(dst, gate, up []float32) {
	_, _ = gate[len(dst)-1], up[len(dst)-1]
	mustBeMultiple(len(dst))
	siluMul8(len(dst), &dst[0], &gate[0], &up[0])
}

func mustBeMultiple(n int) {
	if n%8 != 0 {
		panic("kernel: length is not a multiple of 8")
	}
}
