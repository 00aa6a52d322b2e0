package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A panic that reaches the top of a goroutine ends the process: a worker with
// all tasks of an executor, or a program that uses the client. So what runs in
// a goroutine is a function literal that begins by deferring panics.Catch or
// panics.Handle.
func TestGoroutinesCatchPanics(t *testing.T) {
	root := filepath.Join("..", "..")
	// These have no one to serve: a bench, an example or the test kit may end.
	exempt := []string{"bench", "examples", filepath.Join("internal", "testkit")}
	found := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		if d.IsDir() {
			if name := d.Name(); p != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			for _, e := range exempt {
				if rel == e {
					return filepath.SkipDir
				}
			}
			return nil
		}
		if strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
			n, unguarded := goroutines(t, p)
			found += n
			for _, at := range unguarded {
				t.Errorf("%s: this goroutine does not begin with defer panics.Catch or panics.Handle: a panic in it would end the process", at)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 20 {
		t.Errorf("only %d goroutines found: the search is broken", found)
	}
}

// goroutines counts what is started in a goroutine in a file, and gives the
// places where a panic would not be caught.
func goroutines(t *testing.T, path string) (found int, unguarded []string) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	check := func(at ast.Node, started ast.Expr) {
		found++
		if literal, ok := started.(*ast.FuncLit); !ok || !guarded(literal.Body) {
			unguarded = append(unguarded, set.Position(at.Pos()).String())
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			check(n, n.Call.Fun)
		case *ast.CallExpr:
			// WaitGroup.Go, time.AfterFunc and context.AfterFunc: their function
			// is the last argument.
			called, ok := n.Fun.(*ast.SelectorExpr)
			if ok && len(n.Args) > 0 && (called.Sel.Name == "Go" || called.Sel.Name == "AfterFunc") {
				check(n, n.Args[len(n.Args)-1])
			}
		}
		return true
	})
	return found, unguarded
}

// guarded holds if one of the statements that body begins with, all of which
// are deferred, catches panics.
func guarded(body *ast.BlockStmt) bool {
	for _, s := range body.List {
		d, ok := s.(*ast.DeferStmt)
		if !ok {
			return false
		}
		called, ok := d.Call.Fun.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		if pkg, ok := called.X.(*ast.Ident); ok && pkg.Name == "panics" && (called.Sel.Name == "Catch" || called.Sel.Name == "Handle") {
			return true
		}
	}
	return false
}
