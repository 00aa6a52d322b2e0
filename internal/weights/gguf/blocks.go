package gguf

import (
	"encoding/binary"

	"github.com/firesteel/firesteel/internal/weights/floats"
)

// A quantized row is a sequence of blocks of 32 numbers or, for the K types, of 256 numbers.
// The parts of a block, in order, are below. f16 is an IEEE 754 half-precision number, [n] is
// n bytes, and x is number i of the block:
//
//	Q8_0  d f16 | q [32]                         x = d*q, q signed
//	Q4_0  d f16 | low [16]                       x = d*(q-8)
//	Q4_1  d f16 | m f16 | low [16]               x = d*q + m
//	Q5_0  d f16 | high [4] | low [16]            x = d*(q-16)
//	Q5_1  d f16 | m f16 | high [4] | low [16]    x = d*q + m
//
// Here the low 4 bits of q are the low half of byte i of low for i < 16, and the high half of
// byte i-16 for i >= 16. The fifth bit is bit i of high, little-endian.
//
//	Q2_K  scales [16] | low [64] | d f16 | m f16            x = d*s*q - m*t
//	Q3_K  high [32] | low [64] | scales [12] | d f16        x = d*(s-32)*(q-4)
//	Q4_K  d f16 | m f16 | scales [12] | low [128]           x = d*s*q - m*t
//	Q5_K  d f16 | m f16 | scales [12] | high [32] | low [128]   the same
//	Q6_K  low [128] | high [64] | scales [16] | d f16       x = d*s*(q-32)
//
// Here s and t belong to group g of 32 numbers (Q4_K, Q5_K) or 16 numbers (the others):
//
//	Q2_K  the low and the high half of byte g of scales
//	Q3_K  6 bits: 4 in byte g%8, its low half for g < 8; above them 2 in byte
//	      8 + g%4, at bit g/4*2
//	Q4_K  6 bits each. g < 4: the low 6 bits of byte g are s, of byte g+4 are t.
//	Q5_K  g >= 4: the halves of byte g+4 are the low 4 bits of s and of t; the
//	      bits above them are the 2 highest of byte g-4 for s, of byte g for t
//	Q6_K  byte g, signed
//
// The bits of q are stored in planes of 32 bytes. Number i uses byte i%32 of a plane:
//
//	2 low bits in Q2_K, Q3_K   plane i/128 of low, at bit i/32%4*2
//	1 high bit in Q3_K, Q5_K   the one plane of high, at bit i/32
//	4 low bits in Q4_K, Q5_K   plane i/64 of low, at bit i/32%2*4
//	4 low bits in Q6_K         plane i/128*2 + i/32%2 of low, at bit i/64%2*4
//	2 high bits in Q6_K        plane i/128 of high, at bit i/32%4*2
//
// Products are computed from left to right, and every step is rounded to float32, as in ggml
// (ggml-common.h, ggml-quants.c). The conversions to float32 below prevent the compiler from
// fusing a product and a sum.

const superBlock = 256 // numbers in a block of a K type

func dequantizeQ8_0(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[34:] {
		d := floats.Half(src)
		for i, q := range src[2:34] {
			dst[i] = d * float32(int8(q))
		}
	}
}

func dequantizeQ4_0(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[18:] {
		d := floats.Half(src)
		for i, q := range src[2:18] {
			dst[i] = d * float32(int(q&15)-8)
			dst[i+16] = d * float32(int(q>>4)-8)
		}
	}
}

func dequantizeQ4_1(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[20:] {
		d, m := floats.Half(src), floats.Half(src[2:])
		for i, q := range src[4:20] {
			dst[i] = float32(d*float32(q&15)) + m
			dst[i+16] = float32(d*float32(q>>4)) + m
		}
	}
}

func dequantizeQ5_0(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[22:] {
		d, high := floats.Half(src), binary.LittleEndian.Uint32(src[2:])
		for i, q := range src[6:22] {
			dst[i] = d * float32(int(q&15|bit(high, i)<<4)-16)
			dst[i+16] = d * float32(int(q>>4|bit(high, i+16)<<4)-16)
		}
	}
}

