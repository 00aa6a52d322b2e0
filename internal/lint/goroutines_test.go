package lint

import (
	"go/ast"
	"testing"
)

// A panic that reaches the top of a goroutine ends the process: a worker with
// all tasks of an executor, or a program that uses the client. So a goroutine
// runs a function literal that begins by deferring panics.Catch or
// panics.Handle.
func TestGoroutinesCatchPanics(t *testing.T) {
	found := 0
	for _, f := range goFiles(t) {
		// A panic may end benchmarks, examples and the programs of tests.
		if f.test() || matchesAny([]string{"bench/...", "examples/...", "internal/ci", "internal/testkit/..."}, f.pkg) {
			continue
		}
		check := func(at ast.Node, started ast.Expr) {
			found++
			if literal, ok := started.(*ast.FuncLit); !ok || !catchesPanics(literal.Body) {
				t.Errorf("%s: this goroutine does not begin with defer panics.Catch or panics.Handle: a panic in it would end the process", f.at(at))
			}
		}
		ast.Inspect(f.parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				check(n, n.Call.Fun)
			case *ast.CallExpr:
				// The last argument of WaitGroup.Go, time.AfterFunc and
				// context.AfterFunc is the function.
				called, ok := n.Fun.(*ast.SelectorExpr)
				if ok && len(n.Args) > 0 && (called.Sel.Name == "Go" || called.Sel.Name == "AfterFunc") {
					check(n, n.Args[len(n.Args)-1])
				}
			}
			return true
		})
	}
	if found < 20 {
		t.Errorf("only %d goroutines found: the search is broken", found)
	}
}

// catchesPanics reports whether one of the defer statements that body begins
// with catches panics.
func catchesPanics(body *ast.BlockStmt) bool {
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
