package columns

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// variantReader reads a VARIANT of the specification "Variant Binary Encoding" of
// Apache Parquet, version 1. It checks every offset. It bounds the length of the
// text, because elements may share bytes.
type variantReader struct {
	metadata []byte
	names    int // in the dictionary
	width    int // of an offset of the dictionary, in bytes
	out      []byte
}

const (
	maxVariantDepth = 500
	maxVariantText  = 128 << 20
)

var errVariant = errors.New("the VARIANT is damaged")

// variantText writes a scalar as CAST to STRING of Spark does, and objects and arrays
// as to_json does. Times are in UTC.
func variantText(metadata, value []byte) (string, error) {
	r := &variantReader{metadata: metadata}
	if len(metadata) < 2 || metadata[0]&0x0f != 1 {
		return "", errVariant
	}
	r.width = int(metadata[0]>>6) + 1
	names, ok := little(metadata, 1, r.width)
	if !ok || names > len(metadata) {
		return "", errVariant
	}
	r.names = names
	if err := r.value(value, 0); err != nil {
		return "", err
	}
	return string(r.out), nil
}

// little reads an unsigned little-endian number of 1 to 4 bytes.
func little(b []byte, at, width int) (int, bool) {
	if at < 0 || width > 4 || at > len(b)-width {
		return 0, false
	}
	var eight [8]byte
	copy(eight[:], b[at:at+width])
	return int(binary.LittleEndian.Uint64(eight[:])), true
}

func (r *variantReader) name(id int) (string, error) {
	if id >= r.names {
		return "", errVariant
	}
	from, ok := little(r.metadata, 1+r.width*(1+id), r.width)
	to, ok2 := little(r.metadata, 1+r.width*(2+id), r.width)
	text := 1 + r.width*(2+r.names)
	if !ok || !ok2 || from > to || to > len(r.metadata)-text {
		return "", errVariant
	}
	return string(r.metadata[text+from : text+to]), nil
}

// value appends the value at the start of b. At depth 0, a scalar is not quoted.
func (r *variantReader) value(b []byte, depth int) error {
	if len(b) == 0 {
		return errVariant
	}
	if depth > maxVariantDepth || len(r.out) > maxVariantText {
		return fmt.Errorf("the VARIANT is nested deeper than %d levels, or its text is longer than %d bytes", maxVariantDepth, maxVariantText)
	}
	header, rest := b[0]>>2, b[1:]
	switch b[0] & 3 {
	case 0:
		return r.primitive(int(header), rest, depth > 0)
	case 1:
		if int(header) > len(rest) {
			return errVariant
		}
		r.text(string(rest[:header]), depth > 0)
		return nil
	case 2:
		return r.object(rest, int(header), depth)
	}
	return r.array(rest, int(header), depth)
}

// text appends a text, with quotes in JSON.
func (r *variantReader) text(s string, quoted bool) {
	if !quoted {
		r.out = append(r.out, s...)
		return
	}
	b, _ := json.Marshal(s) // has no error for a string
	r.out = append(r.out, b...)
}

func (r *variantReader) object(b []byte, header, depth int) error {
	offsets, ids, large := header&3+1, header>>2&3+1, header>>4&1 == 1
	n, at, err := count(b, large)
	if err != nil {
		return err
	}
	data := at + n*ids + (n+1)*offsets
	if data > len(b) {
		return errVariant
	}
	r.out = append(r.out, '{')
	for i := range n {
		id, _ := little(b, at+i*ids, ids)
		offset, _ := little(b, at+n*ids+i*offsets, offsets)
		name, err := r.name(id)
		if err != nil {
			return err
		}
		if i > 0 {
			r.out = append(r.out, ',')
		}
		r.text(name, true)
		r.out = append(r.out, ':')
		if offset > len(b)-data {
			return errVariant
		}
		if err := r.value(b[data+offset:], depth+1); err != nil {
			return err
		}
	}
	r.out = append(r.out, '}')
	return nil
}

