package lint

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// properNouns may begin the text of an error. staticcheck's rule ST1005 refuses
// them too, so it is off in staticcheck.conf and this test replaces it.
var properNouns = []string{"Arrow", "Go", "Java", "Parquet", "Python", "PySpark", "Spark", "Unicode", "Windows"}

// Errors begin with a lower-case letter, a proper noun or an acronym, and end
// without punctuation, because callers put their own text around them.
func TestErrorText(t *testing.T) {
	texts := 0
	for _, f := range goFiles(t) {
		if f.test() {
			continue
		}
		ast.Inspect(f.parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || !isErrorConstructor(call.Fun) {
				return true
			}
			text, ok := literal(call.Args[0])
			if !ok || text == "" {
				return true
			}
			texts++
			word := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
			if unicode.IsUpper([]rune(text)[0]) && !isAcronym(word[0]) && !slices.Contains(properNouns, word[0]) {
				t.Errorf("%s: the error %q begins with an upper-case letter", f.at(call), text)
			}
			if strings.ContainsRune(".:!\n", rune(text[len(text)-1])) {
				t.Errorf("%s: the error %q ends with punctuation or a line break", f.at(call), text)
			}
			return true
		})
	}
	if texts < 100 {
		t.Fatalf("only %d errors found: the walk is broken", texts)
	}
}

func isErrorConstructor(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && (pkg.Name == "errors" && s.Sel.Name == "New" || pkg.Name == "fmt" && s.Sel.Name == "Errorf")
}

// isAcronym reports whether word has an upper-case letter after its first, such
// as GGUF, SQL or FlatBuffers.
func isAcronym(word string) bool {
	return len(word) == 1 || strings.IndexFunc(word[1:], unicode.IsUpper) >= 0
}

// literal returns the value of a string literal or of literals joined with +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, ok2 := literal(e.Y)
		return left + right, ok && ok2 && e.Op == token.ADD
	}
	return "", false
}

// flagName matches a command-line flag in text.
var flagName = regexp.MustCompile(`(^|[\s('"])--[a-z][a-z-]+`)

// Only the command has flags. A library returns a typed error, and internal/cli
// adds the flag that helps. internal/localspark runs other programs with theirs.
func TestLibrariesNameNoFlags(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() || matchesAny([]string{"internal/cli", "internal/localspark", "internal/release", "internal/ci", "internal/integration", "internal/testkit/...", "bench/...", "examples/..."}, f.pkg) {
			continue
		}
		ast.Inspect(f.parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && flagName.MatchString(lit.Value) {
				t.Errorf("%s: the text %s names a flag of the command", f.at(lit), lit.Value)
			}
			return true
		})
		for _, group := range f.parsed.Comments {
			if m := flagName.FindString(group.Text()); m != "" {
				t.Errorf("%s: the comment names the flag %s of the command", f.at(group), m)
			}
		}
	}
}
