package gguf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

// A model may be split into several files, of which each is a GGUF file with some
// of its tensors. The first has the metadata. Each says which it is by split.no,
// from 0, and of how many by split.count; the names say so too, from 1:
//
//	NAME-00001-of-00003.gguf

var partName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})(\.(?i:gguf))$`)

// maxParts bounds the parts of a model.
const maxParts = 1 << 10

// Parts gives the names of all parts of the model of which name is one, the first
// one first; nil if the name is not that of a part.
func Parts(name string) []string {
	m := partName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	number, _ := strconv.Atoi(m[2])
	count, _ := strconv.Atoi(m[3])
	if count < 2 || count > maxParts || number < 1 || number > count {
		return nil
	}
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%05d-of-%05d%s", m[1], i+1, count, m[4])
	}
	return names
}

// openParts opens the other parts of a model of which f is one, and gives the
// whole of it: f itself, if there are no others. On an error all are closed.
func openParts(f *File, open func(path string) (*File, error)) (_ *File, err error) {
	opened := []*File{f}
	defer func() {
		if err != nil {
			for _, part := range opened {
				err = errors.Join(err, part.Close())
			}
		}
	}()
	count, err := f.partCount()
	if err != nil {
		return nil, err
	}
	if count == 1 {
		return f, nil
	}
	folder := filepath.Dir(f.Path)
	names := Parts(filepath.Base(f.Path))
	if len(names) != count {
		return nil, f.wrongPart("it is one of the %d files of a model, and has to be called NAME-00001-of-%05d.gguf, by its number", count, count)
	}
	whole := &File{Path: filepath.Join(folder, names[0]), Version: f.Version, byName: map[string]*Tensor{}}
	for i, name := range names {
		part := f
		if name != filepath.Base(f.Path) {
			part, err = open(filepath.Join(folder, name))
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s is one of the %d files of a model, of which one is missing: %w", f.Path, count, err)
			}
			if err != nil {
				return nil, err
			}
			opened = append(opened, part)
		}
		if err := whole.take(part, i, count); err != nil {
			return nil, err
		}
	}
	first := whole.parts[0]
	whole.pairs = first.pairs
	if first.Has(splitTensors) {
		n, err := first.Int(splitTensors, 0, math.MaxInt32)
		if err != nil {
			return nil, err
		}
		if n != len(whole.Tensors) {
			return nil, first.wrongPart("its %d files are to have %d tensors, but have %d", count, n, len(whole.Tensors))
		}
	}
	return whole, nil
}

// The keys of a split model.
const (
	splitNumber  = "split.no"
	splitCount   = "split.count"
	splitTensors = "split.tensors.count"
)

// take adds a part and its tensors.
func (f *File) take(part *File, number, count int) error {
	f.parts = append(f.parts, part)
	n, err := part.Int(splitNumber, 0, maxParts)
	if err != nil {
		return err
	}
	of, err := part.partCount()
	if err != nil {
		return err
	}
	if n != number || of != count {
		return part.wrongPart("by its name it is part %d of %d, but it says that it is part %d of %d", number+1, count, n+1, of)
	}
	for _, t := range part.Tensors {
		if other := f.byName[t.Name]; other != nil {
			return t.Errorf("%s holds one of that name too", other.file.Path)
		}
		f.byName[t.Name] = t
		f.Tensors = append(f.Tensors, t)
	}
	f.Size += part.Size
	return nil
}

func (f *File) partCount() (int, error) {
	if !f.Has(splitCount) {
		return 1, nil
	}
	n, err := f.Int(splitCount, 0, maxParts)
	return max(n, 1), err
}

func (f *File) wrongPart(format string, args ...any) error {
	return &malformed.Error{File: f.Path, Offset: f.pairs[splitCount].at, Key: splitCount, What: fmt.Sprintf(format, args...)}
}

// Digest names the content, in hex: of one file its SHA-256, of several that of
// what sha256sum prints for them, in the order of their names.
func (f *File) Digest() string {
	if len(f.parts) == 0 {
		sum := sha256.Sum256(f.data)
		return hex.EncodeToString(sum[:])
	}
	h := sha256.New()
	for _, part := range f.parts {
		fmt.Fprintf(h, "%s  %s\n", part.Digest(), filepath.Base(part.Path))
	}
	return hex.EncodeToString(h.Sum(nil))
}