func (r *variantReader) array(b []byte, header, depth int) error {
	offsets, large := header&3+1, header>>2&1 == 1
	n, at, err := count(b, large)
	if err != nil {
		return err
	}
	data := at + (n+1)*offsets
	if data > len(b) {
		return errVariant
	}
	r.out = append(r.out, '[')
	for i := range n {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		offset, _ := little(b, at+i*offsets, offsets)
		if offset > len(b)-data {
			return errVariant
		}
		if err := r.value(b[data+offset:], depth+1); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	return nil
}

// count reads the number of elements and returns the offset after it.
func count(b []byte, large bool) (n, at int, err error) {
	at = 1
	if large {
		at = 4
	}
	n, ok := little(b, 0, at)
	if !ok || n > len(b) {
		return 0, 0, errVariant
	}
	return n, at, nil
}

// Types of primitive values.
const (
	variantNull = iota
	variantTrue
	variantFalse
	variantInt8
	variantInt16
	variantInt32
	variantInt64
	variantDouble
	variantDecimal4
	variantDecimal8
	variantDecimal16
	variantDate
	variantTimestamp
	variantTimestampNTZ
	variantFloat
	variantBinary
	variantString
	variantTime
	variantTimestampNanos
	variantTimestampNTZNanos
	variantUUID
)

var primitiveSizes = map[int]int{
	variantNull: 0, variantTrue: 0, variantFalse: 0, variantInt8: 1, variantInt16: 2, variantInt32: 4, variantInt64: 8, variantDouble: 8,
	variantDecimal4: 5, variantDecimal8: 9, variantDecimal16: 17, variantDate: 4, variantTimestamp: 8, variantTimestampNTZ: 8, variantFloat: 4,
	variantBinary: 4, variantString: 4, variantTime: 8, variantTimestampNanos: 8, variantTimestampNTZNanos: 8, variantUUID: 16,
}

func (r *variantReader) primitive(kind int, b []byte, quoted bool) error {
	size, known := primitiveSizes[kind]
	if !known {
		return fmt.Errorf("the VARIANT has a value of the unknown type %d", kind)
	}
	if size > len(b) {
		return errVariant
	}
	number := func(bytes int) int64 { // signed
		var n uint64
		for i := range bytes {
			n |= uint64(b[i]) << (8 * i)
		}
		return int64(n) << (64 - 8*bytes) >> (64 - 8*bytes)
	}
	stamp := func(t time.Time, zone string) { r.text(dateText(t)+" "+clockText(t)+zone, quoted) }
	zone := ""
	if quoted {
		zone = "+00:00"
	}
	switch kind {
	case variantNull:
		r.out = append(r.out, "null"...)
	case variantTrue, variantFalse:
		r.out = strconv.AppendBool(r.out, kind == variantTrue)
	case variantInt8, variantInt16, variantInt32, variantInt64:
		r.out = strconv.AppendInt(r.out, number(size), 10)
	case variantDouble:
		r.float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64, quoted)
	case variantFloat:
		r.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32, quoted)
	case variantDecimal4, variantDecimal8, variantDecimal16:
		return r.decimal(b[1:size], int(b[0]))
	case variantDate:
		r.text(dateText(time.Unix(number(4)*86400, 0).UTC()), quoted)
	case variantTimestamp:
		stamp(time.UnixMicro(number(8)).UTC(), zone)
	case variantTimestampNTZ:
		stamp(time.UnixMicro(number(8)).UTC(), "")
	case variantTimestampNanos:
		stamp(time.Unix(0, number(8)).UTC(), zone)
	case variantTimestampNTZNanos:
		stamp(time.Unix(0, number(8)).UTC(), "")
	case variantTime:
		r.text(clockText(time.UnixMicro(number(8)).UTC()), quoted)
	case variantUUID:
		r.text(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16]), quoted)
	case variantBinary, variantString:
		n := int(binary.LittleEndian.Uint32(b))
		if n > len(b)-4 {
			return errVariant
		}
		if kind == variantString {
			r.text(string(b[4:4+n]), quoted)
		} else {
			r.text(base64.StdEncoding.EncodeToString(b[4:4+n]), quoted)
		}
	}
	return nil
}

// float appends a number. In JSON, NaN and infinities are quoted.
func (r *variantReader) float(v float64, bits int, quoted bool) {
	r.text(formatFloat(v, bits), quoted && (math.IsNaN(v) || math.IsInf(v, 0)))
}

// decimal appends a little-endian integer with a scale.
func (r *variantReader) decimal(b []byte, scale int) error {
	if scale > 38 {
		return errVariant
	}
	big16 := make([]byte, len(b))
	for i, c := range b {
		big16[len(b)-1-i] = c
	}
	n := new(big.Int).SetBytes(big16)
	if b[len(b)-1] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	digits := new(big.Int).Abs(n).String()
	for len(digits) <= scale {
		digits = "0" + digits
	}
	if n.Sign() < 0 {
		r.out = append(r.out, '-')
	}
	r.out = append(r.out, digits[:len(digits)-scale]...)
	// Spark removes trailing zeros.
	if fraction := strings.TrimRight(digits[len(digits)-scale:], "0"); fraction != "" {
		r.out = append(append(r.out, '.'), fraction...)
	}
	return nil
}
