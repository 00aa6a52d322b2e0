package kernel

import (
	"encoding/binary"
	"math"
	"strings"
)

// lanes returns the number of 32-bit lanes of an instruction.
func lanes(i *instruction) int {
	n := 4
	for _, o := range i.operands {
		switch o.kind {
		case 'Z':
			return 16
		case 'Y':
			n = 8
		}
	}
	return n
}

// read returns n lanes of a register or memory.
func (e *emulator) read(o operand, n int) (v [16]uint32) {
	switch o.kind {
	case 'X', 'Y', 'Z':
		copy(v[:n], e.vectors[o.number][:n])
	case 'G':
		v[0] = uint32(e.general[o.text])
	default:
		for i := range n {
			v[i] = binary.LittleEndian.Uint32(e.bytes(o, 4*n)[4*i:])
		}
	}
	return v
}

// write sets n lanes. Those above in a register become zero.
func (e *emulator) write(o operand, n int, v [16]uint32) {
	clear(v[n:])
	if o.kind != 'M' {
		e.vectors[o.number] = v
		return
	}
	for i := range n {
		binary.LittleEndian.PutUint32(e.bytes(o, 4*n)[4*i:], v[i])
	}
}

func float(x uint32) float32 { return math.Float32frombits(x) }

// byLane are the instructions that compute a lane from the same lanes of two sources and the
// destination. The first operand is the last source.
var byLane = map[string]func(last, first, dst uint32) uint32{
	"VADDPS":       floats(func(last, first, _ float32) float32 { return first + last }),
	"VSUBPS":       floats(func(last, first, _ float32) float32 { return first - last }),
	"VMULPS":       floats(func(last, first, _ float32) float32 { return first * last }),
	"VDIVPS":       floats(func(last, first, _ float32) float32 { return first / last }),
	"VFMADD213PS":  floats(func(last, first, dst float32) float32 { return fma(first, dst, last) }),
	"VFMADD231PS":  floats(func(last, first, dst float32) float32 { return fma(first, last, dst) }),
	"VFNMADD231PS": floats(func(last, first, dst float32) float32 { return fma(-first, last, dst) }),
	"VFMSUB231PS":  floats(func(last, first, dst float32) float32 { return fma(first, last, -dst) }),
	// The last source is the result if one is NaN, or both are zero.
	"VMAXPS": floats(func(last, first, _ float32) float32 {
		if first > last {
			return first
		}
		return last
	}),
	"VMINPS": floats(func(last, first, _ float32) float32 {
		if first < last {
			return first
		}
		return last
	}),
	"VXORPS":  func(last, first, _ uint32) uint32 { return first ^ last },
	"VPXORD":  func(last, first, _ uint32) uint32 { return first ^ last },
	"VORPS":   func(last, first, _ uint32) uint32 { return first | last },
	"VANDPS":  func(last, first, _ uint32) uint32 { return first & last },
	"VPORD":   func(last, first, _ uint32) uint32 { return first | last },
	"VPANDD":  func(last, first, _ uint32) uint32 { return first & last },
	"VANDNPS": func(last, first, _ uint32) uint32 { return ^first & last },
	"VPADDD":  func(last, first, _ uint32) uint32 { return first + last },
	"VPMAXSD": func(last, first, _ uint32) uint32 { return uint32(max(int32(first), int32(last))) },
	// Products of four unsigned bytes of the first source and signed bytes of the last one.
	"VPDPBUSD": func(last, first, dst uint32) uint32 {
		for i := 0; i < 32; i += 8 {
			dst += uint32(int32(uint8(first>>i)) * int32(int8(last>>i)))
		}
		return dst
	},
}

func floats(do func(last, first, dst float32) float32) func(last, first, dst uint32) uint32 {
	return func(last, first, dst uint32) uint32 {
		return math.Float32bits(do(float(last), float(first), float(dst)))
	}
}

// converted are the instructions that compute a lane from the same lane of one source.
var converted = map[string]func(uint32) uint32{
	"VCVTDQ2PS": func(x uint32) uint32 { return math.Float32bits(float32(int32(x))) },
	"VCVTPS2DQ": func(x uint32) uint32 {
		y := math.RoundToEven(float64(float(x)))
		if y >= math.MinInt32 && y <= math.MaxInt32 {
			return uint32(int32(y))
		}
		return 1 << 31
	},
	"VMOVUPS": func(x uint32) uint32 { return x }, "VMOVAPS": func(x uint32) uint32 { return x },
	"VMOVDQU32": func(x uint32) uint32 { return x }, "VMOVDQA32": func(x uint32) uint32 { return x },
}

// vector executes an instruction of vector or mask registers.
func (e *emulator) vector(i *instruction) bool {
	n, o := lanes(i), i.operands
	dst := o[len(o)-1]
	each := func(do func(lane int) uint32) {
		var v [16]uint32
		for l := range n {
			v[l] = do(l)
		}
		e.write(dst, n, v)
	}
	name, broadcast := strings.CutSuffix(i.name, ".BCST")
	if do := byLane[name]; do != nil && dst.kind != 'K' {
		var last [16]uint32
		if broadcast {
			x := e.read(o[0], 1)
			for l := range n {
				last[l] = x[0]
			}
		} else {
			last = e.read(o[0], n)
		}
		first, old := e.read(o[1], n), e.read(dst, n)
		each(func(l int) uint32 { return do(last[l], first[l], old[l]) })
		return true
	}
	if do := converted[name]; do != nil {
		x := e.read(o[0], n)
		each(func(l int) uint32 { return do(x[l]) })
		return true
	}
	return e.move(i, n, each)
}

