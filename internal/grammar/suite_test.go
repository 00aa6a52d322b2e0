package grammar

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
)

// TestSuite runs the official JSON Schema test suite. For each schema, Compile
// refuses it, or the grammar accepts no invalid instance and its answers are
// valid.
func TestSuite(t *testing.T) {
	root := testkit.Data(t, "data/json-schema-suite/draft2020-12")
	var files []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".json") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused, why := 0, 0, map[string]int{}
	invalid, valid, validAccepted, answers := 0, 0, 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var groups []struct {
			Description string
			Schema      json.RawMessage
			Tests       []struct {
				Description string
				Data        json.RawMessage
				Valid       bool
			}
		}
		if err := json.Unmarshal(data, &groups); err != nil {
			t.Fatal(file, err)
		}
		name := strings.TrimPrefix(file, root)
		for _, group := range groups {
			schema := string(group.Schema)
			g, err := Compile(small(), llm.JSON{Schema: schema})
			if err != nil {
				refused++
				why[reason(err)]++
				continue
			}
			accepted++
			for _, test := range group.Tests {
				instance, err := parseJSON(string(test.Data))
				if err != nil {
					continue // such as unpaired surrogates
				}
				text := string(instance.appendTo(nil))
				finished, err := g.Finish(text)
				got := accepts(g, text) && finished == text && err == nil
				switch {
				case !test.Valid:
					invalid++
					if got {
						t.Errorf("%s: %s: %s: invalid, but accepted: %s", name, group.Description, test.Description, test.Data)
					}
				case got:
					valid++
					validAccepted++
				default:
					valid++
				}
			}
			var s jsonschema.Schema
			if json.Unmarshal(group.Schema, &s) != nil {
				continue
			}
			resolved, err := s.Resolve(nil)
			if err != nil {
				continue // such as a schema of another draft
			}
			for seed := range uint64(8) {
				text, err := g.Finish(generate(t, g, g.Need()+int(seed*3), seed))
				if err != nil {
					continue // too few items remain, which is an error of the row
				}
				var v any
				if err := json.Unmarshal([]byte(text), &v); err != nil {
					t.Errorf("%s: %s: %v", schema, text, err)
				}
				if err := resolved.Validate(v); err != nil && !strings.Contains(err.Error(), "cannot validate version") {
					t.Errorf("%s: %s: %s: %v", name, schema, text, err)
				}
				answers++
			}
		}
	}
	t.Logf("%d schemas accepted, %d refused; %d answers; %d invalid instances, %d of %d valid ones have the form of answers", accepted, refused, answers, invalid, validAccepted, valid)
	var lines []string
	for r, n := range why {
		lines = append(lines, strings.Repeat(" ", 4)+r+": "+jsonNumber(n))
	}
	sort.Strings(lines)
	t.Logf("refused:\n%s", strings.Join(lines, "\n"))
	if accepted < 150 || invalid < 300 {
		t.Error("too few schemas are accepted for a meaningful test")
	}
}

func jsonNumber(n int) string { b, _ := json.Marshal(n); return string(b) }

// reason returns an error without its details, to group errors.
func reason(err error) string {
	if e := (*SchemaError)(nil); errors.As(err, &e) {
		problem := sensitive.Shown(e.Problem)
		for _, cut := range []string{" (", `$ref "`, "; ", "alternatives"} {
			if i := strings.Index(problem, cut); i >= 0 {
				problem = problem[:i+len(strings.TrimRight(cut, " (;"))]
			}
		}
		return problem
	}
	return err.Error()
}
