package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// maxExtracted bounds how much of a text one request reads, in tokens; longer
// texts are read in parts.
const maxExtracted = 1024

var extractPrompt = mustPrompt("extract", "instructions", "fields", "content")

var extractParams = []Param{
	{Name: "content", Type: String, About: "the text"},
	{Name: "labels", Type: Labels, About: `what to find: ARRAY('person', 'city'), or JSON: '["person", "city"]', '{"person": "whose letter it is"}', or a JSON Schema`},
	{Name: "options", Type: Options, Optional: true, About: "MAP('instructions', 'what the texts are about', 'spans', 'false'): with spans false, values need not stand in the text"},
	examplesParam("texts of your own with what to find in them, as struct(text, JSON)"),
}

const extractErrors = "An empty list, a blank or repeated label, more than 100 of them, text that is neither such a list nor a valid schema, " +
	"and an unknown option fail the query. "

const extractSpans = "A value under a label is doubted: it is asked for once more against none. Unless the option spans is false, every text that is found is a piece of the content, letter by letter: nothing is invented. "

var extract = define(&Function{
	Name:    "ai_extract",
	Params:  extractParams,
	Returns: StringMap,
	Summary: "finds what labels name in a text, as a map of label to value",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The map has each label once, in the order of " +
		"the list; its value is NULL where the text does not say it. " + extractSpans + "With a JSON Schema of an object, the map has its " +
		"properties; values that are no texts are written as JSON. " + extractErrors + "A long text is read in parts of 1024 tokens, and the first value found is given.",
	Differs: "Databricks' newer version answers with a VARIANT, the older one with a STRUCT whose fields are the labels. A registered " +
		"function has one result type whatever its arguments, so it is a MAP here: e['person'] and e.person both work. For a whole JSON text, see ai_extract_json. " +
		"What is schema there is labels here. In an object of fields such as {\"total\": {\"type\": \"number\", \"description\": \"in euros\"}} the types are not looked at, " +
		"as a MAP has one type of values: give a JSON Schema and read the text, with CAST say.",
	Measured: "SmolLM2-135M-Instruct, the default (Q4_1, computed in 8 bits): the label person on 150 sentences of presidio-synth small: " +
		"precision 0.64, recall 0.56, F1 0.60 (0.41 without the doubt). How much doubt is enough was chosen on these sentences. On data that had no part in it, exact " +
		"matches: 300 messages of the Restaurant-8k test set with five labels: F1 0.205 (0.174 to 0.235), 0.000 when the same model was asked in plain words; of their words, 0.325 and 0.005. " +
		"250 posts of the WNUT17 dev set (social media) with its six labels, most of which a post does not have: F1 0.112 (0.091 to 0.133), precision 0.07 and recall 0.30, in plain words 0.011 " +
		"(0.000 to 0.024); of persons alone, 0.368 (0.290 to 0.449) and 0.000.",
	Weakness: "Small models miss names, put things under the wrong label, and put something under labels of which the text has nothing.",
	Example:  "SELECT ai_extract('Maria Lopez flew from Oslo to Rome.', ARRAY('person', 'destination')) AS found",
	Sample:   Row{"Maria Lopez flew from Oslo to Rome.", []string{"person", "destination"}},
	Prompts:  []string{"extract", "extract_check"},
}, readExtraction, answerExtraction(func(in extraction, object json.RawMessage) (any, error) {
	members, err := orderedObject(string(object))
	if err != nil {
		return nil, fmt.Errorf("the model's answer is no JSON object: %w", sensitive.JSON(err))
	}
	values := map[string]any{}
	for _, m := range members {
		var s *string
		switch err := json.Unmarshal(m.value, &s); {
		case err != nil:
			values[m.name] = string(m.value)
		case s != nil && *s != "":
			values[m.name] = *s
		}
	}
	found := make(Map, len(in.names))
	for i, name := range in.names {
		found[i] = Entry{name, values[name]}
	}
	return found, nil
}))

