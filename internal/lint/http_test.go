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

// HTTP clients that follow redirects by net/http's own rule take headers with
// credentials to other ports of a host, and from https to http. So they are
// made by internal/network/egress, and by nobody else.
func TestHTTPClientsAreMadeInOnePlace(t *testing.T) {
	root := filepath.Join("..", "..")
	forbidden := map[string]bool{"Client": true, "DefaultClient": true, "Get": true, "Head": true, "Post": true, "PostForm": true}
	files := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bench") {
			return filepath.SkipDir
		}
		rel, _ := filepath.Rel(root, p)
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(filepath.ToSlash(rel), "internal/network/egress/") {
			return nil
		}
		files++
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, p, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if is(n.Type, "Client") {
					t.Errorf("%s: an http.Client is made by outbound.Client", set.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && is(s, s.Sel.Name) && forbidden[s.Sel.Name] {
					t.Errorf("%s: http.%s uses net/http's own client; outbound.Client makes one", set.Position(n.Pos()), s.Sel.Name)
				} else if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "new" && len(n.Args) == 1 && is(n.Args[0], "Client") {
					t.Errorf("%s: an http.Client is made by outbound.Client", set.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				if is(n, "DefaultClient") || is(n, "DefaultTransport") {
					t.Errorf("%s: http.%s does not know this module's rules; outbound.Client makes a client", set.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files were looked at, %v", files, err)
	}
}

// is tells whether an expression is http.name.
func is(e ast.Expr, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && pkg.Name == "http" && s.Sel.Name == name
}
