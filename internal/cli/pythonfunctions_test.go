package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/ai"
)

// TestPythonPackage compares functions.py and accessor.py of the Python package with
// the descriptions of the functions. With -update it writes them.
func TestPythonPackage(t *testing.T) {
	for name, text := range map[string]string{"functions.py": pythonFunctions(), "accessor.py": pythonAccessor()} {
		file := filepath.Join("..", "..", "python", "firesteel", name)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(file)
		if err != nil || strings.ReplaceAll(string(have), "\r\n", "\n") != text {
			t.Errorf("%s differs from the descriptions of the functions (%v): run go test ./internal/cli -run TestPythonPackage -update", file, err)
		}
	}
}

// Python can give an argument of each type.
func TestPythonTypes(t *testing.T) {
	for _, f := range ai.All() {
		for _, p := range f.Params {
			if _, ok := pythonTypes[p.Type]; !ok {
				t.Errorf("%s: the parameter %s has the type %s, for which pythonTypes has no conversion", f.Name, p.Name, p.Type)
			}
		}
	}
}

// pythonType is how Python gives an argument of a type: the annotation, and the
// function of _call.py that converts a value.
type pythonType struct{ annotation, convert string }

var pythonTypes = map[ai.Type]pythonType{
	ai.String:      {"Text", "value"},
	ai.Int:         {"Number", "value"},
	ai.Boolean:     {"Flag", "value"},
	ai.Labels:      {"Labels", "value"},
	ai.Options:     {"Options", "value"},
	ai.Examples:    {"Examples", "value"},
	ai.StringArray: {"Texts", "array"},
	ai.VectorArray: {"Vectors", "vectors"},
}

const pythonHead = `# Written by 'go test ./internal/cli -run TestPythonPackage -update'; do not edit.
`

// pythonInput is the parameter that takes a column of texts: content or request,
// and otherwise the first.
func pythonInput(f *ai.Function) int {
	return max(0, slices.IndexFunc(f.Params, func(p ai.Param) bool { return p.Name == "content" || p.Name == "request" }))
}

