// Command gen generates the assembly of package kernel. go generate runs it, once for each
// instruction set.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	panel     = 16 // outputs in a panel of a packed matrix
	panelSize = 4 * panel
	unroll    = 4
)

func main() {
	isa := flag.String("isa", "", "the instruction set: avx2 or avx512")
	flag.Parse()
	switch *isa {
	case "avx2":
		lane = 8
		avx2()
	case "avx512":
		lane = 16
		avx512()
	default:
		log.Fatalf("-isa is %q; the instruction sets are avx2 and avx512", *isa)
	}
	Generate()
}

func avx2() {
	const tileRows, tileRows8 = 6, 4
	for rows := 1; rows <= tileRows; rows++ {
		tile(rows)
	}
	wide()
	for rows := 1; rows <= tileRows; rows++ {
		dots(rows)
	}
	one := ones()
	for rows := 1; rows <= tileRows8; rows++ {
		tileInt8(rows, one)
	}
	wideInt8(one)
	productsQ(tileRows8, one)
	order := packOrder()
	quantizeQ(order, one, quantize(order))
	weightBounds()
	roundWeights(order)
	vectors()
	transpose()
}

func avx512() {
	// Twelve rows of a packed matrix of 32-bit numbers would evict each other from the first-level
	// cache.
	const tileRows, tileRows8 = 8, 12
	for rows := 1; rows <= tileRows; rows++ {
		tile(rows)
	}
	wide()
	for rows := 1; rows <= tileRows8; rows++ {
		tileVNNI(rows)
	}
	productsQ(tileRows8, Mem{})
	quantize512()
	vectors()
}

// productsQ generates the products with matrices of the block types of GGUF files.
func productsQ(tileRows int, ones Mem) {
	for _, l := range layouts {
		for rows := 1; rows <= tileRows; rows++ {
			rowsQ(rows, l, ones)
		}
	}
}

// vectors generates the functions of vectors.
func vectors() {
	table := newTable()
	exp(table)
	siluMul(table)
	geluMul(table)
	gelu(table)
	rmsNorm()
	layerNorm()
	maximum()
	softmax(table)
	add()
}

// rows addresses the rows of a matrix with one base register for each three rows.
type rows struct {
	bases  []reg.GPVirtual
	stride reg.GPVirtual // bytes
}

func newRows(base, stride reg.GPVirtual, n int) rows {
	r := rows{[]reg.GPVirtual{base}, stride}
	for i := 3; i < n; i += 3 {
		next := GP64()
		LEAQ(Mem{Base: r.bases[len(r.bases)-1], Index: stride, Scale: 2}, next)
		ADDQ(stride, next)
		r.bases = append(r.bases, next)
	}
	return r
}

func (r rows) at(row, displacement int) Mem {
	m := Mem{Base: r.bases[row/3], Disp: displacement}
	if row %= 3; row > 0 {
		m.Index, m.Scale = r.stride, uint8(row)
	}
	return m
}

func (r rows) advance(bytes uint64) {
	for _, b := range r.bases {
		ADDQ(U32(bytes), b)
	}
}

func param(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// loopK calls step for unroll consecutive k at a time, and for the remaining k one by one. step
// must not change the order of additions to an accumulator.
func loopK(k reg.GPVirtual, step func(unrolled int), advance func(steps int)) {
	SUBQ(Imm(unroll), k)
	JL(LabelRef("rest"))
	Label("loop")
	for u := range unroll {
		step(u)
	}
	advance(unroll)
	SUBQ(Imm(unroll), k)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(Imm(unroll), k)
	JZ(LabelRef("done"))
	Label("single")
	step(0)
	advance(1)
	DECQ(k)
	JNZ(LabelRef("single"))
	Label("done")
}
