package safetensors

import "strings"

// maxName bounds the names of tensors, which errors repeat.
const maxName = 1024

// parse reads the header of one file and takes its tensors in.
func (f *File) parse(p *part, text []byte) error {
	h, err := newScanner(p.path, lengthBytes, text)
	if err != nil {
		return err
	}
	start := lengthBytes + int64(len(text))
	var tensors []*Tensor
	err = h.object("the header", func(name string, at int64) error {
		if name == "__metadata__" {
			return h.object("the metadata", func(string, int64) error {
				_, err := h.string("metadata")
				return err
			})
		}
		h.tensor = name
		if len(name) > maxName {
			h.tensor = strings.ToValidUTF8(name[:maxName], "") + "..."
			return h.fail(at, "a name of %d bytes is too long; at most %d are allowed", len(name), maxName)
		}
		if other := f.byName[name]; other != nil {
			return h.fail(at, "%s holds one of that name too", other.part.path)
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

// entry reads what the header says of a tensor; start is where the data begin.
func (h *scanner) entry(t *Tensor, start int64) error {
	var offsets []int
	var offsetsAt int64
	seen := 0
	err := h.object("its entry", func(key string, at int64) (err error) {
		seen++
		switch key {
		case "dtype":
			var s string
			s, err = h.string("dtype")
			t.Type = Type(s)
			if err == nil && bits[t.Type] == 0 {
				return h.fail(at, "its dtype %q is unknown", s)
			}
		case "shape":
			t.Shape, err = h.counts("shape")
		case "data_offsets":
			offsetsAt = at
			offsets, err = h.counts("data_offsets")
		default:
			return h.fail(at, "%q is no part of an entry: dtype, shape and data_offsets are", key)
		}
		return err
	})
	if err != nil {
		return err
	}
	if seen != 3 { // none stands there twice
		return h.fail(t.at, "its entry has %d of dtype, shape and data_offsets; all three are needed", seen)
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return h.fail(offsetsAt, "its data_offsets are %v; a begin and an end that is not before it are needed", offsets)
	}
	size, err := h.size(t)
	if err != nil {
		return err
	}
	if offsets[1]-offsets[0] != size {
		return h.fail(offsetsAt, "its data_offsets %v are of %d bytes, but %v of %s takes %d", offsets, offsets[1]-offsets[0], t.Shape, t.Type, size)
	}
	t.begin, t.end = start+int64(offsets[0]), start+int64(offsets[1])
	return nil
}

// size is the number of bytes that type and shape ask for.
func (h *scanner) size(t *Tensor) (int, error) {
	n := 1
	for i, d := range t.Shape {
		if d > 0 && n > maxSize/d {
			return 0, h.fail(t.at, "dimension %d is %d, which no tensor in a file has", i, d)
		}
		n *= d
	}
	if n*bits[t.Type]%8 != 0 {
		return 0, h.fail(t.at, "%v of %s, %d bits each, is no whole number of bytes", t.Shape, t.Type, bits[t.Type])
	}
	return n * bits[t.Type] / 8, nil
}

// counts reads an array of whole numbers.
func (h *scanner) counts(what string) ([]int, error) {
	counts := []int{}
	err := h.array(what, func() error {
		n, err := h.count(what)
		counts = append(counts, n)
		return err
	})
	return counts, err
}
