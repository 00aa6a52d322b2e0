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
	"github.com/firesteel/firesteel/internal/weights/onnx"
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
	r.files = o.Files
	model, err := r.cached(dir, verifiedHash(ctx))
	if err == nil || !errors.Is(err, fs.ErrNotExist) || o.Cached {
		return model, err
	}
	if hubOffline() {
		return Model{}, fmt.Errorf("model %s is not in %s, or is incomplete there, and HF_HUB_OFFLINE forbids downloads\n  %s", ref, dir, r.offlineAdvice())
	}
	model, err = r.download(ctx, dir, o)
	if err != nil {
		return Model{}, fmt.Errorf("model %s: %w", ref, r.explain(err))
	}
	return model, nil
}

// cached returns the model from the cache of the hub, which firesteel and Python share. The
// error is fs.ErrNotExist if the model is not there, or is incomplete.
func (r repo) cached(dir string, hash hashFunc) (Model, error) {
	if err := privatefile.Check(dir); err != nil {
		return Model{}, fmt.Errorf("model %s: %w", r.ref, err)
	}
	commit := r.commit(dir)
	if commit == "" {
		return Model{}, fs.ErrNotExist
	}
	snapshot := filepath.Join(dir, "snapshots", commit)
	if len(r.files) > 0 {
		return r.pinned(snapshot, hash)
	}
	file, other := r.file, ""
	if file == "" {
		names, err := filesBelow(snapshot)
		if err != nil {
			return Model{}, err
		}
		file, other, err = chooseModel(names)
		var several *severalError
		if errors.As(err, &several) {
			return Model{}, r.severalModels(several)
		}
		if err != nil {
			return Model{}, fs.ErrNotExist // the repository may have more files
		}
	}
	m, err := r.model(snapshot, file, other, hash)
	if errors.Is(err, ErrRef) {
		return Model{}, fs.ErrNotExist // incomplete
	}
	return m, err
}

// pinned describes the model that consists of r.files.
func (r repo) pinned(snapshot string, hash hashFunc) (Model, error) {
	if len(r.files) == 1 && isGGUF(r.file) {
		m, err := ggufModel(r.ref, filepath.Join(snapshot, filepath.FromSlash(r.file)), hash)
		if err == nil && m.SHA256 != r.files[0].SHA256 {
			err = &ContentError{r.ref, r.file, r.files[0].SHA256, m.SHA256}
		}
		if err != nil {
			return Model{}, err
		}
		return m, nil
	}
	m, err := pinned(r.ref, filepath.Join(snapshot, filepath.FromSlash(path.Dir(r.file))), r.files, hash)
	if err != nil {
		return Model{}, err
	}
	m.Name = r.name
	return m, nil
}

// model describes the model whose GGUF file or whose weights are file.
func (r repo) model(snapshot, file, other string, hash hashFunc) (Model, error) {
	local := filepath.Join(snapshot, filepath.FromSlash(file))
	switch {
	case isWeights(file):
		return folderModel(r.ref, r.name, filepath.Dir(local), path.Base(file), hash)
	case onnx.IsFile(file):
		m, err := onnxModel(r.ref, local, hash)
		m.Name = r.name
		return m, err
	}
	m, err := ggufModel(r.ref, local, hash) // fails if local is a dangling link
	m.Note = notChosenNote(file, other, r.base()+":"+other)
	return m, err
}

// verifiedHash returns a hashFunc for files of the hub's cache. It reports a file whose content
// does not match the digest in the name of its blob.
func verifiedHash(ctx context.Context) hashFunc {
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
		if sha256Pattern.MatchString(name) && name != sum {
			err = &fetch.SumError{Algorithm: "sha256", Want: name, Got: sum}
		} else if commitPattern.MatchString(name) {
			err = checkGitBlob(blob, name)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w; delete %s to download it again", path, err, blob)
		}
		return sum, nil
	}
}

// filesBelow returns the paths of all files of a snapshot, relative to it and with slashes.
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

// base returns the reference without its file.
func (r repo) base() string {
	base := "hf:" + r.id()
	if r.revision != "main" {
		base += "@" + r.revision
	}
	return base
}

// severalModels returns the error for a repository with several models.
func (r repo) severalModels(several *severalError) error {
	return fmt.Errorf("%w: %s has several models; name one, as in %s:%s\n  %s",
		ErrRef, r.id(), r.base(), several.names[0], strings.Join(several.names, "\n  "))
}

