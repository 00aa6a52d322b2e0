package weights

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

func resolveHub(ctx context.Context, ref, rest string, o Options) (Model, error) {
	r, err := parseHub(ref, rest)
	if err != nil {
		return Model{}, err
	}
	dir, err := r.dir()
	if err != nil {
		return Model{}, err
	}
	model, err := r.cached(dir, verified(ctx))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return model, err
	}
	if hubOffline() {
		return Model{}, fmt.Errorf("model %s is not in %s, or not all of it, and HF_HUB_OFFLINE forbids to download it\n  %s", ref, dir, r.byHand())
	}
	model, err = r.download(ctx, dir, o)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w", ref, r.explain(err))
	}
	return model, nil
}

// cached finds the model where an earlier run, or Python, left it.
// fs.ErrNotExist says that it is not here, or not all of it.
func (r repo) cached(dir string, sum summer) (Model, error) {
	if err := privatefile.Check(dir); err != nil {
		return Model{}, fmt.Errorf("model %s: %w", r.ref, err)
	}
	commit := r.commit(dir)
	if commit == "" {
		return Model{}, fs.ErrNotExist
	}
	snapshot := filepath.Join(dir, "snapshots", commit)
	file, other := r.file, ""
	if file == "" {
		names, err := filesBelow(snapshot)
		if err != nil {
			return Model{}, err
		}
		file, other, err = choose(names)
		var several *severalError
		if errors.As(err, &several) {
			return Model{}, r.choice(several)
		}
		if err != nil {
			return Model{}, fs.ErrNotExist // the hub may have more
		}
	}
	m, err := r.model(snapshot, file, other, sum)
	if errors.Is(err, ErrRef) {
		return Model{}, fs.ErrNotExist // not all of it
	}
	return m, err
}

// model describes the model that file is, or that it holds the weights of.
func (r repo) model(snapshot, file, other string, sum summer) (Model, error) {
	local := filepath.Join(snapshot, filepath.FromSlash(file))
	if isWeights(file) {
		return folderModel(r.ref, r.name, filepath.Dir(local), path.Base(file), sum)
	}
	m, err := fileModel(r.ref, local, sum) // a dangling link is an error
	m.Note = besides(file, other, r.base()+":"+other)
	return m, err
}

// verified is a summer for the hub's cache. What a file holds must be what its
// blob's name says, whoever downloaded it.
func verified(ctx context.Context) summer {
	return func(path string) (string, error) {
		sum, err := digest.File(ctx, path)
		if err != nil {
			return "", err
		}
		blob, err := filepath.EvalSymlinks(path)
		if err != nil {
			return "", err
		}
		name := filepath.Base(blob)
		if digestForm.MatchString(name) && name != sum {
			err = &fetch.SumError{Algorithm: "sha256", Want: name, Got: sum}
		} else if commitForm.MatchString(name) {
			err = checkGitBlob(blob, name)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w; remove %s to have it downloaded again", path, err, blob)
		}
		return sum, nil
	}
}

