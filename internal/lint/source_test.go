package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// goFiles returns all Go files of the module, parsed once for all tests. Test
// data, hidden folders and nested modules are left out.
func goFiles(t *testing.T) []goFile {
	files, err := parsedFiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d Go files found: the walk is broken", len(files))
	}
	return files
}

var parsedFiles = sync.OnceValues(parseFiles)

func parseFiles() (files []goFile, err error) {
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && p != root && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(set, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		files = append(files, goFile{path: p, pkg: pkgOf(rel), parsed: parsed, set: set})
		return err
	})
	return files, err
}
