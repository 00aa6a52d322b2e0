package weights

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/suggest"
	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// resolvePath resolves the path of a file, or of a folder that holds one model.
func resolvePath(ctx context.Context, ref string) (Model, error) {
	path := ref
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return Model{}, fmt.Errorf("%s: %w", ref, err)
		}
		path = filepath.Join(home, path[1:])
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Model{}, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Model{}, fmt.Errorf("%w: the file %s does not exist%s; %s", ErrRef, path, suggestion(path), forms)
	}
	if err != nil {
		return Model{}, err
	}
	switch {
	case info.IsDir():
		return resolveFolder(ctx, ref, path)
	case !info.Mode().IsRegular():
		return Model{}, fmt.Errorf("%w: %s is not a file", ErrRef, path)
	case isWeights(path):
		folder := filepath.Dir(path)
		return folderModel(ref, filepath.Base(folder), folder, filepath.Base(path), computedHash(ctx))
	case onnx.IsFile(path):
		return onnxModel(ref, path, computedHash(ctx))
	}
	return ggufModel(ref, path, computedHash(ctx))
}

func resolveFolder(ctx context.Context, ref, folder string) (Model, error) {
	names, err := modelFiles(folder)
	if err != nil {
		return Model{}, err
	}
	file, other, err := chooseModel(names)
	if err != nil {
		return Model{}, fmt.Errorf("%w: the folder %s holds %w", ErrRef, folder, err)
	}
	switch {
	case onnx.IsFile(file):
		return onnxModel(ref, filepath.Join(folder, filepath.FromSlash(file)), computedHash(ctx))
	case !isGGUF(file):
		return folderModel(ref, filepath.Base(folder), folder, "", computedHash(ctx))
	}
	m, err := ggufModel(ref, filepath.Join(folder, file), computedHash(ctx))
	m.Note = notChosenNote(file, other, filepath.Join(folder, other))
	return m, err
}

func isGGUF(name string) bool { return strings.EqualFold(filepath.Ext(name), ".gguf") }

// suggestion returns names in the folder of path that are similar to path, which does not
// exist, in parentheses. It returns "" if there is none.
func suggestion(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf(" (the folder %s does not exist either)", dir)
	}
	type candidate struct {
		name     string
		distance int
	}
	want := strings.ToLower(filepath.Base(path))
	var similar []candidate
	for _, entry := range entries {
		name := strings.ToLower(entry.Name())
		d := suggest.Distance(want, name, suggest.MaxDistance(want)+1)
		if d <= suggest.MaxDistance(want) || strings.HasPrefix(name, want) {
			similar = append(similar, candidate{entry.Name(), d})
		}
	}
	if len(similar) == 0 {
		return ""
	}
	slices.SortFunc(similar, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range similar[:min(3, len(similar))] {
		names = append(names, suggest.Visible(c.name))
	}
	return " (did you mean " + strings.Join(names, " or ") + "?)"
}
