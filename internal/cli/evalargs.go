package cli

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// readArguments gives a function's arguments after the first, from a JSON
// object of names to values.
func readArguments(f *ai.Function, text string) ([]any, error) {
	named := map[string]json.RawMessage{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &named); err != nil {
			return nil, fmt.Errorf(`%w: --args is a JSON object of the function's arguments, such as {"labels": ["a", "b"]}: %w`, errUsage, sensitive.JSON(err))
		}
	}
	values := make([]any, 0, len(f.Params))
	for _, p := range f.Params[1:] {
		raw, given := named[p.Name]
		delete(named, p.Name)
		if !given {
			if !p.Optional {
				return nil, fmt.Errorf(`%w: %s needs %s; give it by --args '{"%s": ...}'`, errUsage, f.Signature(), p.Name, p.Name)
			}
			values = append(values, nil)
			continue
		}
		v, err := argument(raw, p.Type.String())
		if err != nil {
			return nil, fmt.Errorf("%w: --args: %s of %s is a %s: %w", errUsage, p.Name, f.Name, p.Type, err)
		}
		values = append(values, v)
	}
	for name := range named {
		return nil, fmt.Errorf("%w: --args: %s has no argument %q besides the input", errUsage, f.Signature(), name)
	}
	return values, nil
}

// withLabels adds labels to arguments that have none.
func withLabels(arguments string, labels []string) (string, bool) {
	named := map[string]any{}
	if arguments != "" && json.Unmarshal([]byte(arguments), &named) != nil {
		return arguments, false // readArguments says what is wrong
	}
	if _, given := named["labels"]; given || named == nil {
		return arguments, false
	}
	named["labels"] = labels
	b, err := json.Marshal(named)
	return string(b), err == nil
}

func argument(raw json.RawMessage, kind string) (any, error) {
	var text string
	if string(raw) == "null" {
		return nil, nil
	}
	isText := json.Unmarshal(raw, &text) == nil
	into := func(v any) error { return sensitive.JSON(json.Unmarshal(raw, v)) }
	switch kind {
	case "INT", "BIGINT":
		var n int64
		err := into(&n)
		return n, err
	case "FLOAT", "DOUBLE":
		var x float64
		err := into(&x)
		return x, err
	case "BOOLEAN":
		var b bool
		err := into(&b)
		return b, err
	}
	var list []string
	if strings.HasPrefix(kind, "ARRAY<STRING>") && into(&list) == nil {
		return list, nil
	}
	if kind == "ARRAY<STRING>" {
		return nil, fmt.Errorf("it must be a list of texts")
	}
	if isText {
		return text, nil
	}
	return string(raw), nil // types that also come as JSON text
}

// argumentTexts gives the arguments by name, for prompts.
func argumentTexts(f *ai.Function, others []any) map[string]string {
	texts := map[string]string{}
	for i, v := range others {
		switch v := v.(type) {
		case nil:
		case []string:
			texts[f.Params[1+i].Name] = strings.Join(v, ", ")
		default:
			texts[f.Params[1+i].Name] = fmt.Sprint(v)
		}
	}
	return texts
}

// labelsOf gives the labels that an argument names: a list, or a JSON list or
// object of label to description.
func labelsOf(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case string:
		var list []string
		if json.Unmarshal([]byte(v), &list) == nil {
			return list
		}
		var described map[string]any
		if json.Unmarshal([]byte(v), &described) == nil {
			for label := range described {
				list = append(list, label)
			}
			sort.Strings(list)
			return list
		}
	}
	return nil
}
