package lint

import (
	"go/ast"
	"testing"
)

// A client of net/http follows redirects with all headers, to other ports of a
// host and from https to http. internal/network/egress makes clients that do
// not send credentials there, so no other package makes one.
func TestHTTPClientsAreMadeInOnePlace(t *testing.T) {
	forbidden := map[string]bool{"Client": true, "DefaultClient": true, "Get": true, "Head": true, "Post": true, "PostForm": true}
	for _, f := range goFiles(t) {
		if f.test() || matchesAny([]string{"bench/...", "internal/network/egress"}, f.pkg) {
			continue
		}
		ast.Inspect(f.parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if isHTTP(n.Type, "Client") {
					t.Errorf("%s: an http.Client is made here; use egress.Client", f.at(n))
				}
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && isHTTP(s, s.Sel.Name) && forbidden[s.Sel.Name] {
					t.Errorf("%s: http.%s uses the client of net/http; use egress.Client", f.at(n), s.Sel.Name)
				} else if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "new" && len(n.Args) == 1 && isHTTP(n.Args[0], "Client") {
					t.Errorf("%s: an http.Client is made here; use egress.Client", f.at(n))
				}
			case *ast.SelectorExpr:
				if isHTTP(n, "DefaultClient") || isHTTP(n, "DefaultTransport") {
					t.Errorf("%s: http.%s keeps credentials on redirects; use egress.Client", f.at(n), n.Sel.Name)
				}
			}
			return true
		})
	}
}

// isHTTP reports whether an expression is http.name.
func isHTTP(e ast.Expr, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && pkg.Name == "http" && s.Sel.Name == name
}
