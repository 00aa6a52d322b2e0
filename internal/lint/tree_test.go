package lint

import (
	"bytes"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	maxFolders = 14  // at the top of the tree
	maxLines   = 500 // of a Go file
)

// The top of the tree shows the architecture.
func TestTopOfTheTree(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" && e.Name() != "dist" {
			folders = append(folders, e.Name())
		}
	}
	if len(folders) > maxFolders {
		t.Errorf("the top has %d folders, and at most %d are allowed: %v", len(folders), maxFolders, folders)
	}
}

// A file is one idea.
func TestFileSize(t *testing.T) {
	for _, f := range goFiles(t) {
		text, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > maxLines && !ast.IsGenerated(f.parsed) {
			t.Errorf("%s has %d lines, and at most %d are allowed: split it by what its parts do", f.path, lines, maxLines)
		}
	}
}

// Every package is imported, directly or not, by a program, a public package or
// a test of one that is.
func TestPackagesAreUsed(t *testing.T) {
	imports := map[string][]string{} // package -> packages of this module
	reached := map[string]bool{}
	var queue []string
	for _, f := range goFiles(t) {
		for _, spec := range f.parsed.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if inner, ok := strings.CutPrefix(imported, module+"/"); ok {
				imports[f.pkg] = append(imports[f.pkg], inner)
			}
		}
		imports[f.pkg] = append(imports[f.pkg], f.pkg)
		isProgram := f.parsed.Name.Name == "main"
		isTests := matches("internal/integration", f.pkg) || matches("internal/lint", f.pkg)
		if isProgram || isTests || isPublic(f.pkg) {
			queue = append(queue, f.pkg)
		}
	}
	for len(queue) > 0 {
		pkg := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !reached[pkg] {
			reached[pkg] = true
			queue = append(queue, imports[pkg]...)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		if !reached[pkg] {
			t.Errorf("no program, public package or test uses the package %s: delete it", pkg)
		}
	}
}

// isPublic reports whether other modules can import pkg and are meant to.
func isPublic(pkg string) bool {
	return !strings.Contains(pkg+"/", "internal/") && !matchesAny([]string{"cmd/...", "bench/...", "examples/..."}, pkg)
}

// goFile is a parsed file of this module.
type goFile struct {
	path   string // from this folder
	pkg    string // from the top, with slashes
	parsed *ast.File
	set    *token.FileSet
}

// test reports whether the file belongs to a test.
func (f goFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// at returns the place of a node.
func (f goFile) at(n ast.Node) string { return f.set.Position(n.Pos()).String() }

func pkgOf(rel string) string { return path.Dir(filepath.ToSlash(rel)) }