// filesBelow gives the files of a snapshot, by their names in the repository.
func filesBelow(snapshot string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(snapshot, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(snapshot, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	return names, err
}

// base is the reference without a file.
func (r repo) base() string {
	base := "hf:" + r.id()
	if r.revision != "main" {
		base += "@" + r.revision
	}
	return base
}

// choice is the error of a repository with several models.
func (r repo) choice(several *severalError) error {
	return fmt.Errorf("%w: %s has several models; name one, as in %s:%s\n  %s",
		ErrRef, r.id(), r.base(), several.names[0], strings.Join(several.names, "\n  "))
}

// pick says which of the repository's files is the model, or its weights.
func (r repo) pick(names []string) (file, other string, err error) {
	if r.file == "" {
		file, other, err = choose(names)
		var several *severalError
		switch {
		case errors.As(err, &several):
			return "", "", r.choice(several)
		case err != nil:
			return "", "", fmt.Errorf("%w: the repository %s holds %w", ErrRef, r.id(), err)
		}
		return file, other, nil
	}
	if !slices.Contains(names, r.file) {
		models := slices.DeleteFunc(names, func(name string) bool { return !(isGGUF(name) && isFirst(name)) && !isWeights(name) })
		slices.Sort(models)
		return "", "", fmt.Errorf("%w: %s has no file %s; it has: %s", ErrRef, r.id(), r.file, strings.Join(models, ", "))
	}
	return first(r.file), "", nil
}

func (r repo) download(ctx context.Context, dir string, o Options) (Model, error) {
	g := getter{repo: r, client: o.client(), dir: dir}
	names, err := g.list(ctx)
	if err != nil {
		return Model{}, err
	}
	file, other, err := r.pick(names)
	if err != nil {
		return Model{}, err
	}
	files := []string{file}
	if parts := partsOf(file); parts != nil {
		if err := lackingPart(file, names); err != nil {
			return Model{}, fmt.Errorf("%w: the repository %s holds %w", ErrRef, r.id(), err)
		}
		files = parts
	}
	if isWeights(file) {
		if files, err = g.withCompanions(ctx, file, names); err != nil {
			return Model{}, err
		}
	}
	if err := g.get(ctx, files); err != nil {
		return Model{}, err
	}
	if r.revision != g.commit {
		if err := writeRef(filepath.Join(dir, "refs", filepath.FromSlash(r.revision)), g.commit); err != nil {
			return Model{}, err
		}
	}
	return r.model(g.snapshot(), file, other, verified(ctx))
}

// withCompanions gives all files of the model with these weights. The weights
// are the last, so that what is there of a download that was given up is never
// taken for the whole.
func (g *getter) withCompanions(ctx context.Context, weights string, names []string) ([]string, error) {
	folder := path.Dir(weights)
	holds := func(err error) error {
		return fmt.Errorf("%w: the repository %s holds %w", ErrRef, g.id(), err)
	}
	var beside []string
	for _, name := range names {
		if path.Dir(name) == folder {
			beside = append(beside, path.Base(name))
		} else if inside := strings.TrimPrefix(name, folder+"/"); isPooling(inside) && (folder == "." || inside != name) {
			beside = append(beside, inside)
		}
	}
	if chosen, err := safetensors.Choose(beside); err != nil {
		return nil, holds(err)
	} else if chosen != path.Base(weights) {
		return nil, holds(fmt.Errorf("the weights %s, to be named instead of %s", path.Join(folder, chosen), weights))
	}
	files, err := companions(beside)
	if err != nil {
		return nil, holds(err)
	}
	files = append(files, path.Base(weights))
	if safetensors.IsIndex(weights) {
		if err := g.get(ctx, []string{weights}); err != nil {
			return nil, err
		}
		parts, err := safetensors.Parts(filepath.Join(g.snapshot(), filepath.FromSlash(weights)))
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			if !slices.Contains(beside, part) {
				return nil, holds(fmt.Errorf("%s, but not %s, which it names", weights, part))
			}
		}
		files = append(files, parts...)
	}
	for i, file := range files {
		files[i] = path.Join(folder, file)
	}
	return files, nil
}

func (r repo) byHand() string {
	file := r.file
	switch {
	case file == "":
		file = "FILE.gguf"
	case isWeights(file):
		return fmt.Sprintf("Without a network here: download %s, %s and what lies beside them at %s/%s elsewhere into one folder, and name it by its path",
			file, strings.Join(required, ", "), fetch.Redact(hubEndpoint()), r.id())
	}
	return fmt.Sprintf("Without a network here: download %s/%s/resolve/%s/%s elsewhere and name the file by its path", fetch.Redact(hubEndpoint()), r.id(), r.revision, file)
}

// explain says what the hub's refusals mean.
func (r repo) explain(err error) error {
	var status *fetch.StatusError
	page := fetch.Redact(hubEndpoint()) + "/" + r.id()
	if !errors.As(err, &status) {
		if errors.Is(err, ErrRef) || errors.Is(err, malformed.ErrFormat) {
			return err
		}
		return fmt.Errorf("%w\n  %s", err, r.byHand())
	}
	code := status.Header.Get("X-Error-Code")
	switch {
	case code == "GatedRepo":
		return fmt.Errorf("%w\n  The repository is gated: accept its terms at %s, then set HF_TOKEN to a token of that account", err, page)
	case status.Code == http.StatusUnauthorized:
		return fmt.Errorf("%w\n  There is no such repository, or it is private: check %s, and set HF_TOKEN to a token that may read it", err, page)
	case status.Code == http.StatusForbidden:
		return fmt.Errorf("%w\n  The token in HF_TOKEN may not read it: accept the terms at %s, or give the token the right to read", err, page)
	case code == "RevisionNotFound":
		return fmt.Errorf("%w\n  The repository has no revision %q: see %s", err, r.revision, page)
	case status.Code == http.StatusNotFound:
		return fmt.Errorf("%w\n  There is no such repository or revision: check %s", err, page)
	}
	return fmt.Errorf("%w\n  %s", err, r.byHand())
}
