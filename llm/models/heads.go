package models

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// headPath returns the path of the file that firesteel fit wrote, if r refers to one.
func (r Reference) headPath() (string, bool) {
	if r.entry != nil || r.Remote() || !safetensors.IsFile(r.text) || weights.Downloaded(r.text) {
		return "", false
	}
	path := r.text
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	path, err := filepath.Abs(path)
	return path, err == nil && head.Is(path)
}

// findHead describes a head.
func (r Reference) findHead(ctx context.Context, path string) (weights.Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return weights.Model{}, err
	}
	sum, err := digest.File(ctx, path)
	name := filepath.Base(path)
	return weights.Model{Name: strings.TrimSuffix(name, filepath.Ext(name)), Ref: r.text, Path: path, Size: info.Size(), SHA256: sum}, err
}

// isHead reports whether the model is a head.
func (r *Resolved) isHead() bool { return len(r.Files) == 0 && head.Is(r.Root) }

// openHead opens a head.
func (r *Resolved) openHead() (*head.Model, error) {
	return head.Open(r.Root, r.Info.Name, r.Info.Digest)
}
