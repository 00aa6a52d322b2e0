package weights

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// repo is a reference to a repository of the Hugging Face hub. Its files are in the cache of
// Python's huggingface_hub:
//
//	<hub>/models--<owner>--<name>/refs/<revision>           holds a commit
//	                             /snapshots/<commit>/<file> links to
//	                             /blobs/<etag>              the content
//
// The etag of a large file is its SHA-256.
type repo struct {
	ref, owner, name, revision, file string
	files                            []File // if not empty, the files of the model; see Options.Files
}

var (
	hubName         = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	revisionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
	commitPattern   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	sha256Pattern   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	etagPattern     = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
)

// parseHub parses rest, the part of ref after "hf:".
func parseHub(ref, rest string) (repo, error) {
	r := repo{ref: ref, revision: "main"}
	bad := func(why string) (repo, error) {
		return repo{}, fmt.Errorf("%w %q: %s; write hf:owner/name, hf:owner/name@revision or hf:owner/name:file", ErrRef, ref, why)
	}
	rest, file, hasFile := strings.Cut(rest, ":")
	rest, revision, hasRevision := strings.Cut(rest, "@")
	var ok bool
	r.owner, r.name, ok = strings.Cut(rest, "/")
	if !ok || !hubName.MatchString(r.owner) || !hubName.MatchString(r.name) || strings.Contains(rest, "--") || strings.Contains(rest, "..") {
		return bad("an owner and a name are needed")
	}
	if hasRevision {
		if !revisionPattern.MatchString(revision) || strings.Contains(revision, "..") || strings.Contains(revision, "//") {
			return bad("the revision is not a branch, a tag or a commit")
		}
		r.revision = revision
	}
	if hasFile {
		if !safeFile(file) {
			return bad("the file is not a path within a repository")
		}
		if !isGGUF(file) && !isWeights(file) && !onnx.IsFile(file) {
			return bad("the file is not a .gguf, .safetensors or .onnx file")
		}
		r.file = file
	}
	return r, nil
}

// safeFile reports whether file is a clean relative path that stays in a snapshot's folder.
func safeFile(file string) bool {
	return file != "" && len(file) <= 1024 && path.Clean(file) == file && filepath.IsLocal(filepath.FromSlash(file)) && !strings.ContainsAny(file, "\\:\x00")
}

func (r repo) id() string { return r.owner + "/" + r.name }

// dir returns the repository's folder in the cache.
func (r repo) dir() (string, error) {
	hub, err := hubCache()
	if err != nil {
		return "", err
	}
	return filepath.Join(hub, "models--"+r.owner+"--"+r.name), nil
}

// commit returns the cached commit of the revision, or "".
func (r repo) commit(dir string) string {
	if commitPattern.MatchString(r.revision) {
		return r.revision
	}
	b, err := os.ReadFile(filepath.Join(dir, "refs", filepath.FromSlash(r.revision)))
	if commit := strings.TrimSpace(string(b)); err == nil && commitPattern.MatchString(commit) {
		return commit
	}
	return ""
}

// hfHome returns the home folder of Hugging Face's Python libraries.
func hfHome() (string, error) {
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Abs(filepath.Join(dir, "huggingface"))
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the Hugging Face hub: %w; set HF_HOME", err)
	}
	return filepath.Join(home, ".cache", "huggingface"), nil
}

// hubCache returns the folder of the hub's cache.
func hubCache() (string, error) {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir := os.Getenv(name); dir != "" {
			return filepath.Abs(dir)
		}
	}
	home, err := hfHome()
	return filepath.Join(home, "hub"), err
}

// hubToken returns the access token of the hub, or "".
func hubToken() string {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if token := strings.TrimSpace(os.Getenv(name)); token != "" {
			return token
		}
	}
	file := os.Getenv("HF_TOKEN_PATH")
	if file == "" {
		home, err := hfHome()
		if err != nil {
			return ""
		}
		file = filepath.Join(home, "token")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// hubOffline reports whether HF_HUB_OFFLINE forbids downloads.
func hubOffline() bool {
	switch strings.ToLower(os.Getenv("HF_HUB_OFFLINE")) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

// hubEndpoint returns the address of the hub, without a trailing slash.
func hubEndpoint() string {
	if endpoint := strings.TrimRight(os.Getenv("HF_ENDPOINT"), "/"); endpoint != "" {
		return endpoint
	}
	return "https://huggingface.co"
}
