package kernel

import "golang.org/x/sys/cpu"

// available returns the instruction sets of this machine, the best one last. Package cpu reports
// AVX-512 only if the operating system keeps its registers.
func available() []Set {
	sets := []Set{generic}
	x86 := &cpu.X86
	if x86.HasAVX2 && x86.HasFMA && x86.HasF16C {
		sets = append(sets, avx2)
		if x86.HasAVX512F && x86.HasAVX512BW && x86.HasAVX512DQ && x86.HasAVX512VL && x86.HasAVX512VNNI {
			sets = append(sets, avx512)
		}
	}
	return sets
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mustBeMultiple(n, factor int) {
	if n%factor != 0 {
		panic("kernel: the length is not a multiple of the vector length")
	}
}
