package weights

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// resolvePath takes a file, or a folder that holds exactly one GGUF file.
func resolvePath(ref string) (Model, error) {
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
		return Model{}, fmt.Errorf("%w: there is no file %s%s; %s", ErrRef, path, nearest(path), forms)
	}
	if err != nil {
		return Model{}, err
	}
	if info.IsDir() {
		if path, err = onlyGGUF(path); err != nil {
			return Model{}, err
		}
	} else if !info.Mode().IsRegular() {
		return Model{}, fmt.Errorf("%w: %s is not a file", ErrRef, path)
	}
	return newModel(ref, path, "")
}

func isGGUF(name string) bool { return strings.EqualFold(filepath.Ext(name), ".gguf") }

func onlyGGUF(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, entry := range entries {
		if isGGUF(entry.Name()) && !entry.IsDir() {
			found = append(found, entry.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: the folder %s holds no .gguf file", ErrRef, dir)
	case 1:
		return filepath.Join(dir, found[0]), nil
	}
	return "", fmt.Errorf("%w: the folder %s holds several models; name one of: %s", ErrRef, dir, strings.Join(found, ", "))
}

// nearest suggests names beside a path that does not exist.
func nearest(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf(" (nor the folder %s)", dir)
	}
	type candidate struct {
		name     string
		distance int
	}
	want := strings.ToLower(filepath.Base(path))
	var near []candidate
	for _, entry := range entries {
		name := strings.ToLower(entry.Name())
		d := distance(want, name)
		if d <= max(2, len(want)/3) || strings.HasPrefix(name, want) {
			near = append(near, candidate{entry.Name(), d})
		}
	}
	if len(near) == 0 {
		return ""
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range near[:min(3, len(near))] {
		names = append(names, c.name)
	}
	return " (did you mean " + strings.Join(names, " or ") + "?)"
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