// move executes the instructions that move lanes, and those of single lanes and masks.
func (e *emulator) move(i *instruction, n int, each func(do func(lane int) uint32)) bool {
	o := i.operands
	dst := o[len(o)-1]
	mask := func(do func(lane int) bool) {
		e.masks[dst.number] = 0
		for l := range n {
			if do(l) {
				e.masks[dst.number] |= 1 << l
			}
		}
	}
	ones := func(b bool) uint32 {
		if b {
			return math.MaxUint32
		}
		return 0
	}
	switch i.name {
	case "VBROADCASTSS", "VPBROADCASTD":
		x := e.read(o[0], 1)
		each(func(int) uint32 { return x[0] })
	case "VMOVD", "VMOVSS", "MOVSS":
		e.write(dst, 1, e.read(o[0], 1))
	case "VDIVSS":
		v := e.read(o[1], 4)
		v[0] = math.Float32bits(float(v[0]) / float(e.read(o[0], 1)[0]))
		e.write(dst, 4, v)
	case "VCMPSS": // greater or equal
		v := e.read(o[2], 4)
		v[0] = ones(o[0].number == 13 && float(v[0]) >= float(e.read(o[1], 1)[0]))
		e.write(dst, 4, v)
	case "VCMPPS": // unordered
		a, b := e.read(o[1], n), e.read(o[2], n)
		mask(func(l int) bool {
			return o[0].number == 3 && (float(a[l]) != float(a[l]) || float(b[l]) != float(b[l]))
		})
	case "VPCMPGTD":
		a, b := e.read(o[0], n), e.read(o[1], n)
		mask(func(l int) bool { return int32(b[l]) > int32(a[l]) })
	case "KANDW":
		e.masks[dst.number] = e.masks[o[0].number] & e.masks[o[1].number]
	case "VPMOVM2D":
		each(func(l int) uint32 { return ones(e.masks[o[0].number]>>l&1 == 1) })
	case "VRNDSCALEPS": // to the nearest integer
		x := e.read(o[1], n)
		each(func(l int) uint32 { return math.Float32bits(float32(math.RoundToEven(float64(float(x[l]))))) })
	case "VPSLLD":
		x := e.read(o[1], n)
		each(func(l int) uint32 { return x[l] << o[0].number })
	case "VPSLLW", "VPSRLW":
		x := e.read(o[1], n)
		each(func(l int) uint32 {
			low, high := uint16(x[l]), uint16(x[l]>>16)
			if i.name == "VPSLLW" {
				return uint32(low<<o[0].number) | uint32(high<<o[0].number)<<16
			}
			return uint32(low>>o[0].number) | uint32(high>>o[0].number)<<16
		})
	case "VPMOVSXBD":
		x := e.bytes(o[0], n)
		each(func(l int) uint32 { return uint32(int32(int8(x[l]))) })
	case "VCVTPH2PS":
		x := e.bytes(o[0], 2*n)
		each(func(l int) uint32 { return math.Float32bits(half(x[2*l:])) })
	case "VPSHUFD":
		x := e.read(o[1], n)
		each(func(l int) uint32 { return x[l&^3+int(o[0].number>>(2*(l&3))&3)] })
	case "VPERMD":
		x, index := e.read(o[0], n), e.read(o[1], n)
		each(func(l int) uint32 { return x[index[l]&15] })
	case "VEXTRACTF128":
		x := e.read(o[1], 8)
		e.write(dst, 4, [16]uint32(append(x[4*o[0].number:4*o[0].number+4:4*o[0].number+4], make([]uint32, 12)...)))
	case "VEXTRACTF64X4":
		x := e.read(o[1], 16)
		e.write(dst, 8, [16]uint32(append(x[8*o[0].number:8*o[0].number+8:8*o[0].number+8], make([]uint32, 8)...)))
	case "VPACKSSDW":
		e.pack(o, 16)
	case "VPACKSSWB":
		e.pack(o, 8)
	default:
		return false
	}
	return true
}

// pack narrows signed numbers to the given number of bits, with saturation. Each part of 128 bits
// has the numbers of the first source and then those of the last one.
func (e *emulator) pack(o []operand, to int) {
	last, first := e.read(o[0], 16), e.read(o[1], 16)
	var v [16]uint32
	perLane := 32 / to // results in a lane
	for l := range 16 {
		source, at := first, l%4
		if at >= 2 {
			source, at = last, at-2
		}
		for r := range perLane {
			n := at*perLane + r // of the source's numbers in this part
			from := 2 * to
			x := source[l&^3+n*from/32] >> (n * from % 32)
			number := int64(int32(x<<(32-from)) >> (32 - from))
			limit := int64(1)<<(to-1) - 1
			number = min(max(number, -limit-1), limit)
			v[l] |= uint32(number) & (1<<to - 1) << (r * to)
		}
	}
	e.write(o[2], 16, v)
}