func dequantizeQ5_1(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[24:] {
		d, m, high := floats.Half(src), floats.Half(src[2:]), binary.LittleEndian.Uint32(src[4:])
		for i, q := range src[8:24] {
			dst[i] = float32(d*float32(q&15|bit(high, i)<<4)) + m
			dst[i+16] = float32(d*float32(q>>4|bit(high, i+16)<<4)) + m
		}
	}
}

func bit(word uint32, i int) byte { return byte(word >> i & 1) }

func dequantizeQ2_K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[84:] {
		scales, low, d, m := src[:16], src[16:80], floats.Half(src[80:]), floats.Half(src[82:])
		for g, scale := range scales {
			s, t := d*float32(scale&15), m*float32(scale>>4)
			x, plane := dst[16*g:16*g+16], low[g/8*32+g%2*16:]
			for i := range x {
				x[i] = float32(s*float32(plane[i]>>(g/2%4*2)&3)) - t
			}
		}
	}
}

func dequantizeQ3_K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[110:] {
		high, low, scales, d := src[:32], src[32:96], src[96:108], floats.Half(src[108:])
		for g := range superBlock / 16 {
			scale := scales[g%8]>>(g/8*4)&15 | scales[8+g%4]>>(g/4*2)&3<<4
			s := d * float32(int(scale)-32)
			x, plane, top := dst[16*g:16*g+16], low[g/8*32+g%2*16:], high[g%2*16:]
			for i := range x {
				q := plane[i]>>(g/2%4*2)&3 | top[i]>>(g/2)&1<<2
				x[i] = s * float32(int(q)-4)
			}
		}
	}
}

func dequantizeQ4_K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[144:] {
		d, m, scales, low := floats.Half(src), floats.Half(src[2:]), src[4:16], src[16:144]
		for g := range superBlock / 32 {
			s, t := scaledMin(scales, g, d, m)
			x, plane := dst[32*g:32*g+32], low[g/2*32:]
			for i := range x {
				x[i] = float32(s*float32(plane[i]>>(g%2*4)&15)) - t
			}
		}
	}
}

func dequantizeQ5_K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[176:] {
		d, m, scales, high, low := floats.Half(src), floats.Half(src[2:]), src[4:16], src[16:48], src[48:176]
		for g := range superBlock / 32 {
			s, t := scaledMin(scales, g, d, m)
			x, plane := dst[32*g:32*g+32], low[g/2*32:]
			for i := range x {
				q := plane[i]>>(g%2*4)&15 | high[i]>>g&1<<4
				x[i] = float32(s*float32(q)) - t
			}
		}
	}
}

// scaledMin returns d*s and m*t of group g in Q4_K and Q5_K.
func scaledMin(scales []byte, g int, d, m float32) (float32, float32) {
	s, t := scaleMin(scales, g)
	return d * float32(s), m * float32(t)
}

// scaleMin returns s and t of group g in Q4_K and Q5_K.
func scaleMin(scales []byte, g int) (s, t byte) {
	if g >= 4 {
		return scales[g+4]&15 | scales[g-4]>>6<<4, scales[g+4]>>4 | scales[g]>>6<<4
	}
	return scales[g] & 63, scales[g+4] & 63
}

func dequantizeQ6_K(dst []float32, src []byte) {
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[210:] {
		low, high, scales, d := src[:128], src[128:192], src[192:208], floats.Half(src[208:])
		for g, scale := range scales {
			s := d * float32(int8(scale))
			x, plane, top := dst[16*g:16*g+16], low[g/8*64+g/2%2*32+g%2*16:], high[g/8*32+g%2*16:]
			for i := range x {
				q := plane[i]>>(g/4%2*4)&15 | top[i]>>(g/2%4*2)&3<<4
				x[i] = s * float32(int(q)-32)
			}
		}
	}
}
