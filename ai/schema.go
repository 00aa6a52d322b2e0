package ai

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// maxSchemaBytes bounds a schema, which is parsed for every row.
const maxSchemaBytes = 64 << 10

// schema is a JSON Schema that answers must meet.
type schema struct {
	text     string
	resolved *jsonschema.Resolved
}

// readSchema parses a JSON Schema.
func readSchema(text string) (schema, error) {
	if len(text) > maxSchemaBytes {
		return schema{}, fmt.Errorf("the schema has %d bytes; the limit is %d", len(text), maxSchemaBytes)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
			is, _, _ := strings.Cut(wrong.Value, " ")
			err = sensitive.Errorf("%s must not be a %s", sensitive.Text(field), is)
		} else {
			err = sensitive.JSON(err)
		}
		return schema{}, fmt.Errorf("it is not a JSON Schema: %w", err)
	}
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err == nil {
		if err := knownTypes(tree); err != nil {
			return schema{}, fmt.Errorf("it is not a JSON Schema: %w", err)
		}
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return schema{}, sensitive.Errorf("it is not a valid JSON Schema: %s", sensitive.Of(err))
	}
	return schema{text, resolved}, nil
}

// knownTypes returns an error for an unknown type, which JSON Schema allows but
// which no value meets.
func knownTypes(tree any) error {
	switch tree := tree.(type) {
	case []any:
		for _, e := range tree {
			if err := knownTypes(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			v := tree[key]
			switch key {
			case "enum", "const", "default", "examples":
				continue
			case "type":
				if name, ok := v.(string); ok && !slices.Contains(jsonTypes, name) {
					return sensitive.Errorf("there is no type %s; the types are %s", sensitive.Text(name), strings.Join(jsonTypes, ", "))
				}
			}
			if err := knownTypes(v); err != nil {
				return err
			}
		}
	}
	return nil
}

var jsonTypes = []string{"object", "array", "string", "number", "integer", "boolean", "null"}

// check parses an answer and returns an error if it is not valid.
func (s schema) check(answer string) (value any, err error) {
	if err := json.Unmarshal([]byte(answer), &value); err != nil {
		return nil, fmt.Errorf("the model's answer: %w", sensitive.JSON(err))
	}
	if s.resolved == nil {
		return value, nil
	}
	if err := s.resolved.Validate(value); err != nil {
		return nil, sensitive.Errorf("the model's answer is not valid under the schema: %s", sensitive.Of(err))
	}
	return value, nil
}

// isSchema distinguishes a JSON Schema from an object of labels and descriptions.
func isSchema(members []member) bool {
	for _, m := range members {
		var kind string
		switch m.name {
		case "$schema", "$ref", "$defs":
			return true
		case "properties":
			return strings.HasPrefix(string(m.value), "{")
		case "type":
			if json.Unmarshal(m.value, &kind) == nil && (kind == "object" || kind == "array") {
				return true
			}
		}
	}
	return false
}

// objectOf returns the schema of an object with the members names. of returns the
// schema of a member.
func objectOf(names []string, of func(i int) string) string {
	var properties, required []string
	for i, name := range names {
		quoted := jsonText(name)
		properties = append(properties, quoted+":"+of(i))
		required = append(required, quoted)
	}
	return `{"type":"object","properties":{` + strings.Join(properties, ",") + `},"required":[` + strings.Join(required, ",") +
		`],"additionalProperties":false}`
}