// choose returns the model among the repository's files; see chooseModel.
func (r repo) choose(names []string) (file, other string, err error) {
	if r.file == "" {
		file, other, err = chooseModel(names)
		var several *severalError
		switch {
		case errors.As(err, &several):
			return "", "", r.severalModels(several)
		case err != nil:
			return "", "", fmt.Errorf("%w: the repository %s holds %w", ErrRef, r.id(), err)
		}
		return file, other, nil
	}
	if !slices.Contains(names, r.file) {
		models := slices.DeleteFunc(names, func(name string) bool {
			return !(isGGUF(name) && isFirstPart(name)) && !isWeights(name) && !onnx.IsFile(name)
		})
		slices.Sort(models)
		return "", "", fmt.Errorf("%w: %s has no file %s; it has: %s", ErrRef, r.id(), r.file, strings.Join(models, ", "))
	}
	return firstPart(r.file), "", nil
}

func (r repo) download(ctx context.Context, dir string, o Options) (Model, error) {
	d := downloader{repo: r, client: o.client(), dir: dir}
	names, err := d.list(ctx)
	if err != nil {
		return Model{}, err
	}
	if len(r.files) > 0 {
		return r.downloadPinned(ctx, d, names)
	}
	file, other, err := r.choose(names)
	if err != nil {
		return Model{}, err
	}
	files := []string{file}
	if parts := partsOf(file); parts != nil {
		if err := checkParts(file, names); err != nil {
			return Model{}, fmt.Errorf("%w: the repository %s holds %w", ErrRef, r.id(), err)
		}
		files = parts
	}
	switch {
	case isWeights(file):
		files, err = d.withCompanions(ctx, file, names)
	case onnx.IsFile(file):
		files, err = d.withONNX(ctx, file, names)
	}
	if err != nil {
		return Model{}, err
	}
	if err := d.get(ctx, files); err != nil {
		return Model{}, err
	}
	if err := d.keepRevision(); err != nil {
		return Model{}, err
	}
	return r.model(d.snapshot(), file, other, verifiedHash(ctx))
}

// downloadPinned downloads r.files. names are the files of the repository.
func (r repo) downloadPinned(ctx context.Context, d downloader, names []string) (Model, error) {
	var files []string
	for _, f := range r.files {
		files = append(files, path.Join(path.Dir(r.file), f.Name))
	}
	if len(files) == 1 && isGGUF(r.file) {
		files[0] = r.file
	}
	for _, file := range files {
		if !slices.Contains(names, file) {
			return Model{}, fmt.Errorf("%w: %s has no file %s", ErrRef, r.id(), file)
		}
	}
	// The weights come last, so that an interrupted download is not mistaken for a complete model.
	slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	if err := d.get(ctx, files); err != nil {
		return Model{}, err
	}
	if err := d.keepRevision(); err != nil {
		return Model{}, err
	}
	return r.pinned(d.snapshot(), verifiedHash(ctx))
}

// order sorts weights after all other files.
func order(file string) string {
	if isGGUF(file) || isWeights(file) || onnx.IsFile(file) {
		return "weights"
	}
	return "other"
}

// keepRevision stores the commit of the revision in the cache.
func (d *downloader) keepRevision() error {
	if d.revision == d.commit {
		return nil
	}
	return writeRef(filepath.Join(d.dir, "refs", filepath.FromSlash(d.revision)), d.commit)
}

// withCompanions returns all files of the model with the given weights. The weights come
// last, so that an interrupted download is not mistaken for a complete model.
func (d *downloader) withCompanions(ctx context.Context, weights string, names []string) ([]string, error) {
	folder := path.Dir(weights)
	holds := func(err error) error {
		return fmt.Errorf("%w: the repository %s holds %w", ErrRef, d.id(), err)
	}
	var inFolder []string
	for _, name := range names {
		if path.Dir(name) == folder {
			inFolder = append(inFolder, path.Base(name))
		} else if inside := strings.TrimPrefix(name, folder+"/"); isPooling(inside) && (folder == "." || inside != name) {
			inFolder = append(inFolder, inside)
		}
	}
	if chosen, err := safetensors.Choose(inFolder); err != nil {
		return nil, holds(err)
	} else if chosen != path.Base(weights) {
		return nil, holds(fmt.Errorf("the weights %s; name them instead of %s", path.Join(folder, chosen), weights))
	}
	files, err := companions(inFolder)
	if err != nil {
		return nil, holds(err)
	}
	files = append(files, path.Base(weights))
	if safetensors.IsIndex(weights) {
		if err := d.get(ctx, []string{weights}); err != nil {
			return nil, err
		}
		parts, err := safetensors.Parts(filepath.Join(d.snapshot(), filepath.FromSlash(weights)))
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			if !slices.Contains(inFolder, part) {
				return nil, holds(fmt.Errorf("%s, but not %s, which it refers to", weights, part))
			}
		}
		files = append(files, parts...)
	}
	for i, file := range files {
		files[i] = path.Join(folder, file)
	}
	return files, nil
}

