package weights

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/extract"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights/onnx"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// maxModel limits the size of a model, in bytes. Package indexes have lower limits.
const maxModel = 64 << 30

// maxMembers limits the number of files of a model in an archive.
const maxMembers = 1000

// unpacker writes the files of one model from downloaded archives to a new folder.
type unpacker struct {
	ctx    context.Context
	folder string // the new folder
	path   string // of the model in the archive: a file, a folder, or a pattern for parts of a file
	plain  bool   // the download may be the model itself, and is then moved
	o      Options
}

// unpack writes the model's files. Several archives are parts of one file, in order. name is the
// name of a file without a name of its own.
func (u unpacker) unpack(archives []string, name string) error {
	switch {
	case len(archives) > 1 || isPattern(u.path):
	case u.plain:
		return u.file(archives[0], name)
	default:
		return u.zip(archives[0])
	}
	joined := filepath.Join(filepath.Dir(u.folder), "."+filepath.Base(u.folder)+".joined")
	defer os.Remove(joined)
	if err := u.join(archives, joined); err != nil {
		return err
	}
	u.path = ""
	return u.file(joined, name)
}

// file writes the model of a file, which is a zip archive or the model itself.
func (u unpacker) file(file, name string) error {
	magic, err := magicOf(file)
	if err != nil {
		return err
	}
	switch {
	case magic == "GGUF":
		if !isGGUF(name) {
			name += ".gguf"
		}
		return os.Rename(file, filepath.Join(u.folder, name))
	case strings.HasPrefix(magic, "PK"):
		return u.zip(file)
	}
	return fmt.Errorf("%w: the file is neither a zip archive nor a GGUF model", extract.ErrCorrupt)
}

func magicOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b := make([]byte, 4)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return "", err
	}
	return string(b[:n]), nil
}

func (u unpacker) zip(file string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("%w: %w", extract.ErrCorrupt, err)
	}
	defer archive.Close()
	root, members, err := modelMembers(&archive.Reader, u.path)
	if err != nil {
		return err
	}
	target := func(f *zip.File) string {
		return filepath.Join(u.folder, filepath.FromSlash(strings.TrimPrefix(f.Name, root)))
	}
	return u.extract(members, func(f *zip.File, wrap func(io.Reader) io.Reader) error {
		return extract.ZipMember(f, target(f), maxModel, wrap)
	})
}

// join writes the data files of archives, one after the other, to a file.
func (u unpacker) join(archives []string, target string) error {
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, file := range archives {
		if err := u.appendParts(out, file); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return out.Close()
}

func (u unpacker) appendParts(out *os.File, file string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("%w: %w", extract.ErrCorrupt, err)
	}
	defer archive.Close()
	var parts []*zip.File
	for _, f := range archive.File {
		if isPart(f, u.path) {
			parts = append(parts, f)
		}
	}
	if len(parts) == 0 {
		return errors.New("the package holds no file that can be a part of a model")
	}
	slices.SortFunc(parts, func(a, b *zip.File) int { return compareNatural(a.Name, b.Name) })
	part := out.Name() + ".part"
	defer os.Remove(part)
	return u.extract(parts, func(f *zip.File, wrap func(io.Reader) io.Reader) error {
		os.Remove(part)
		if err := extract.ZipMember(f, part, maxModel, wrap); err != nil {
			return err
		}
		in, err := os.Open(part)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(out, in)
		return err
	})
}

