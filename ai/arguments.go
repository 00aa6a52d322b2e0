package ai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

const (
	// maxLabels bounds the labels of a row, and with them the work for it. maxChoices
	// bounds the labels of which one is chosen, which needs less.
	maxLabels, maxChoices = 100, 1000
	// maxLabelBytes bounds the name of a label, whose tokens are computed for every
	// row.
	maxLabelBytes = 256
	// maxAboutBytes bounds the description of a label, instructions, and each text of
	// an example.
	maxAboutBytes = 4096
	maxExamples   = 32
)

// label is a label with its description. The name is as the user wrote it.
type label struct{ name, about string }

func names(labels []label) []string {
	all := make([]string, len(labels))
	for i, l := range labels {
		all[i] = l.name
	}
	return all
}

// trimmed returns the names of labels without space around them.
func trimmed(labels []label) []string {
	all := names(labels)
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// describe writes labels for a prompt, with their descriptions in parentheses.
func describe(labels []label) string { return describeBy(labels, trimmed(labels)) }

// describeBy is describe with the words that stand for the labels.
func describeBy(labels []label, words []string) string {
	all := slices.Clone(words)
	for i, l := range labels {
		if about := oneLine.Replace(strings.TrimSpace(l.about)); about != "" {
			all[i] += " (" + about + ")"
		}
	}
	return strings.Join(all, ", ")
}

// readLabels reads an argument of type Labels, with at most the given number of
// labels. given is false for NULL.
func readLabels(param string, v any, most int) (labels []label, given bool, err error) {
	switch v := v.(type) {
	case nil:
		return nil, false, nil
	case []string:
		for _, name := range v {
			labels = append(labels, label{name: name})
		}
	case string:
		if labels, err = parseLabels(v); err != nil {
			return nil, true, &ArgumentError{param, err}
		}
	default:
		return nil, true, badArgument(param, "it must be a list or a text, not a %T", v)
	}
	if err := checkLabels(labels, most); err != nil {
		return nil, true, &ArgumentError{param, err}
	}
	return labels, true, nil
}

// LabelNames returns the names of the labels in the value of an argument of type
// Labels, in their order. It returns nil if the value cannot be read.
func LabelNames(v any) []string {
	labels, _, err := readLabels("labels", v, maxChoices)
	if err != nil {
		return nil
	}
	return trimmed(labels)
}

// parseLabels reads labels from a JSON list, or from an object of labels and
// descriptions, in order.
func parseLabels(text string) (labels []label, err error) {
	const want = `write labels as ARRAY('a', 'b'), or as JSON: '["a", "b"]' or '{"a": "what a is", "b": "what b is"}'`
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "["):
		var list []string
		if err := json.Unmarshal([]byte(trimmed), &list); err != nil {
			return nil, fmt.Errorf("%s: %w", want, sensitive.JSON(err))
		}
		for _, name := range list {
			labels = append(labels, label{name: name})
		}
		return labels, nil
	case strings.HasPrefix(trimmed, "{"):
		members, err := orderedObject(trimmed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", want, err)
		}
		if isSchema(members) {
			return nil, fmt.Errorf("a JSON Schema is accepted by ai_extract and ai_extract_json only; %s", want)
		}
		for _, m := range members {
			about, err := description(m.value)
			if err != nil {
				return nil, sensitive.Errorf("label %s: %w", sensitive.Text(m.name), err)
			}
			labels = append(labels, label{m.name, about})
		}
		return labels, nil
	}
	return nil, sensitive.Errorf("%s; it is %s", want, sensitive.Text(text))
}

// description reads the description of a label: a text, or an object with the member
// description.
func description(value json.RawMessage) (string, error) {
	var about string
	if json.Unmarshal(value, &about) == nil {
		return about, nil
	}
	var object struct {
		Description string `json:"description"`
	}
	if err := json.Unmarshal(value, &object); err != nil {
		return "", sensitive.Errorf("its description must be a text or an object with a \"description\", not %s", sensitive.Text(string(value)))
	}
	return object.Description, nil
}

// member is a member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// objectText writes a JSON object, with a space after colons and commas.
func objectText(members []member) json.RawMessage {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = jsonText(m.name) + ": " + string(m.value)
	}
	return json.RawMessage("{" + strings.Join(texts, ", ") + "}")
}

