package weights

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/network/maven"
)

// mavenRef is a reference to a model in a jar:
//
//	maven:GROUP:ARTIFACT:VERSION[:PATH]
//
// PATH is a file or a folder in the jar.
type mavenRef struct {
	ref, group, artifact, version, path string
}

// parseMaven parses rest, the part of ref after "maven:".
func parseMaven(ref, rest string) (mavenRef, error) {
	parts := strings.SplitN(rest, ":", 4)
	r := mavenRef{ref: ref}
	valid := len(parts) >= 3
	if valid {
		r.group, r.artifact, r.version = parts[0], parts[1], parts[2]
		_, err := maven.Path(r.coordinates())
		valid = err == nil && versionPattern.MatchString(r.version)
	}
	if valid && len(parts) == 4 {
		r.path = strings.TrimSuffix(parts[3], "/")
		valid = safeFile(r.path) && !isPattern(r.path)
	}
	if !valid {
		return mavenRef{}, fmt.Errorf("%w %q: write maven:group:artifact:version or maven:group:artifact:version:folder", ErrRef, ref)
	}
	return r, nil
}

func (r mavenRef) coordinates() string { return r.group + ":" + r.artifact + ":" + r.version }

// packed describes the jar.
func (r mavenRef) packed() packed {
	return packed{ref: r.ref, dir: filepath.Join("maven", r.group, r.artifact), version: r.version, path: r.path, get: r.jar, bring: r.bring}
}

func (r mavenRef) bring() string {
	path, _ := maven.Path(r.coordinates()) // "" if there is no cache
	return "the jar of " + r.coordinates() + " to " + path
}

// jar downloads the jar.
func (r mavenRef) jar(ctx context.Context, o Options) (files []string, version string, done func(), err error) {
	path, err := maven.Path(r.coordinates())
	if err != nil {
		return nil, "", nil, err
	}
	there := exists(path)
	path, err = maven.Repository{Client: o.client()}.Jar(ctx, r.coordinates())
	if err != nil {
		return nil, "", nil, err
	}
	done = func() {
		if !there {
			maven.Remove(r.coordinates())
		}
	}
	return []string{path}, r.version, done, nil
}

// mavenReference returns the reference of the model in a folder of the cache.
func mavenReference(dir string) string {
	version, inside := splitVersionFolder(filepath.Base(dir))
	artifact := filepath.Dir(dir)
	ref := "maven:" + filepath.Base(filepath.Dir(artifact)) + ":" + filepath.Base(artifact) + ":" + version
	if inside != "" {
		ref += ":" + inside
	}
	return ref
}