// extract calls write for each member, with a function that reports its progress. The archive
// states the sizes; the space on the disk and maxModel limit what they can cause.
func (u unpacker) extract(members []*zip.File, write func(*zip.File, func(io.Reader) io.Reader) error) error {
	if len(members) > maxMembers {
		return fmt.Errorf("%w: more than %d files", extract.ErrLimit, maxMembers)
	}
	size := int64(0)
	largest := members[0]
	for _, f := range members {
		if f.UncompressedSize64 > maxModel || size+int64(f.UncompressedSize64) > maxModel {
			return fmt.Errorf("%w: %s", extract.ErrLimit, f.Name)
		}
		if size += int64(f.UncompressedSize64); f.UncompressedSize64 > largest.UncompressedSize64 {
			largest = f
		}
	}
	if err := fetch.CheckSpace(filepath.Dir(u.folder), size); err != nil {
		return fmt.Errorf("%w; free some space, or set FIRESTEEL_CACHE to a folder on another disk", err)
	}
	name := "extracting " + path.Base(largest.Name)
	if u.o.Progress != nil {
		defer u.o.Progress.End(name)
	}
	before := int64(0)
	for _, f := range members {
		if u.ctx.Err() != nil {
			return context.Cause(u.ctx)
		}
		err := write(f, func(r io.Reader) io.Reader {
			return extract.Counted(r, func(done int64) {
				if u.o.Progress != nil {
					u.o.Progress.Step(name, before+done, size)
				}
			})
		})
		if err != nil {
			return err
		}
		before += int64(f.UncompressedSize64)
	}
	return nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// isPart reports whether a file of a package is a part of a split file: by a pattern, or, if that
// is empty, any data file.
func isPart(f *zip.File, pattern string) bool {
	if strings.HasSuffix(f.Name, "/") {
		return false
	}
	if pattern != "" {
		matched, _ := path.Match(pattern, f.Name) // parsePackage checks the pattern
		return matched
	}
	return !isCode(f.Name)
}

// isCode reports whether a file of a package is a program or the package's metadata.
func isCode(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	switch path.Ext(name) {
	case ".py", ".pyc", ".pyi", ".typed", ".so", ".dll", ".class":
		return true
	}
	return strings.HasSuffix(top, ".dist-info") || top == "META-INF"
}

// modelMembers returns the files of the model at a path in an archive, and the prefix of their
// names that is not a part of their names in the model's folder. An empty path stands for the
// only model.
func modelMembers(archive *zip.Reader, at string) (root string, members []*zip.File, err error) {
	named := isWeights(at) || onnx.IsFile(at) // with the files of its folder, but no other weights
	byName := map[string]*zip.File{}
	var names []string
	for _, f := range archive.File {
		inside := at == "" || f.Name == at || strings.HasPrefix(f.Name, at+"/")
		if named {
			inside = f.Name == at || strings.HasPrefix(f.Name, modelRoot(at)) && !isGGUF(f.Name) && !onnx.IsFile(f.Name) && !(onnx.IsFile(at) && isWeights(f.Name))
		}
		if strings.HasSuffix(f.Name, "/") || !inside || isCode(f.Name) {
			continue
		}
		if byName[f.Name] == nil {
			names = append(names, f.Name)
		}
		byName[f.Name] = f
	}
	if named && byName[at] == nil {
		names = nil
	}
	if len(names) == 0 && at != "" {
		return "", nil, fmt.Errorf("the package holds nothing named %s%s", at, modelsOf(archive))
	}
	chosen, err := chooseMember(names)
	if err != nil {
		return "", nil, err
	}
	if isGGUF(chosen) {
		files := []string{chosen}
		if parts := partsOf(chosen); parts != nil {
			if err := checkParts(chosen, names); err != nil {
				return "", nil, fmt.Errorf("the package holds %w", err)
			}
			files = parts
		}
		for _, name := range files {
			members = append(members, byName[name])
		}
	} else {
		root = modelRoot(chosen)
		for _, name := range names {
			if strings.HasPrefix(name, root) {
				members = append(members, byName[name])
			}
		}
		return root, members, nil
	}
	root, _ = path.Split(chosen)
	return root, members, nil
}

// modelsOf names the weights in an archive, for an error: at most maxNamed of them.
func modelsOf(archive *zip.Reader) string {
	const maxNamed = 5
	var names []string
	for _, f := range archive.File {
		if isGGUF(f.Name) || isWeights(f.Name) || onnx.IsFile(f.Name) {
			names = append(names, f.Name)
		}
	}
	switch {
	case len(names) == 0:
		return ", and no model"
	case len(names) > maxNamed:
		return fmt.Sprintf("; of its %d models the first are %s", len(names), strings.Join(names[:maxNamed], ", "))
	}
	return "; it holds " + strings.Join(names, ", ")
}

// modelRoot returns the folder of a model, with a slash at the end, or "". Repositories of the
// hub have ONNX files in a folder "onnx".
func modelRoot(weights string) string {
	root, _ := path.Split(weights)
	if path.Base(root) == onnx.Subfolder && onnx.IsFile(weights) {
		root, _ = path.Split(strings.TrimSuffix(root, "/"))
	}
	return root
}

// chooseMember returns the weights of the only model among the files of an archive.
func chooseMember(names []string) (string, error) {
	var ggufs, others []string
	roots := map[string]bool{}
	for _, name := range names {
		switch {
		case isGGUF(name) && isFirstPart(name):
			ggufs = append(ggufs, name)
		case safetensors.IsFile(name) || safetensors.IsIndex(name) || onnx.IsFile(name):
			if root := modelRoot(name); !roots[root] {
				roots[root] = true
				others = append(others, name)
			}
		}
	}
	switch {
	case len(ggufs) == 1:
		return ggufs[0], nil
	case len(ggufs) > 1:
		return "", fmt.Errorf("the package holds several GGUF files (%s, %s); name the path of one in the reference", ggufs[0], ggufs[1])
	case len(others) == 1:
		return others[0], nil
	case len(others) > 1:
		return "", fmt.Errorf("the package holds several models; name the folder of one in the reference: %s, %s", modelRoot(others[0]), modelRoot(others[1]))
	}
	return "", errors.New("the package holds no GGUF file, and no safetensors or ONNX weights")
}

// compareNatural compares names; numbers in them are compared by value.
func compareNatural(a, b string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		return n
	}
	for a != "" && b != "" {
		if i, j := digits(a), digits(b); i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}
