package weights

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// webRef is a reference to a file of a web server, which is a GGUF file or a zip archive:
//
//	https://HOST/PATH[#sha256=DIGEST][&subdirectory=FOLDER]
//
// The options after '#' are those of pip. Without a digest the first download decides: the cache
// keeps that file, and never replaces it. http needs a digest.
type webRef struct {
	ref     string
	address string // without the options
	sha256  string // may be empty
	path    string // in the archive; may be empty
}

// parseWeb parses a URL with options.
func parseWeb(ref string) (webRef, error) {
	bad := func(why string) (webRef, error) {
		return webRef{}, fmt.Errorf("%w %q: %s; write https://host/file#sha256=digest, or add &subdirectory=folder for a folder in an archive", ErrRef, fetch.Redact(ref), why)
	}
	u, err := url.Parse(ref)
	if err != nil || u.Host == "" || path.Base(u.Path) == "." || path.Base(u.Path) == "/" {
		return bad("not the URL of a file")
	}
	if u.User != nil {
		return bad("a password is not allowed here")
	}
	options, err := url.ParseQuery(u.EscapedFragment())
	if err != nil {
		return bad("malformed options after '#'")
	}
	r := webRef{ref: ref}
	for key, values := range options {
		switch key {
		case "sha256":
			r.sha256 = strings.ToLower(values[0])
		case "subdirectory":
			r.path = strings.TrimSuffix(values[0], "/")
		default:
			return bad(fmt.Sprintf("unknown option %q", key))
		}
	}
	switch {
	case r.sha256 != "" && !sha256Pattern.MatchString(r.sha256):
		return bad("a SHA-256 has 64 hex digits")
	case r.path != "" && (!safeFile(r.path) || isPattern(r.path)):
		return bad("the subdirectory is not a path in an archive")
	case u.Scheme == "http" && r.sha256 == "":
		return bad("http needs the SHA-256 of the file")
	}
	u.Fragment, u.RawFragment = "", ""
	r.address = u.String()
	return r, nil
}

// key is the length of the digests of URLs in the cache.
const key = 32

// packed describes the file.
func (r webRef) packed() packed {
	u, err := url.Parse(r.address)
	if err != nil { // only of the zero webRef of an error
		return packed{}
	}
	sum := sha256.Sum256([]byte(r.address))
	p := packed{
		ref: r.ref, dir: filepath.Join("web", strings.ReplaceAll(u.Host, ":", "_"), hex.EncodeToString(sum[:])[:key]), path: r.path,
		name: fileName(path.Base(u.Path)), plain: true, get: r.download, note: r.address, bring: r.bring,
	}
	if r.sha256 != "" {
		p.version = r.sha256
	}
	return p
}

// fileName returns a name of a file in the cache for one of a URL.
func fileName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, name)
	return strings.TrimLeft(name[max(0, len(name)-200):], ".")
}

func (r webRef) bring() string { return r.address + " to a file, and name its path" }

// download downloads the file. Its version is its SHA-256.
func (r webRef) download(ctx context.Context, o Options) (files []string, version string, done func(), err error) {
	folder, err := cachedir.Downloads()
	if err != nil {
		return nil, "", nil, err
	}
	if err := privatefile.MakeDir(folder); err != nil {
		return nil, "", nil, err
	}
	sum := sha256.Sum256([]byte(r.address + "#" + r.sha256))
	p := r.packed()
	file := filepath.Join(folder, hex.EncodeToString(sum[:])[:key]+"-"+p.name)
	request := fetch.Request{URL: r.address, Path: file, Limit: maxModel, Name: p.name}
	if r.sha256 != "" {
		request.Sum = fetch.SHA256(r.sha256)
	}
	if err := o.client().Get(ctx, request); err != nil {
		return nil, "", nil, err
	}
	got := r.sha256
	if got == "" {
		if got, err = digest.File(ctx, file); err != nil {
			return nil, "", nil, err
		}
	}
	return []string{file}, got, func() { removeAll([]string{file}) }, nil
}

// webReference returns the reference of the model in a folder of the cache, or "" if the cache
// lacks it.
func webReference(dir string) string {
	address, err := privatefile.ReadFile(filepath.Join(filepath.Dir(dir), noteFile), 1<<16)
	if err != nil {
		return ""
	}
	version, inside := splitVersionFolder(filepath.Base(dir))
	ref := string(address) + "#sha256=" + version
	if inside != "" {
		ref += "&" + url.Values{"subdirectory": {inside}}.Encode()
	}
	return ref
}
