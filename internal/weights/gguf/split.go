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
	"slices"
	"strconv"

	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/mmap"
)

// A model may be split into several files. Each part is a GGUF file with some of the tensors,
// and the first part has the metadata. split.no is the number of a part, from 0, and
// split.count the number of parts. The file names have the same numbers, but from 1:
//
//	NAME-00001-of-00003.gguf

var partName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})(\.(?i:gguf))$`)

// maxParts limits the number of parts of a model.
const maxParts = 1 << 10

// Parts returns the names of all parts of the model that the file name belongs to, in order.
// It returns nil if name is not the name of a part.
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

// openParts opens the other parts of the model that f belongs to, and returns the whole model.
// It returns f if the model has one file. On an error it closes all files.
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
		return nil, f.splitError("it is one of the %d files of a split model, so it must be named NAME-00001-of-%05d.gguf, with its own number", count, count)
	}
	whole := &File{Path: filepath.Join(folder, names[0]), Version: f.Version, byName: map[string]*Tensor{}}
	for i, name := range names {
		part := f
		if name != filepath.Base(f.Path) {
			part, err = open(filepath.Join(folder, name))
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s: one of the %d files of the model is missing: %w", f.Path, count, err)
			}
			if err != nil {
				return nil, err
			}
			opened = append(opened, part)
		}
		if err := whole.addPart(part, i, count); err != nil {
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
			return nil, first.splitError("the %d files of the model have %d tensors, expected %d", count, len(whole.Tensors), n)
		}
	}
	return whole, nil
}

// Metadata keys of a split model.
const (
	splitNumber  = "split.no"
	splitCount   = "split.count"
	splitTensors = "split.tensors.count"
)

// addPart adds a part and its tensors to the whole model f.
func (f *File) addPart(part *File, number, count int) error {
	f.parts = append(f.parts, part)
	n, err := part.Int(splitNumber, 0, maxParts)
	if err != nil {
		return err
	}
	partCount, err := part.partCount()
	if err != nil {
		return err
	}
	if n != number || partCount != count {
		return part.splitError("its name is that of part %d of %d, but its metadata are those of part %d of %d", number+1, count, n+1, partCount)
	}
	for _, t := range part.Tensors {
		if other := f.byName[t.Name]; other != nil {
			return t.Errorf("%s also has a tensor of this name", other.file.Path)
		}
		f.byName[t.Name] = t
		f.Tensors = append(f.Tensors, t)
	}
	f.Size += part.Size
	return nil
}

// partCount returns the number of parts of the model, or 1 if it is not split.
func (f *File) partCount() (int, error) {
	if !f.Has(splitCount) {
		return 1, nil
	}
	n, err := f.Int(splitCount, 0, maxParts)
	return max(n, 1), err
}

func (f *File) splitError(format string, args ...any) error {
	return &malformed.Error{File: f.Path, Offset: f.pairs[splitCount].at, Key: splitCount, What: fmt.Sprintf(format, args...)}
}

// Digest returns the digest of the model: the SHA-256 of its file or, if it is split, of the
// digestPart is the number of bytes that Digest reads before it releases their memory pages.
const digestPart = 16 << 20

// output of sha256sum for its parts, in hex.
func (f *File) Digest() string {
	if len(f.parts) == 0 {
		h := sha256.New()
		for part := range slices.Chunk(f.data, digestPart) {
			h.Write(part)
			if f.unmap != nil { // otherwise the whole file would count as memory of the process
				mmap.Forget(part)
			}
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	h := sha256.New()
	for _, part := range f.parts {
		fmt.Fprintf(h, "%s  %s\n", part.Digest(), filepath.Base(part.Path))
	}
	return hex.EncodeToString(h.Sum(nil))
}
