package ai

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/llm"
)

// A model that does not keep to the form, as a server may, answers with what
// looks like JSON and is none, or is not valid, also where it was cut off. Then
// the row has an error and no answer; what is an answer has the form.
func TestFormOrError(t *testing.T) {
	const rows = 2000
	schema := `{"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}, "required": ["name", "age"], "additionalProperties": false}`
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		t.Fatal(err)
	}
	valid, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	pieces := []string{
		`{"name": "Ann", "age": 41}`, `{"name": "Ann", "age": 41, "tags": ["a"]}`, `{"name": "Ann"}`, `{"name": "Ann", "age": -1}`, `{"name": "Ann", "age": 1.5}`,
		`{"name": "Ann", "age": "41"}`, `{"name": null, "age": 41}`, `{"name": "Ann", "age": 41, "x": 1}`, `{"name": "Ann", "age": 41, "tags": ["c"]}`, `{"name": "Ann", "age": 1e400}`,
		"{\"name\": \"A\xffnn\", \"age\": 41}", "{\"name\": \"A\nn\", \"age\": 41}", `{'name': 'Ann', 'age': 41}`, `{"name": "Ann", "age": 41,}`, `{"name": "Ann", "age": NaN}`,
		`{"name": "Ann", "name": 7, "age": 41}`, "```json\n", "```", " ", "\n", "[", "]", "{", "}", `"`, "null", "true", "41", "Sure! ", "\x00", "\ufeff", strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 5_000),
	}
	r := rand.New(rand.NewPCG(5, 8))
	m := &fake{reply: func(llm.Request) llm.Result {
		text := pieces[r.IntN(len(pieces))]
		for r.IntN(3) == 0 {
			text += pieces[r.IntN(len(pieces))]
		}
		finish := llm.FinishStop
		if r.IntN(4) == 0 {
			text, finish = text[:r.IntN(len(text)+1)], llm.FinishLength
		}
		return llm.Result{Text: text, Finish: finish}
	}}
	format := `{"type": "json_schema", "json_schema": {"name": "a", "schema": ` + schema + `}}`
	for _, c := range []struct {
		f   *Function
		row Row
	}{
		{extractJSON, Row{"Ann is 41.", schema}},
		{extract, Row{"Ann is 41.", schema}},
		{query, Row{llm.DefaultModel, "Who is it?", nil, false, nil, format}},
	} {
		many := make([]Row, rows)
		for i := range many {
			many[i] = append(Row{}, c.row...)
		}
		good, bad := 0, 0
		for i, a := range eval(t, c.f, m.source, many...) {
			if a.Err != nil {
				if bad++; a.Value != nil {
					t.Errorf("%s, row %d: an error beside an answer: %+v", c.f.Name, i, a)
				}
				continue
			}
			good++
			text, _ := a.Value.(string)
			if c.f == extract {
				text = a.Raw // a map is made of it
			}
			var value any
			if err := json.Unmarshal([]byte(text), &value); err != nil {
				t.Errorf("%s, row %d: %v: %.200q", c.f.Name, i, err, text)
			} else if err := valid.Validate(value); err != nil {
				t.Errorf("%s, row %d: %v: %.200q", c.f.Name, i, err, text)
			}
		}
		if good < rows/50 || bad < rows/2 {
			t.Errorf("%s: %d answers, %d errors: the model was to give both", c.f.Name, good, bad)
		}
	}
}