var extractJSON = define(&Function{
	Name:    "ai_extract_json",
	Params:  extractParams,
	Returns: String,
	Summary: "finds in a text what a JSON Schema describes, as JSON",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The answer is JSON that is valid under the schema, " +
		"or that is the row's error; labels stand for the schema of an object of texts, in which \"\" means that the text does not say it. " + extractSpans +
		extractErrors + "Of a text of more than 1024 tokens the first 1024 are read if a schema is given; with labels it is read in parts.",
	Differs:  "Databricks has no function of this name: there ai_extract answers for a schema. See ai_extract for why there are two here.",
	Weakness: "The form is always right; with a small model the values are often not.",
	Example:  `SELECT ai_extract_json('Two coffees, 7.50 euros.', '{"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}, "required": ["total", "currency"]}') AS receipt`,
	Sample:   Row{"Two coffees, 7.50 euros.", `{"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}, "required": ["total", "currency"]}`},
	Prompts:  []string{"extract", "extract_check"},
}, readExtraction, answerExtraction(func(_ extraction, object json.RawMessage) (any, error) { return string(object), nil }))

// extraction is one text to search.
type extraction struct {
	content      string
	names        []string // of the object's members
	fields       string   // what to find, for the prompt
	instructions string
	schema       schema
	own          bool // the schema is the user's
	free         bool // values need not be pieces of the text
	examples     []Example
}

func readExtraction(row Row) (in extraction, ok bool, err error) {
	content, ok := text(row[0])
	if row[1] == nil {
		return in, false, nil
	}
	if in, err = readFields("labels", row[1]); err != nil {
		return in, false, err
	}
	in.content = content
	options, err := readOptions("options", row[2], "instructions", "spans", "version")
	if err != nil {
		return in, false, err
	}
	if s, given := options["instructions"]; given && s != "" {
		if len(s) > maxAboutBytes {
			return in, false, badArgument("options", "instructions of %d bytes are longer than %d", len(s), maxAboutBytes)
		}
		in.instructions = s + "\n"
	}
	if s, given := options["spans"]; given {
		spans, err := strconv.ParseBool(strings.ToLower(s))
		if err != nil {
			return in, false, badArgument("options", "spans is %s; it must be true or false", sensitive.Text(s))
		}
		in.free = !spans
	}
	if in.examples, err = readExamples("examples", row[3], nil); err != nil {
		return in, false, err
	}
	for i, e := range in.examples {
		if _, err := in.schema.check(e.Output); err != nil {
			return in, false, badArgument("examples", "the answer of example %d: %w", i+1, err)
		}
	}
	return in, ok, nil
}

// readFields reads what to find: labels, or a JSON Schema.
func readFields(param string, v any) (in extraction, err error) {
	if s, isText := v.(string); isText && strings.HasPrefix(strings.TrimSpace(s), "{") {
		members, err := orderedObject(strings.TrimSpace(s))
		if err != nil {
			return in, &ArgumentError{param, err}
		}
		if isSchema(members) {
			return ownSchema(param, s, members)
		}
	}
	labels, _, err := readLabels(param, v)
	if err != nil {
		return in, err
	}
	in.names = trimmed(labels)
	in.fields = described(labels)
	in.schema, err = readSchema(objectOf(in.names, func(int) string { return `{"type":"string"}` }))
	return in, err
}

func ownSchema(param, text string, members []member) (in extraction, err error) {
	if in.schema, err = readSchema(text); err != nil {
		return in, &ArgumentError{param, err}
	}
	in.own = true
	for _, m := range members {
		if m.name != "properties" {
			continue
		}
		properties, err := orderedObject(string(m.value))
		if err != nil {
			return in, &ArgumentError{param, err}
		}
		var fields []label
		for _, p := range properties {
			in.names = append(in.names, p.name)
			about, _ := description(p.value) // a boolean schema has none
			fields = append(fields, label{p.name, about})
		}
		in.fields = described(fields)
	}
	if in.fields == "" {
		in.fields = oneLine.Replace(text)
	}
	return in, nil
}

