package ai

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// maxExtracted bounds the tokens of a text in one request. Longer texts are read
// in parts.
const maxExtracted = 1024

var extractPrompt = mustPrompt("extract", "instructions", "fields", "content")

var extractParams = []Param{
	{Name: "content", Type: String, About: "the text"},
	{Name: "labels", Type: Labels, About: `the values to find: ARRAY('person', 'city'), or JSON: '["person", "city"]', '{"person": "the writer of the letter"}', or a JSON Schema`},
	{Name: "options", Type: Options, Optional: true, About: "MAP('instructions', 'the topic of the texts', 'spans', 'false'): with spans false, values need not occur in the text"},
	examplesParam("your own texts with the values in them, as struct(text, JSON)"),
}

const extractErrors = "The query fails if the list is empty, if a label is blank or repeated, if there are more than 100 labels, if a text is neither " +
	"such a list nor a valid schema, and if an option is unknown. "

const extractKnownDetail = "E-mails, phone numbers, cards, IBANs, IP and MAC addresses, URLs, SSNs and wallets are found by exact rules without a model. Persons (also first and last names), places, " +
	"addresses and numbers of documents and accounts are found by the session's tagger, the model of the role tag, if it has a label for them. The text model finds the values of other labels, of labels with a description, " +
	"and all values if there are instructions, examples or a schema. A call with a label for the tagger fails if the session may not download one; if the session's only model is a text model, that one finds them. "

const extractSpans = "The text model checks each value of a label in a second request, in which it chooses between the value and none. Unless the option spans is false, every value is an exact piece of the content: nothing is invented. "