// withONNX returns all files of the model with the given ONNX file, in its folder or the one above.
// It downloads the ONNX file, which names the files with its data.
func (d *downloader) withONNX(ctx context.Context, file string, names []string) ([]string, error) {
	holds := func(err error) error {
		return fmt.Errorf("%w: the repository %s holds %w", ErrRef, d.id(), err)
	}
	folder := path.Dir(file)
	if path.Base(folder) == onnx.Subfolder && !slices.Contains(names, path.Join(folder, "tokenizer.json")) {
		folder = path.Dir(folder)
	}
	var inside []string
	for _, name := range names {
		if folder == "." {
			inside = append(inside, name)
		} else if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			inside = append(inside, rest)
		}
	}
	inFolder := func(name string) string { return path.Join(folder, name) }
	files, err := onnxFiles(strings.TrimPrefix(file, folder+"/"), inside)
	if err != nil {
		return nil, holds(err)
	}
	if err := d.get(ctx, []string{file}); err != nil {
		return nil, err
	}
	external, err := onnx.ExternalFiles(filepath.Join(d.snapshot(), filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range files[1:] {
		all = append(all, inFolder(name))
	}
	for _, name := range external {
		other := path.Join(path.Dir(file), name)
		if !slices.Contains(names, other) {
			return nil, holds(fmt.Errorf("%s, but not %s, which it refers to", file, other))
		}
		all = append(all, other)
	}
	return append(all, file), nil
}

// offlineAdvice says how to get the model without a network on this machine.
func (r repo) offlineAdvice() string {
	file := r.file
	switch {
	case len(r.files) > 1:
		var names []string
		for _, f := range r.files {
			names = append(names, f.Name)
		}
		return fmt.Sprintf("To use it without a network: download %s from %s/%s on another machine into one folder, and name that folder", strings.Join(names, ", "), fetch.Redact(hubEndpoint()), r.id())
	case file == "":
		file = "FILE.gguf"
	case isWeights(file) || onnx.IsFile(file):
		return fmt.Sprintf("To use it without a network: download %s, %s and the other files of its folder at %s/%s on another machine into one folder, and name that folder",
			file, strings.Join(required, ", "), fetch.Redact(hubEndpoint()), r.id())
	}
	return fmt.Sprintf("To use it without a network: download %s/%s/resolve/%s/%s on another machine, and name the file by its path", fetch.Redact(hubEndpoint()), r.id(), r.revision, file)
}

// explain adds to an error of the hub what it means and what to do.
func (r repo) explain(err error) error {
	var status *fetch.StatusError
	page := fetch.Redact(hubEndpoint()) + "/" + r.id()
	if !errors.As(err, &status) {
		if errors.Is(err, ErrRef) || errors.Is(err, malformed.ErrFormat) {
			return err
		}
		return fmt.Errorf("%w\n  %s", err, r.offlineAdvice())
	}
	code := status.Header.Get("X-Error-Code")
	switch {
	case code == "GatedRepo":
		return fmt.Errorf("%w\n  The repository is gated: accept its terms at %s, then set HF_TOKEN to a token of your account", err, page)
	case status.Code == http.StatusUnauthorized:
		return fmt.Errorf("%w\n  The repository does not exist or is private: check %s, and set HF_TOKEN to a token with read access", err, page)
	case status.Code == http.StatusForbidden:
		return fmt.Errorf("%w\n  The token in HF_TOKEN has no read access: accept the terms at %s, or give the token the permission to read", err, page)
	case code == "RevisionNotFound":
		return fmt.Errorf("%w\n  The repository has no revision %q: see %s", err, r.revision, page)
	case status.Code == http.StatusNotFound:
		return fmt.Errorf("%w\n  The repository or the revision does not exist: check %s", err, page)
	}
	return fmt.Errorf("%w\n  %s", err, r.offlineAdvice())
}