// oneLineEach is oneLine, but a text keeps its length, so that what is found
// has its place in the original.
var oneLineEach = strings.NewReplacer("\n", " ", "\r", " ")

// answerExtraction asks for each text's JSON and lets read make the answer.
func answerExtraction(read func(extraction, json.RawMessage) (any, error)) func(context.Context, Source, []asked[extraction]) error {
	return withModel(func(ctx context.Context, m llm.Model, need []asked[extraction]) error {
		limit := max(1, min(maxExtracted, contextOf(m)/2))
		var requests []llm.Request
		parts := make([]int, len(need))
		for i, a := range need {
			pieces := cutPieces(m, oneLineEach.Replace(a.in.content), limit)
			if a.in.own && len(pieces) > 1 {
				// What parts of a document of one's own mean together, only its author knows.
				pieces, a.Cut = pieces[:1], true
				a.Note = fmt.Sprintf("the text is long: its first %d tokens were read", m.CountTokens(pieces[0].text))
			}
			for _, p := range pieces {
				requests = append(requests, a.in.request(p.text))
			}
			parts[i] = len(pieces)
		}
		results, err := do(ctx, m, requests)
		if err != nil {
			return err
		}
		objects := make([]json.RawMessage, len(need))
		for i, a := range need {
			objects[i], a.Err = a.in.join(results[:parts[i]], requests[:parts[i]])
			a.Raw = strings.TrimSpace(results[0].Text)
			results, requests = results[parts[i]:], requests[parts[i]:]
		}
		if err := doubt(ctx, m, need, objects); err != nil {
			return err
		}
		for i, a := range need {
			if a.Err == nil {
				a.Value, a.Err = read(a.in, objects[i])
			}
		}
		return nil
	})
}

func (in extraction) request(content string) llm.Request {
	r := extractPrompt.fill(in.examples, "instructions", in.instructions, "fields", in.fields, "content", content)
	c := llm.JSON{Schema: in.schema.text}
	if !in.free {
		c.Source = content
	}
	r.Constraint = c
	r.MaxTokens = min(1024, 64+48*max(1, len(in.names)))
	return r
}

// join reads the answers about a text's parts: of each member that which is
// found first.
func (in extraction) join(results []llm.Result, requests []llm.Request) (json.RawMessage, error) {
	found := map[string]string{}
	for i, r := range results {
		answer := strings.TrimSpace(r.Text)
		if r.Err != nil {
			return nil, r.Err
		}
		value, err := in.schema.check(answer)
		if err == nil && !in.free && !in.own {
			err = holds(requests[i].Constraint.(llm.JSON).Source, value)
		}
		if err != nil {
			return nil, sensitive.Errorf("%w: %w: %s", llm.ErrModel, err, sensitive.Text(answer))
		}
		if in.own || len(results) == 1 {
			return json.RawMessage(answer), nil
		}
		for name, v := range value.(map[string]any) { // by the schema it is one
			if s, _ := v.(string); s != "" && found[name] == "" {
				found[name] = s
			}
		}
	}
	members := make([]member, len(in.names))
	for i, name := range in.names {
		members[i] = member{name, json.RawMessage(jsonText(found[name]))}
	}
	return objectText(members), nil
}

// holds checks that the texts of an answer to labels are pieces of the source;
// a model that is only asked, and not held to it, may break that.
func holds(source string, value any) error {
	switch v := value.(type) {
	case string:
		if !strings.Contains(source, v) {
			return sensitive.Errorf("%s does not stand in the text", sensitive.Text(v))
		}
	case []any:
		for _, e := range v {
			if err := holds(source, e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := holds(source, e); err != nil {
				return err
			}
		}
	}
	return nil
}