var extract = define(&Function{
	Name:    "ai_extract",
	Params:  extractParams,
	Returns: StringMap,
	Summary: "finds the values of labels in a text, as a map of label to value",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The map has each label once, in the order of " +
		"the list. Its value is the first one in the text, and NULL if the text does not contain it. " + extractKnownDetail + extractSpans + "With a JSON Schema of an object, the map has the " +
		"properties of the object; values that are not texts are written as JSON. " + extractErrors + "A long text is read in parts of 1024 tokens, and the first value found is returned.",
	Differs: "Databricks' newer version returns a VARIANT, the older one a STRUCT whose fields are the labels. A registered " +
		"function has one result type for all arguments, so here it is a MAP: e['person'] and e.person both work. For a whole JSON text, see ai_extract_json. " +
		"The argument schema of Databricks is named labels here. In an object of fields such as {\"total\": {\"type\": \"number\", \"description\": \"in euros\"}} the types are ignored, " +
		"because a MAP has one type of values: give a JSON Schema and convert the text, for example with CAST.",
	Measured: "rampart-pii, the default tagger: first and last names in 150 messages of the Restaurant-8k test set, exact matches, F1 0.837 (0.758 to 0.903); with the text model " +
		"that found them before, 0.316 (0.246 to 0.381). Persons in 250 posts of the WNUT17 dev set (social media): F1 0.488 (0.406 to 0.564); before, 0.368 (0.290 to 0.449). Both sets were seen when thresholds were chosen. " +
		"SmolLM2-135M-Instruct, the default text model (Q4_1, computed in 8 bits), finds other labels: 300 messages of Restaurant-8k with five labels, names by the tagger: F1 0.448 (0.417 to 0.477), " +
		"of which dates 0.542, numbers of people 0.415 and times 0.334; the same text model with a plain prompt 0.000. " +
		"Every 24th message of the test set, 156 in all, of which 58 have none of the labels, names by the tagger: SmolLM2-135M 0.367 (0.299 to 0.429), Qwen2.5-Coder-0.5B 0.448 (0.366 to 0.523).",
	Weakness: "Taggers miss names that they did not see in training. Small text models miss values, assign values to the wrong label, and return values for labels that do not occur in the text.",
	Example:  "SELECT ai_extract('Maria Lopez flew from Oslo to Rome.', ARRAY('person', 'destination')) AS found",
	Sample:   Row{"Maria Lopez flew from Oslo to Rome.", []string{"person", "destination"}},
	Prompts:  []string{"extract", "extract_check"},
	Version:  1,
	asks:     extractAsks,
}, readExtraction, answerExtraction(func(in extractInput, e extraction) (any, error) {
	members, err := orderedObject(string(e.object))
	if err != nil {
		return nil, fmt.Errorf("the model's answer is not a JSON object: %w", sensitive.JSON(err))
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
	Summary: "finds the values that a JSON Schema describes in a text, as JSON",
	Detail: "NULL and blank content, and NULL labels, give NULL without a model call. The answer is JSON that is valid under the schema; " +
		"otherwise the row has an error. Labels mean the schema of an object of texts, in which \"\" means that the text does not contain the value. " + extractKnownDetail + extractSpans +
		extractErrors + "With a schema, only the first 1024 tokens of a longer text are read; with labels, a long text is read in parts.",
	Differs:  "Databricks has no function of this name: its ai_extract accepts a schema. See ai_extract for the reason.",
	Measured: "With labels the values are those of ai_extract, so its figures hold (on 40 messages they were equal). Values under other schemas were not measured.",
	Weakness: "The form is always valid. With a small model the values are often wrong.",
	Example:  `SELECT ai_extract_json('Two coffees, 7.50 euros.', '{"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}, "required": ["total", "currency"]}') AS receipt`,
	Sample:   Row{"Two coffees, 7.50 euros.", `{"type": "object", "properties": {"total": {"type": "number"}, "currency": {"type": "string"}}, "required": ["total", "currency"]}`},
	Prompts:  []string{"extract", "extract_check"},
	Version:  1,
	asks:     extractAsks,
}, readExtraction, answerExtraction(func(_ extractInput, e extraction) (any, error) { return string(e.object), nil }))

// extractInput is a text and what to find in it.
type extractInput struct {
	content      string
	labels       []label  // if the schema does not come from the user
	names        []string // the names of the members
	fields       string   // the description of the members in the prompt
	instructions string
	schema       schema
	userSchema   bool // the schema comes from the user
	anyValue     bool // values need not occur in the text
	examples     []Example
}

func readExtraction(row Row) (in extractInput, ok bool, err error) {
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
			return in, false, badArgument("options", "the instructions have %d bytes; the limit is %d", len(s), maxAboutBytes)
		}
		in.instructions = s + "\n"
	}
	if s, given := options["spans"]; given {
		spans, err := strconv.ParseBool(strings.ToLower(s))
		if err != nil {
			return in, false, badArgument("options", "spans is %s; it must be true or false", sensitive.Text(s))
		}
		in.anyValue = !spans
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

// readFields reads the labels or the JSON Schema of an extraction.
func readFields(param string, v any) (in extractInput, err error) {
	if s, isText := v.(string); isText && strings.HasPrefix(strings.TrimSpace(s), "{") {
		members, err := orderedObject(strings.TrimSpace(s))
		if err != nil {
			return in, &ArgumentError{param, err}
		}
		if isSchema(members) {
			return ownSchema(param, s, members)
		}
	}
	labels, _, err := readLabels(param, v, maxLabels)
	if err != nil {
		return in, err
	}
	return in.withLabels(labels)
}

// withLabels returns in with other labels.
func (in extractInput) withLabels(labels []label) (extractInput, error) {
	in.labels = labels
	in.names = trimmed(labels)
	in.fields = describe(labels)
	var err error
	in.schema, err = readSchema(objectOf(in.names, func(int) string { return `{"type":"string"}` }))
	return in, err
}

func ownSchema(param, text string, members []member) (in extractInput, err error) {
	if in.schema, err = readSchema(text); err != nil {
		return in, &ArgumentError{param, err}
	}
	in.userSchema = true
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
			about, _ := description(p.value) // a boolean schema has no description
			fields = append(fields, label{p.name, about})
		}
		in.fields = describe(fields)
	}
	if in.fields == "" {
		in.fields = oneLine.Replace(text)
	}
	return in, nil
}

// extraction is what was found in a text.
type extraction struct {
	object json.RawMessage // the values of all members
	// known are the values that exact rules and the tagger found, by name; an empty one if there is none.
	known map[string]knownValue
	// odds are, by name, how much more likely a value of the text model is than none, as a natural logarithm.
	// A model without probabilities, such as a server, has none.
	odds map[string]float64
}

// extender asks the model more about its answers.
type extender func(ctx context.Context, m llm.Model, need []task[extractInput], answers []extraction) error

// oneLineKeepLength is oneLine without a change of length, so that a value found
// in the result has the same offset in the original.
var oneLineKeepLength = strings.NewReplacer("\n", " ", "\r", " ")