// pythonParam writes a parameter with its type, and its conversion.
func pythonParam(f *ai.Function, i int) (declared string, convert string) {
	p := f.Params[i]
	of := pythonTypes[p.Type]
	if i == pythonInput(f) && p.Type == ai.String {
		of = pythonType{"ColumnOrName", "column"}
	}
	if p.Optional {
		return fmt.Sprintf("%s: \"Optional[%s]\" = None", p.Name, of.annotation), of.convert
	}
	return fmt.Sprintf("%s: \"%s\"", p.Name, of.annotation), of.convert
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func pythonFunctions() string {
	var b strings.Builder
	b.WriteString(pythonHead + `"""The AI functions as Columns of PySpark, after firesteel.attach(spark).

The argument that holds the texts is a column: its name or a Column. Other arguments
are values, and a str is itself; for a column, give a Column. An array is a list, or
a column of arrays.
"""

from typing import TYPE_CHECKING, Optional

from ._call import array, column, invoke, value, vectors

if TYPE_CHECKING:
    from pyspark.sql import Column

    from ._call import ColumnOrName, Examples, Flag, Labels, Number, Options, Text, Texts, Vectors

__all__ = [
`)
	for _, f := range ai.All() {
		fmt.Fprintf(&b, "    \"%s\",\n", f.Name)
	}
	b.WriteString("]\n")
	for _, f := range ai.All() {
		var params, arguments []string
		for i, p := range f.Params {
			declared, convert := pythonParam(f, i)
			params = append(params, declared)
			arguments = append(arguments, fmt.Sprintf("(%s, %s, %s)", convert, p.Name, pythonBool(p.Optional)))
		}
		fmt.Fprintf(&b, "\n\ndef %s(\n    %s,\n) -> \"Column\":\n", f.Name, strings.Join(params, ",\n    "))
		b.WriteString(docstring(f, 4, nil, "Column\n    "+f.Returns.String()))
		fmt.Fprintf(&b, "    return invoke(\n        \"%s\",\n        [\n            %s,\n        ],\n    )\n", f.Name, strings.Join(arguments, ",\n            "))
	}
	return b.String()
}

// method is the name of a function in the accessor.
func method(f *ai.Function) string { return strings.TrimPrefix(f.Name, "ai_") }

func pythonAccessor() string {
	var b strings.Builder
	b.WriteString(pythonHead + `from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

from . import functions
from ._call import add_column, add_group, collected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ._call import ColumnOrName, Examples, Flag, Labels, Number, Options, Text, Texts, Vectors


class AI:
    """The AI functions over the columns of a DataFrame, as in
    ` + "``df.ai.classify(input_col=\"text\", labels=[\"a\", \"b\"], output_col=\"topic\")``" + `.

    A method adds the column output_col, and with error_col another one that says why
    a row has no result. Functions over groups make a row of each group of by.
    """

    def __init__(self, df: "DataFrame"):
        self._df = df
`)
	for _, f := range ai.All() {
		if f.Of == nil {
			b.WriteString(pythonMethod(f))
		}
	}
	return b.String()
}

func pythonMethod(f *ai.Function) string {
	input, groups := pythonInput(f), f.OverGroups()
	column := "ColumnOrName"
	required := []string{"input_col: \"" + column + "\""}
	var optional, arguments []string
	for i, p := range f.Params {
		declared, _ := pythonParam(f, i)
		given := p.Name
		switch {
		case i == input:
			given = "input_col"
		case p.Optional:
			optional = append(optional, declared)
		default:
			required = append(required, declared)
		}
		if groups && pythonTypes[p.Type].convert != "value" {
			given = "collected(" + given + ")"
		}
		arguments = append(arguments, p.Name+"="+given)
	}
	params := append(append([]string{"self"}, append(required, optional...)...), "*")
	if groups {
		params = append(params, "by: \"Union[ColumnOrName, Sequence[Any]]\" = ()")
	}
	params = append(params, fmt.Sprintf("output_col: str = \"%s\"", method(f)), "error_col: Optional[str] = None")
	var b strings.Builder
	fmt.Fprintf(&b, "\n    def %s(\n        %s,\n    ) -> \"DataFrame\":\n", method(f), strings.Join(params, ",\n        "))
	about := "the column of the result, of the type " + f.Returns.String() + "."
	more := [][2]string{{"output_col", about}, {"error_col", "a column of the reason why a row has no result."}}
	if groups {
		more = append([][2]string{{"by", "the columns of the groups; without them all rows are one group."}}, more...)
	}
	b.WriteString(docstring(f, 8, more, "DataFrame"))
	call := "add_column(self._df, "
	if groups {
		call = "add_group(self._df, by, "
	}
	fmt.Fprintf(&b, "        call = functions.try_%s if error_col is not None else functions.%[1]s\n        made = call(\n            %s,\n        )\n        return %smade, output_col, error_col)\n",
		f.Name, strings.Join(arguments, ",\n            "), call)
	return b.String()
}

// docstring writes what a function does, its parameters and an example. more are
// parameters of the method, which the input's name then replaces.
func docstring(f *ai.Function, width int, more [][2]string, returns string) string {
	var lines []string
	add := func(text string, by int) {
		for _, line := range strings.Split(wrap(text, 88-width-by), "\n") {
			lines = append(lines, strings.Repeat(" ", by)+line)
		}
	}
	summary := strings.ToUpper(f.Summary[:1]) + f.Summary[1:] + "."
	lines = append(lines, summary, "")
	add(f.Detail, 0)
	lines = append(lines, "", "Parameters", "----------")
	for i, p := range f.Params {
		name := p.Name
		if more != nil && i == pythonInput(f) {
			name = "input_col"
		}
		about := p.About
		if p.Optional {
			about += " (optional)"
		}
		kind := p.Type.String()
		if more != nil && f.OverGroups() && p.Type == ai.StringArray {
			kind, about = "STRING", "the column of the texts of a group"
		}
		lines = append(lines, name+" : "+kind)
		add(about, 4)
	}
	for _, m := range more {
		lines = append(lines, m[0])
		add(m[1], 4)
	}
	lines = append(lines, "", "Returns", "-------")
	lines = append(lines, strings.Split(returns, "\n    ")[0])
	if _, sql, ok := strings.Cut(returns, "\n    "); ok {
		add(sql, 4)
	}
	lines = append(lines, "", "Examples", "--------", "In SQL::", "")
	for _, line := range strings.Split(strings.TrimRight(f.Example, "\n"), "\n") {
		lines = append(lines, "    "+line)
	}
	indented := strings.Repeat(" ", width)
	var b strings.Builder
	text := strings.NewReplacer(`\`, `\\`, `"""`, `\"\"\"`)
	for i, line := range lines {
		switch {
		case i == 0:
			line = `"""` + text.Replace(line)
		default:
			line = text.Replace(line)
		}
		b.WriteString(strings.TrimRight(indented+line, " ") + "\n")
	}
	b.WriteString(indented + "\"\"\"\n")
	return b.String()
}