// orderedObject reads the members of a JSON object in order.
func orderedObject(text string) (members []member, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, sensitive.Errorf("not a JSON object: %s", sensitive.Text(text))
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, sensitive.JSON(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, sensitive.JSON(err)
		}
		members = append(members, member{name.(string), value})
	}
	if _, err := d.Token(); err != nil {
		return nil, sensitive.JSON(err)
	}
	if rest := bytes.TrimSpace([]byte(text[d.InputOffset():])); len(rest) > 0 {
		return nil, sensitive.Errorf("unexpected text after the end of the object: %s", sensitive.Text(string(rest)))
	}
	return members, nil
}

func checkLabels(labels []label, most int) error {
	if len(labels) == 0 {
		return fmt.Errorf("the list of labels is empty; give at least one, as in ARRAY('a', 'b')")
	}
	if len(labels) > most {
		return fmt.Errorf("%d labels are given, but at most %d are allowed", len(labels), most)
	}
	seen := make(map[string]bool, len(labels))
	for i, l := range labels {
		name := strings.TrimSpace(l.name)
		switch {
		case name == "":
			return fmt.Errorf("label %d is blank", i+1)
		case seen[name]:
			return sensitive.Errorf("label %s occurs twice in the list, again as number %d", sensitive.Text(name), i+1)
		case len(name) > maxLabelBytes:
			return fmt.Errorf("label %d has %d bytes, but at most %d are allowed", i+1, len(name), maxLabelBytes)
		case len(l.about) > maxAboutBytes:
			return fmt.Errorf("the description of label %d has %d bytes, but at most %d are allowed", i+1, len(l.about), maxAboutBytes)
		}
		seen[name] = true
	}
	return nil
}

// readOptions reads an argument of type Options. known lists the names of options.
func readOptions(param string, v any, known ...string) (map[string]string, error) {
	var given map[string]string
	switch v := v.(type) {
	case nil:
	case map[string]string:
		given = v
	case string:
		members, err := orderedObject(strings.TrimSpace(v))
		if err != nil {
			return nil, &ArgumentError{param, err}
		}
		given = map[string]string{}
		for _, m := range members {
			value := string(m.value)
			var text string
			if json.Unmarshal(m.value, &text) == nil { // also null, which gives ""
				value = text
			}
			given[m.name] = value
		}
	default:
		return nil, badArgument(param, "options must be a map or a text, not a %T", v)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return nil, badArgument(param, "there is no option %s; the options are %s", sensitive.Text(name), strings.Join(known, ", "))
		}
	}
	return given, nil
}

// readProbability reads the option with a name, or returns otherwise if it is not given.
func readProbability(options map[string]string, name string, otherwise float64) (float64, error) {
	given, is := options[name]
	if !is {
		return otherwise, nil
	}
	p, err := strconv.ParseFloat(given, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, badArgument("options", "%s is %s; it must be a number from 0 to 1", name, sensitive.Text(given))
	}
	return p, nil
}

// readExamples reads an argument of type Examples. Unless answers is nil, it has the
// allowed outputs.
func readExamples(param string, v any, answers []string) ([]Example, error) {
	var examples []Example
	switch v := v.(type) {
	case nil:
	case []Example:
		examples = v
	case string:
		const want = `write examples as JSON: [["a text", "its answer"], ...]`
		var pairs [][]string
		if err := json.Unmarshal([]byte(v), &pairs); err != nil {
			return nil, badArgument(param, "%s: %w", want, sensitive.JSON(err))
		}
		for i, p := range pairs {
			if len(p) != 2 {
				return nil, badArgument(param, "%s; example %d has %d texts", want, i+1, len(p))
			}
			examples = append(examples, Example{p[0], p[1]})
		}
	default:
		return nil, badArgument(param, "examples must be a list or a text, not a %T", v)
	}
	if len(examples) > maxExamples {
		return nil, badArgument(param, "%d examples are given, but at most %d are allowed", len(examples), maxExamples)
	}
	read := make([]Example, len(examples))
	for i, e := range examples {
		e = Example{oneLine.Replace(strings.TrimSpace(e.Input)), strings.TrimSpace(e.Output)}
		switch {
		case e.Input == "" || e.Output == "":
			return nil, badArgument(param, "example %d has no text or no answer", i+1)
		case len(e.Input) > maxAboutBytes || len(e.Output) > maxAboutBytes:
			return nil, badArgument(param, "example %d has a text of more than %d bytes", i+1, maxAboutBytes)
		case answers != nil && !slices.Contains(answers, e.Output):
			return nil, badArgument(param, "the answer of example %d, %s, is not one of the labels", i+1, sensitive.Text(e.Output))
		}
		read[i] = e
	}
	return read, nil
}
