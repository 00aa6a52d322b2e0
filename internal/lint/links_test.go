package lint

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^[ ]*```.*?^[ ]*```[ ]*$")
	codeSpan  = regexp.MustCompile("`[^`\n]+`")
	link      = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	// A path of this module in a code span, and a test or benchmark.
	modulePath   = regexp.MustCompile(`^(?:\./)?((?:ai|bench|cmd|docs|examples|internal|llm|spark|udf|worker)/[\w./-]+)$`)
	exportedName = regexp.MustCompile(`(?m)(?:^|[^.\w])((?:spark|ai|udf|llm|worker|models)\.[A-Z]\w*)`)
	testName     = regexp.MustCompile(`^((?:Test|Fuzz|Benchmark)[A-Z]\w+)$`)
)

// Documents refer to files, headings, packages, tests and exported names that
// exist.
func TestDocuments(t *testing.T) {
	root := filepath.Join("..", "..")
	tests := map[string]bool{}
	for _, f := range goFiles(t) {
		for _, d := range f.parsed.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test() {
				tests[fn.Name.Name] = true
			}
		}
	}
	declared := map[string]bool{}
	for _, f := range goFiles(t) {
		if isPublic(f.pkg) && !f.test() {
			for _, d := range f.parsed.Decls {
				for _, name := range names(d) {
					declared[f.parsed.Name.Name+"."+name] = true
				}
			}
		}
	}
	links, paths := 0, 0
	for file, text := range documents(t, root) {
		prose := codeBlock.ReplaceAllString(text, "")
		for _, span := range codeSpan.FindAllString(prose, -1) {
			span = strings.Trim(span, "`")
			if m := testName.FindStringSubmatch(span); m != nil && !tests[m[1]] {
				t.Errorf("%s: there is no test %s", file, m[1])
			}
			// The change log names what former versions had; NAME and GOARCH are placeholders.
			if m := modulePath.FindStringSubmatch(span); m != nil && file != "CHANGELOG.md" && !strings.Contains(span, "NAME") && !strings.Contains(span, "GOARCH") {
				paths++
				if !exists(root, strings.TrimSuffix(m[1], "/...")) {
					t.Errorf("%s: there is no %s", file, m[1])
				}
			}
		}
		for _, m := range exportedName.FindAllStringSubmatch(text, -1) {
			if !declared[m[1]] && file != "CHANGELOG.md" {
				t.Errorf("%s: there is no %s", file, m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(prose, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			path, anchor, _ := strings.Cut(target, "#")
			to := file
			if path != "" {
				to = filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
			}
			if !exists(root, to) {
				t.Errorf("%s links to %s, which does not exist", file, target)
				continue
			}
			if anchor == "" {
				continue
			}
			linked, err := os.ReadFile(filepath.Join(root, to))
			if err != nil || !anchors(string(linked))[anchor] {
				t.Errorf("%s links to %s, and %s has no such heading", file, target, to)
			}
		}
	}
	if links < 50 || paths < 20 {
		t.Errorf("only %d links and %d paths found: the search is broken", links, paths)
	}
}

// names returns the names that a declaration declares, methods excepted.
func names(d ast.Decl) (all []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			all = append(all, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				all = append(all, spec.Name.Name)
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					all = append(all, n.Name)
				}
			}
		}
	}
	return all
}

// The description of the architecture has every package of the top and of
// internal.
func TestArchitectureNamesThePackages(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range goFiles(t) {
		name, _, _ := strings.Cut(strings.TrimPrefix(f.pkg, "internal/"), "/")
		if !regexp.MustCompile(`(?m)^ *(?:[a-z]+, )*`+name+`[ ,/]`).Match(text) && !strings.Contains(string(text), " "+name+"\n") {
			t.Fatalf("docs/architecture.md does not describe the package %s of %s", name, f.path)
		}
	}
}

// documents returns the text of each Markdown file by its path from root.
func documents(t *testing.T, root string) map[string]string {
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && p != root && (strings.HasPrefix(name, ".") && name != ".github" || name == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(p, ".md") {
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(root, p)
			texts[rel] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// exists reports whether a path from root is a file or a folder.
func exists(root, path string) bool {
	_, err := os.Stat(filepath.Join(root, path))
	return err == nil
}

// anchors returns the names of a document's headings, as GitHub makes them:
// lower case, spaces as hyphens, without punctuation, numbered where they
// repeat.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(linkText.ReplaceAllString(m[1], "$1")) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				b.WriteRune(r)
			}
		}
		name := b.String()
		for n := 1; found[name]; n++ {
			name = b.String() + "-" + strconv.Itoa(n)
		}
		found[name] = true
	}
	return found
}

func TestAnchors(t *testing.T) {
	got := anchors("# Weights in 8 bits\n## `firesteel run`: files\n```\n# no heading\n```\n### See [it](x.md)\n## A\n## A\n")
	for _, want := range []string{"weights-in-8-bits", "firesteel-run-files", "see-it", "a", "a-1"} {
		if !got[want] {
			t.Errorf("no anchor %q in %v", want, got)
		}
	}
	if got["no-heading"] {
		t.Error("a comment in a code block is a heading")
	}
}
