package safetensors

import "strings"

// maxName limits the length of tensor names, which errors repeat.
const maxName = 1024

// parse parses the header of one file and adds its tensors to f.
func (f *File) parse(p *part, text []byte) error {
	h, err := newScanner(p.path, lengthBytes, text)
	if err != nil {
		return err
	}
	start := lengthBytes + int64(len(text))
	var tensors []*Tensor
	err = h.object("the header", func(name string, at int64) error {
		if name == "__metadata__" {
			return h.object("the metadata", func(key string, _ int64) error {
				text, err := h.string("metadata")
				if f.Metadata == nil {
					f.Metadata = map[string]string{}
				}
				f.Metadata[key] = text
				return err
			})
		}
		h.tensor = name
		if len(name) > maxName {
			h.tensor = strings.ToValidUTF8(name[:maxName], "") + "..."
			return h.fail(at, "the name of %d bytes is too long; the limit is %d", len(name), maxName)
		}
		if other := f.byName[name]; other != nil {
			return h.fail(at, "%s also has a tensor of this name", other.part.path)
		}
		t := &Tensor{Name: name, part: p, at: at}
		if err := h.entry(t, start); err != nil {
			return err
		}
		h.tensor = ""
		f.byName[name] = t
		tensors = append(tensors, t)
		return nil
	})
	if err != nil {
		return err
	}
	if err := h.end("the header"); err != nil {
		return err
	}
	if err := place(p, start, tensors); err != nil {
		return err
	}
	f.Size += p.size
	f.Tensors = append(f.Tensors, tensors...)
	return nil
}

// entry parses the entry of a tensor. start is the offset of the data in the file.
func (h *scanner) entry(t *Tensor, start int64) error {
	var offsets []int
	var offsetsAt int64
	seen := 0
	err := h.object("the entry", func(key string, at int64) (err error) {
		seen++
		switch key {
		case "dtype":
			var s string
			s, err = h.string("dtype")
			t.Type = Type(s)
			if err == nil && bits[t.Type] == 0 {
				return h.fail(at, "the dtype %q is unknown", s)
			}
		case "shape":
			t.Shape, err = h.counts("shape")
		case "data_offsets":
			offsetsAt = at
			offsets, err = h.counts("data_offsets")
		default:
			return h.fail(at, "unexpected key %q; the keys of an entry are dtype, shape and data_offsets", key)
		}
		return err
	})
	if err != nil {
		return err
	}
	if seen != 3 { // object rejects duplicate keys, so each occurs once
		return h.fail(t.at, "the entry has %d of the 3 keys dtype, shape and data_offsets", seen)
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return h.fail(offsetsAt, "data_offsets is %v, expected the offsets of the beginning and of the end", offsets)
	}
	size, err := h.size(t)
	if err != nil {
		return err
	}
	if offsets[1]-offsets[0] != size {
		return h.fail(offsetsAt, "data_offsets %v span %d bytes, but %v of %s takes %d", offsets, offsets[1]-offsets[0], t.Shape, t.Type, size)
	}
	t.begin, t.end = start+int64(offsets[0]), start+int64(offsets[1])
	return nil
}

// size returns the size of a tensor in bytes, computed from its type and shape.
func (h *scanner) size(t *Tensor) (int, error) {
	n := 1
	for i, d := range t.Shape {
		if d > 0 && n > maxSize/d {
			return 0, h.fail(t.at, "dimension %d is %d, which is out of range", i, d)
		}
		n *= d
	}
	if n*bits[t.Type]%8 != 0 {
		return 0, h.fail(t.at, "%v of %s, %d bits each, is not a whole number of bytes", t.Shape, t.Type, bits[t.Type])
	}
	return n * bits[t.Type] / 8, nil
}

// counts parses an array of non-negative integers.
func (h *scanner) counts(what string) ([]int, error) {
	counts := []int{}
	err := h.array(what, func() error {
		n, err := h.count(what)
		counts = append(counts, n)
		return err
	})
	return counts, err
}
