package lint

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the goldens")

const apiFolder = "testdata/api"

// The exported declarations of each public package are those of its golden, so
// a review sees every change of the public surface. A golden has signatures and
// exported fields, and for an alias of an internal type also its methods.
func TestAPI(t *testing.T) {
	files, err := parseFiles() // not goFiles: export removes what is not exported
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]goFile{}
	for _, f := range files {
		if !f.test() {
			packages[f.pkg] = append(packages[f.pkg], f)
		}
	}
	goldens := map[string]bool{}
	for pkg, files := range packages {
		if !isPublic(pkg) || files[0].parsed.Name.Name == "main" {
			continue
		}
		name := strings.ReplaceAll(pkg, "/", "_") + ".txt"
		goldens[name] = true
		checkGolden(t, filepath.Join(apiFolder, name), exported(t, pkg, packages))
	}
	if len(goldens) < 5 {
		t.Fatalf("only %d public packages found: the walk is broken", len(goldens))
	}
	entries, err := os.ReadDir(apiFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !goldens[e.Name()] {
			t.Errorf("%s/%s describes a package that does not exist: delete it", apiFolder, e.Name())
		}
	}
}

func checkGolden(t *testing.T, file, got string) {
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("the exported declarations differ from %s: if the change is meant, run go test ./internal/lint -update and list it in CHANGELOG.md\n%s",
			file, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d: golden %q, source %q", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("golden %d lines, source %d", len(w), len(g))
}

// exported returns the exported declarations of a package, sorted. It reports
// an error for each that names a type which callers cannot name: one of an
// internal package, or an unexported one.
func exported(t *testing.T, pkg string, packages map[string][]goFile) string {
	unexported := map[string]bool{}
	for _, f := range packages[pkg] {
		for _, d := range f.parsed.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, spec := range g.Specs {
					name := spec.(*ast.TypeSpec).Name
					unexported[name.Name] = !name.IsExported()
				}
			}
		}
	}
	var lines []string
	for _, f := range packages[pkg] {
		for _, d := range f.parsed.Decls {
			for _, one := range split(d) {
				if !export(one) {
					continue
				}
				lines = append(lines, render(t, f, one))
				target := aliased(f, one)
				if target == "" {
					reportHidden(t, f, one, unexported)
					continue
				}
				lines = append(lines, ofAlias(t, target, packages)...)
			}
		}
	}
	slices.Sort(lines)
	return "package " + path.Base(pkg) + "\n\n" + strings.Join(lines, "\n") + "\n"
}

// split returns the declarations of a group one by one.
func split(d ast.Decl) []ast.Decl {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return []ast.Decl{d}
	}
	var all []ast.Decl
	for _, spec := range g.Specs {
		all = append(all, &ast.GenDecl{Tok: g.Tok, Specs: []ast.Spec{spec}})
	}
	return all
}

// export reports whether a declaration is exported, and removes from it what is
// not: bodies, comments, values of variables and unexported names.
func export(d ast.Decl) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		d.Body, d.Doc = nil, nil
		return d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d)))
	case *ast.GenDecl:
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			spec.Doc, spec.Comment = nil, nil
			return spec.Name.IsExported()
		case *ast.ValueSpec:
			spec.Doc, spec.Comment = nil, nil
			if d.Tok == token.VAR {
				if len(spec.Values) == 1 && spec.Type == nil {
					spec.Type = typeOf(spec.Values[0])
				}
				spec.Values = nil
			}
			return slices.ContainsFunc(spec.Names, func(n *ast.Ident) bool { return n.IsExported() })
		}
	}
	return false
}

