package lint

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The programs of Python below examples have no syntax error. What they do was run by hand; docs/recipes.md has the versions.
func TestPythonExamples(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	found, err := filepath.Glob(filepath.Join("..", "..", "examples", "*", "*.py"))
	if err != nil || len(found) < 2 {
		t.Fatal(found, err)
	}
	for _, file := range found {
		const parse = "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read(), sys.argv[1])"
		if text, err := exec.CommandContext(t.Context(), python, "-c", parse, file).CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Errorf("%s: %s", file, lines[len(lines)-1])
		}
	}
}
