package onnx

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// location is where the numbers of a tensor are in another file.
type location struct {
	file           string
	offset, length int64 // length -1: to the end of the numbers
}

// add reads an entry of external_data: StringStringEntryProto = key (1) | value (2).
func (l *location) add(v field) error {
	m, err := v.inner("a place of external data")
	if err != nil {
		return err
	}
	var key, text string
	err = m.each(func(v field) (err error) {
		switch v.number {
		case 1:
			key, err = v.text()
		case 2:
			text, err = v.text()
		}
		return err
	})
	if err != nil {
		return err
	}
	switch key {
	case "location":
		l.file = text
	case "offset", "length":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return v.file.fail(v.at, "the %s of external data is %.100q, expected an integer from 0", key, text)
		}
		if key == "offset" {
			l.offset = n
		} else {
			l.length = n
		}
	}
	return nil
}

// external sets the data of c, of want bytes, to a range of another file. Only files in the folder
// of the model and below it are read.
func (f *File) external(c *constant, l location, want int) error {
	name := strings.TrimPrefix(l.file, "./")
	if name == "" || path.Clean(name) != name || strings.ContainsAny(name, "\\:\x00") || !filepath.IsLocal(filepath.FromSlash(name)) {
		return c.fail("its data are in the file %.100q, expected the name of a file in the folder of the model", l.file)
	}
	if l.length >= 0 && l.length != int64(want) {
		return c.fail("its data in %s have %d bytes, but %v of %s takes %d", name, l.length, c.dims, c.typ, want)
	}
	p := f.parts[name]
	if p == nil {
		var err error
		p, err = f.open(name)
		switch {
		case errors.Is(err, errNotOpened):
			return nil
		case errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("%w: %w", &malformed.Error{File: f.Path, Offset: c.at, Tensor: c.name, What: "its data are in a file that is missing"}, err)
		case err != nil:
			return err
		}
		f.parts[name] = p
	}
	if l.offset > int64(len(p.data)) || int64(want) > int64(len(p.data))-l.offset {
		return c.fail("its data, %d bytes from byte %d of %s, are beyond the end of that file, %d bytes; the file is truncated", want, l.offset, p.path, len(p.data))
	}
	// A small file could describe much data otherwise.
	if p.used += int64(want); p.used > int64(len(p.data)) {
		return c.fail("the tensors in %s overlap", p.path)
	}
	c.data, c.part = p.data[l.offset:l.offset+int64(want)], p
	return nil
}
