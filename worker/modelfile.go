package worker

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// OpenModel opens the files of a model. A program with an engine of its own
// replaces it before it calls Main.
var OpenModel = func(ctx context.Context, m *models.Resolved, o models.Options) (llm.Model, error) {
	return m.Open(ctx, o)
}

// open checks the model's files against the manifest and opens it.
func (s *sharedModel) open() (m llm.Model, file string, err error) {
	defer panics.OnFault()()
	defer panics.Handle("opening a model", func(panicked error) { m, err = nil, fmt.Errorf("model %s: %w", s.spec.Name, panicked) })
	if s.spec.Endpoint != nil {
		m, err = s.openEndpoint(context.Background())
		return m, s.spec.Name, err
	}
	if !plain(s.spec.File) {
		return nil, s.spec.File, fmt.Errorf("the manifest's model file %q is not a plain file name", s.spec.File)
	}
	for _, f := range s.spec.Files {
		if strings.Contains(f.Name, `\`) || path.Clean(f.Name) != f.Name || !filepath.IsLocal(filepath.FromSlash(f.Name)) || f.Name == "." {
			return nil, f.Name, fmt.Errorf("the manifest's model file %q is not the name of a file in its folder", f.Name)
		}
	}
	ctx := context.Background() // no task's context; see get
	file, hashed, err := s.locate(ctx)
	if err != nil {
		return nil, file, fmt.Errorf("model %s: %w", s.spec.Name, err)
	}
	remedy := "upload the archive again"
	if s.spec.Place != "" {
		remedy = "it must be the same as the client's"
	}
	for _, part := range s.spec.Parts() {
		if hashed {
			break
		}
		sum := digest.File
		if s.spec.Place == "" {
			sum = digest.Read // a new copy, of which no digest is remembered
		}
		if err := verifyFile(ctx, filepath.Join(file, part.Name), part, sum); err != nil {
			return nil, file, fmt.Errorf("model %s: %w; %s", s.spec.Name, err, remedy)
		}
	}
	s.mu.Lock()
	s.count++
	s.mu.Unlock()
	found := &models.Resolved{Root: file, Size: s.spec.Size, Info: llm.Info{
		Name: s.spec.Name, Precision: llm.Precision(s.spec.Precision), Digest: s.spec.SHA256, // compared above
	}}
	for _, f := range s.spec.Files {
		found.Files = append(found.Files, models.File(f))
	}
	if m, err = OpenModel(ctx, found, models.Options{}); err != nil {
		return nil, file, fmt.Errorf("model %s, file %s: %w", s.spec.Name, file, err)
	}
	return m, file, nil
}

// plain reports whether name is a file name without a folder.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && filepath.Base(name) == name
}

// verifyFile compares the size and the digest of a file with the manifest. An
// engine would report a truncated or changed file less clearly, or not at all.
func verifyFile(ctx context.Context, file string, want bundle.File, sum func(context.Context, string) (string, error)) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() != want.Size {
		return fmt.Errorf("the file %s has %d bytes, but the manifest says %d: it is damaged", file, info.Size(), want.Size)
	}
	if want.SHA256 == "" {
		return nil
	}
	got, err := sum(ctx, file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	if !strings.EqualFold(got, want.SHA256) {
		return fmt.Errorf("the file %s has the SHA-256 %s, but the manifest says %s: it is damaged", file, got, want.SHA256)
	}
	return nil
}