// typeOf returns the type of a literal and of errors.New, or nil.
func typeOf(value ast.Expr) ast.Expr {
	switch v := value.(type) {
	case *ast.CompositeLit:
		return v.Type
	case *ast.FuncLit:
		return v.Type
	case *ast.CallExpr:
		if isErrorConstructor(v.Fun) {
			return ast.NewIdent("error")
		}
	}
	return nil
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// render prints a declaration without unexported fields and methods.
func render(t *testing.T, f goFile, d ast.Decl) string {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			n.Fields.List = exportedFields(n.Fields.List)
		case *ast.InterfaceType:
			n.Methods.List = exportedFields(n.Methods.List)
		case *ast.FuncLit:
			return false
		}
		return true
	})
	var b bytes.Buffer
	if err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&b, f.set, d); err != nil {
		t.Fatal(err)
	}
	text, err := format.Source(b.Bytes())
	if err != nil {
		text = b.Bytes()
	}
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// exportedFields keeps exported and embedded fields, and says if there are
// others.
func exportedFields(fields []*ast.Field) []*ast.Field {
	var kept []*ast.Field
	for _, f := range fields {
		names := slices.DeleteFunc(slices.Clone(f.Names), func(n *ast.Ident) bool { return !n.IsExported() })
		if len(f.Names) == 0 || len(names) > 0 {
			kept = append(kept, &ast.Field{Names: names, Type: f.Type, Tag: f.Tag})
		}
	}
	return kept
}

// aliased returns the internal type "package.Name" that a declaration is an
// alias of, if it is one.
func aliased(f goFile, d ast.Decl) string {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return ""
	}
	spec, ok := g.Specs[0].(*ast.TypeSpec)
	if !ok || !spec.Assign.IsValid() {
		return ""
	}
	s, ok := spec.Type.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg := internalImport(f, s)
	if pkg == "" {
		return ""
	}
	return pkg + "." + s.Sel.Name
}

// ofAlias returns the declaration and the exported methods of an internal type.
func ofAlias(t *testing.T, target string, packages map[string][]goFile) []string {
	dot := strings.LastIndex(target, ".")
	pkg, name := target[:dot], target[dot+1:]
	var lines []string
	for _, f := range packages[pkg] {
		for _, d := range f.parsed.Decls {
			for _, one := range split(d) {
				fn, isFunc := one.(*ast.FuncDecl)
				g, isGen := one.(*ast.GenDecl)
				is := isFunc && fn.Recv != nil && receiver(fn) == name
				if isGen {
					spec, ok := g.Specs[0].(*ast.TypeSpec)
					is = ok && spec.Name.Name == name
				}
				if is && export(one) {
					lines = append(lines, "// "+pkg+"\n"+render(t, f, one))
				}
			}
		}
	}
	return lines
}

// reportHidden reports the types that a declaration names and its users cannot.
func reportHidden(t *testing.T, f goFile, d ast.Decl, unexported map[string]bool) {
	ast.Inspect(d, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if _, ok := spec.Type.(*ast.FuncType); ok {
				return false // an option is a function that only its package makes
			}
		}
		if field, ok := n.(*ast.Field); ok {
			ast.Inspect(field.Type, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && unexported[id.Name] {
					t.Errorf("%s: an exported declaration names the unexported type %s", f.at(id), id.Name)
				}
				_, qualified := n.(*ast.SelectorExpr)
				return !qualified
			})
		}
		if v, ok := n.(*ast.ValueSpec); ok && v.Type == nil {
			return false // the value of a constant or variable
		}
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg := internalImport(f, s); pkg != "" {
				t.Errorf("%s: an exported declaration names %s.%s, which other modules cannot import: declare the type here, or an alias of it", f.at(s), pkg, s.Sel.Name)
			}
		}
		return true
	})
}

// internalImport returns the internal package of this module that a selector's
// qualifier imports, or "".
func internalImport(f goFile, s *ast.SelectorExpr) string {
	qualifier, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, spec := range f.parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		inner, ok := strings.CutPrefix(imported, module+"/")
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if ok && name == qualifier.Name && strings.Contains("/"+inner+"/", "/internal/") {
			return inner
		}
	}
	return ""
}
