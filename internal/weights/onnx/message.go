package onnx

import (
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message in the main file.
type message struct {
	file *File
	what string // for errors, such as "the graph"
	at   int64  // offset of data in the file
	data []byte
}

// field is one field of a message.
type field struct {
	message // data and at are those of a field of bytes
	number  protowire.Number
	kind    protowire.Type
	value   uint64 // of a field of a number
}

// each calls do for each field in order.
func (m message) each(do func(f field) error) error {
	for done := 0; done < len(m.data); {
		at := m.at + int64(done)
		number, kind, n := protowire.ConsumeTag(m.data[done:])
		if n < 0 {
			return m.file.fail(at, "%s: %v; the file is truncated, or it is not an ONNX file", m.what, protowire.ParseError(n))
		}
		done += n
		f := field{message: message{file: m.file, what: m.what, at: at}, number: number, kind: kind}
		rest := m.data[done:]
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(rest)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(rest)
			f.value = uint64(v)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(rest)
		case protowire.BytesType:
			f.data, n = protowire.ConsumeBytes(rest)
			f.at = m.at + int64(done+n-len(f.data))
		default:
			return m.file.fail(at, "%s has field %d of the unknown wire type %d; the file is damaged, or it is not an ONNX file", m.what, number, kind)
		}
		if n < 0 {
			return m.file.fail(at, "%s: field %d: %v; the file is truncated or damaged", m.what, number, protowire.ParseError(n))
		}
		done += n
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// want returns an error if the field has another wire type.
func (f field) want(kind protowire.Type) error {
	if f.kind != kind {
		return f.file.fail(f.at, "%s: field %d has the wire type %d, expected %d", f.what, f.number, f.kind, kind)
	}
	return nil
}

// inner returns the message in a field.
func (f field) inner(what string) (message, error) {
	m := f.message
	m.what = what
	return m, f.want(protowire.BytesType)
}

// maxName limits the length of names, which errors repeat.
const maxName = 1024

// text returns a name.
func (f field) text() (string, error) {
	if err := f.want(protowire.BytesType); err != nil {
		return "", err
	}
	if len(f.data) > maxName {
		return "", f.file.fail(f.at, "%s: a name of %d bytes is too long; the limit is %d", f.what, len(f.data), maxName)
	}
	if !utf8.Valid(f.data) {
		return "", f.file.fail(f.at, "%s: a name is not valid UTF-8", f.what)
	}
	return string(f.data), nil
}

// integer returns an integer.
func (f field) integer() (int64, error) { return int64(f.value), f.want(protowire.VarintType) }

// number32 returns a number of 4 bytes.
func (f field) number32() (float32, error) {
	return math.Float32frombits(uint32(f.value)), f.want(protowire.Fixed32Type)
}

// integers calls add for each integer of a repeated field, packed or not.
func (f field) integers(add func(int64) error) error {
	if f.kind == protowire.VarintType {
		return add(int64(f.value))
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	for done := 0; done < len(f.data); {
		v, n := protowire.ConsumeVarint(f.data[done:])
		if n < 0 {
			return f.file.fail(f.at+int64(done), "%s: field %d: %v", f.what, f.number, protowire.ParseError(n))
		}
		if err := add(int64(v)); err != nil {
			return err
		}
		done += n
	}
	return nil
}