// answerExtraction finds the values of each text and calls read to make the answer from them:
// by exact rules, by the tagger, and by the text model for the other labels, whose answers more may extend.
func answerExtraction(read func(extractInput, extraction) (any, error), more ...extender) func(context.Context, Source, []task[extractInput]) error {
	return func(ctx context.Context, source Source, need []task[extractInput]) error {
		found, err := extractKnown(ctx, source, need)
		if err != nil {
			return err
		}
		var rest []task[extractInput] // for the text model, with the labels that are not found yet
		var of []int
		for i, a := range need {
			if a.Err != nil {
				continue
			}
			in := a.in
			if known := found[i]; known != nil {
				left := slices.DeleteFunc(slices.Clone(in.labels), func(l label) bool { _, ok := known[strings.TrimSpace(l.name)]; return ok })
				if len(left) == 0 {
					continue
				}
				if in, err = in.withLabels(left); err != nil {
					return err // cannot happen: the labels were read before
				}
			}
			rest = append(rest, task[extractInput]{in, a.Answer})
			of = append(of, i)
		}
		all := make([]extraction, len(need))
		if len(rest) > 0 {
			m, err := open(ctx, source, llm.Text, "")
			if err != nil {
				return err
			}
			answers, err := extractByModel(ctx, m, rest)
			if err != nil {
				return err
			}
			for _, extend := range more {
				if err := extend(ctx, m, rest, answers); err != nil {
					return err
				}
			}
			for k, i := range of {
				all[i] = answers[k]
			}
		}
		for i, a := range need {
			if a.Err != nil {
				continue
			}
			e := all[i]
			if e.known = found[i]; e.known != nil {
				if e.object, a.Err = a.in.merge(e.known, e.object); a.Err != nil {
					continue
				}
			}
			a.Value, a.Err = read(a.in, e)
		}
		return nil
	}
}

// extractByModel requests the JSON of each text from the text model.
func extractByModel(ctx context.Context, m llm.Model, need []task[extractInput]) ([]extraction, error) {
	limit := max(1, min(maxExtracted, contextOf(m)/2))
	var requests []llm.Request
	parts := make([]int, len(need))
	for i, a := range need {
		pieces := cutPieces(m, oneLineKeepLength.Replace(a.in.content), limit)
		if a.in.userSchema && len(pieces) > 1 {
			// The results of parts cannot be combined for any schema.
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
		return nil, err
	}
	all := make([]extraction, len(need))
	for i, a := range need {
		all[i].object, a.Err = a.in.join(results[:parts[i]], requests[:parts[i]])
		a.Raw = strings.TrimSpace(results[0].Text)
		results, requests = results[parts[i]:], requests[parts[i]:]
	}
	return all, checkValues(ctx, m, need, all)
}

func (in extractInput) request(content string) llm.Request {
	r := extractPrompt.fill(in.examples, "instructions", in.instructions, "fields", in.fields, "content", content)
	c := llm.JSON{Schema: in.schema.text}
	if !in.anyValue {
		c.Source = content
	}
	r.Constraint = c
	r.MaxTokens = min(1024, 64+48*max(1, len(in.names)))
	return r
}

// join combines the answers for the parts of a text. Each member gets the first
// value found.
func (in extractInput) join(results []llm.Result, requests []llm.Request) (json.RawMessage, error) {
	found := map[string]string{}
	for i, r := range results {
		answer := strings.TrimSpace(r.Text)
		if r.Err != nil {
			return nil, r.Err
		}
		value, err := in.schema.check(answer)
		if err == nil && !in.anyValue && !in.userSchema {
			err = checkSource(requests[i].Constraint.(llm.JSON).Source, value)
		}
		if err != nil {
			return nil, sensitive.Errorf("%w: %w: %s", llm.ErrModel, err, sensitive.Text(answer))
		}
		if in.userSchema || len(results) == 1 {
			return json.RawMessage(answer), nil
		}
		for name, v := range value.(map[string]any) { // the schema requires an object
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

// checkSource checks that the texts in an answer are pieces of the source. A model
// that does not enforce the constraint may return others.
func checkSource(source string, value any) error {
	switch v := value.(type) {
	case string:
		if !strings.Contains(source, v) {
			return sensitive.Errorf("%s does not occur in the text", sensitive.Text(v))
		}
	case []any:
		for _, e := range v {
			if err := checkSource(source, e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := checkSource(source, e); err != nil {
				return err
			}
		}
	}
	return nil
}
