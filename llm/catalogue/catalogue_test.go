package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

func TestEmbedded(t *testing.T) {
	c := Embedded()
	for _, r := range []llm.ModelRole{llm.Text, llm.Embed, llm.Tag} {
		e, ok := c.Default(r)
		if !ok || !e.Has(r) || !e.Licence.Free() || !e.Tested || e.Digest() == "" || !c.IsDefault(e) {
			t.Errorf("the default of %s: %+v", r, e)
		}
	}
	for _, name := range c.Names() {
		e := c.Models[name]
		if e.Tested && (len(e.Files) == 0 || e.Parameters == 0 || e.Context == 0 || len(e.Languages) == 0) {
			t.Errorf("%s is tested, but its files, parameters, context or languages are unknown", name)
		}
		size := int64(0)
		for _, f := range e.Files {
			size += f.Size
		}
		if size > 0 && size != e.Size {
			t.Errorf("%s has %d bytes, but its files %d", name, e.Size, size)
		}
		if found, ok := c.ByDigest(e.Digest()); e.Digest() != "" && (!ok || found != e) {
			t.Errorf("%s is not found by its digest", name)
		}
	}
	if e, _ := c.Lookup("llama-3.2-3b"); e.Licence.Free() || e.Licence.Attribution == "" {
		t.Errorf("%+v", e.Licence)
	}
}

// The file has the form that programs write, so that their changes are small.
func TestFormatted(t *testing.T) {
	var compact, indented bytes.Buffer
	if err := json.Compact(&compact, embedded); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&indented, compact.Bytes(), "", "\t"); err != nil {
		t.Fatal(err)
	}
	if indented.WriteByte('\n'); !bytes.Equal(indented.Bytes(), bytes.ReplaceAll(embedded, []byte("\r\n"), []byte("\n"))) {
		t.Error("catalogue.json is not indented by tabs, one value on a line")
	}
}

const small = `{
	"models": {
		"small": {
			"about": "a model",
			"roles": ["text"],
			"licence": {"spdx": "MIT"},
			"sources": ["hf:o/n"],
			"measured": [
				{"function": "ai_gen", "metric": "f1", "value": 0.5, "low": 0.4, "high": 0.6, "data": "d", "date": "2026-01-02"}
			]
		}
	}
}
`

// An error names the file, the line and the field.
func TestParseErrors(t *testing.T) {
	if c, err := Parse("own.json", []byte(small)); err != nil || len(c.Models) != 1 {
		t.Fatal(c, err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"about": "a model"`, `"about": ""`, "line 4: models.small.about: describe"},
		{`"about"`, `"abuot"`, "line 4: models.small.abuot: unknown field"},
		{`"about": "a model"`, `"about": 3`, "line 4: models.small.about: expected a string, not number"},
		{`["text"]`, `"text"`, "line 5: models.small.roles: expected a list, not string"},
		{`["text"]`, `["speech"]`, `line 5: models.small.roles: there is no role "speech"; the roles are [text embed tag rank predict]`},
		{`["text"]`, `[]`, "line 5: models.small.roles"},
		{`"MIT"`, `"my licence"`, "line 6: models.small.licence: \"my licence\" is not an SPDX"},
		{`["hf:o/n"]`, `[]`, "line 7: models.small.sources"},
		{`"0.5"`, ``, ""},
		{`"value": 0.5`, `"value": 0.7`, "line 8: models.small.measured: the f1 of ai_gen, 0.7, is not between"},
		{`"value": 0.5`, `"value": "0.5"`, "line 9: models.small.measured.value: expected a number"},
		{`2026-01-02`, `2.1.26`, "line 8: models.small.measured"},
		{`"models"`, `"model"`, `line 2: model: unknown field`},
		{`"small"`, `"Small Model"`, "line 3: models.Small Model"},
		{`"about": "a model",`, `"about": "a model"`, "line 5"},
		{"\t}\n}\n", "\t}\n} x\n", "text after the catalogue"},
		{`"models": {`, `"defaults": {"speech": "small"}, "models": {`, `there is no role "speech"`},
		{`"sources"`, `"files": [{"name": "../x", "sha256": ""}], "sources"`, `line 7: models.small.files: "../x" is not a path`},
		{`"sources"`, `"files": [{"name": "x", "sha256": "12"}], "sources"`, "line 7: models.small.files: x has no SHA-256"},
		{"\t\t\"small\": {", "\t\t\"small\": 1, \"small\": {", "line 3: models.small: expected an object, not number"},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		if text == small {
			continue
		}
		_, err := Parse("own.json", []byte(text))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "the catalogue own.json, line ") {
			t.Errorf("%s: %v; want %q", c.new, err, c.want)
		}
	}
	twice := strings.Replace(small, "\t\t\"small\": {", "\t\t\"small\": {\"about\": \"a\", \"roles\": [\"text\"], \"licence\": {\"spdx\": \"MIT\"}, \"sources\": [\"x\"]}, \"small\": {", 1)
	if _, err := Parse("own.json", []byte(twice)); err == nil || !strings.Contains(err.Error(), `"small" occurs twice`) {
		t.Error(err)
	}
}

// The user's file adds entries and replaces those of the same name.
func TestCurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.json")
	t.Setenv(Variable, path)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Current(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that does not exist: %v", err)
	}
	write(strings.Replace(strings.Replace(small, `"small"`, `"qwen2.5-coder-0.5b"`, 1), `"models"`, `"defaults": {"text": "qwen2.5-coder-0.5b"}, "models"`, 1))
	c, err := Current()
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := c.Lookup("Qwen2.5-Coder-0.5B"); !ok || e.About != "a model" || len(c.Models) != len(Embedded().Models) {
		t.Errorf("%+v", e)
	}
	if e, _ := c.Default(llm.Text); e.Name != "qwen2.5-coder-0.5b" || Embedded().Models[e.Name].About == "a model" {
		t.Errorf("%+v", e)
	}
	write(small)
	if _, err := Current(); err != nil {
		t.Error(err)
	}
	write(strings.Replace(small, `"models"`, `"defaults": {"tag": "small"}, "models"`, 1))
	if _, err := Current(); err == nil || !strings.Contains(err.Error(), "line 2: defaults.tag: the model small does not have the role tag") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add(embedded)
	f.Add([]byte(`{"models": {"a": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("own.json", data)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Line < 1) {
			t.Errorf("%v", err)
		}
		if err == nil {
			for _, name := range c.Names() {
				c.Models[name].Digest()
			}
		}
	})
}
