package ai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// maxQueried bounds the option max_tokens of ai_query.
const maxQueried = 1 << 16

var query = define(&Function{
	Name: "ai_query",
	Params: []Param{
		{Name: "endpoint", Type: String, About: "one of the session's models, by the name that it was given or its reference, or a part of that between the signs / : @ ; 'default' is the one of all other functions"},
		{Name: "request", Type: String, About: "what to ask, as it goes to the model"},
		{Name: "returnType", Type: String, Optional: true, About: "a type of Spark SQL, such as 'INT' or 'STRUCT<name: STRING>': the answer is JSON of it"},
		{Name: "failOnError", Type: Boolean, Optional: true, About: "true: a row that cannot be answered fails the query; it is NULL otherwise"},
		{Name: "modelParameters", Type: Options, Optional: true, About: "named_struct('max_tokens', 100); temperature and others are accepted and not used"},
		{Name: "responseFormat", Type: String, Optional: true, About: `'STRUCT<...>', '{"type": "json_object"}', '{"type": "json_schema", "json_schema": {...}}' or '{"type": "text"}'`},
	},
	Returns: String,
	Summary: "sends a request to a model of the session, with control over the answer",
	Detail: "NULL and blank requests, and a NULL endpoint, give NULL without a model call. The answer is greedy and has at most 256 tokens, " +
		"unless max_tokens is set. With returnType or responseFormat it is JSON of that form; otherwise the row has an error. The query fails if the session does not have the model, " +
		"if a type or format is invalid, and if a model parameter is unknown.",
	Differs: "A registered function has one result type for all arguments, so the answer is a STRING: convert it with " +
		"CAST(... AS INT) or from_json(..., 'name STRING'). The default of failOnError is false, because here a bad row fails the query only on " +
		"request. With false the answer is NULL, not a STRUCT; try_ai_query returns the STRUCT. endpoint is the name of a model of the session, which may be the name of " +
		"one of Databricks' endpoints. An unknown name is an error, because another model would give other answers. Sampling is not supported: temperature, top_p, top_k, seed, stop, frequency_penalty and presence_penalty are " +
		"accepted, and a note says that they had no effect. Files, and endpoints of models for other tasks than text, are not supported.",
	Measured: "As ai_gen, whose requests are the same. " + measuredGen,
	Weakness: "Small models make false statements fluently. Do not use answers as facts.",
	Example:  "SELECT ai_query('default', 'Name three colours.', modelParameters => named_struct('max_tokens', 30)) AS answer",
	Sample:   Row{"default", "Name three colours.", nil, nil, map[string]string{"max_tokens": "30"}},
	asks: func(row Row) []Ask {
		name, given := endpointOf(row)
		return []Ask{{Role: llm.Text, Name: name, Any: !given}}
	},
}, readQuery, answerQueries)

type queryInput struct {
	model, request string
	failOnError    bool
	limit          int
	unused         []string // parameters without effect
	format         *schema  // nil for text
	scalar         bool     // the schema is that of an object that wraps a value
}

func endpointOf(row Row) (name string, given bool) {
	name, given = row[0].(string)
	return strings.TrimSpace(name), given
}

// unusedParameters are parameters of sampling, which is not supported.
var unusedParameters = []string{"temperature", "top_p", "top_k", "seed", "stop", "frequency_penalty", "presence_penalty"}

func readQuery(row Row) (in queryInput, ok bool, err error) {
	in.request, ok = text(row[1])
	model, given := endpointOf(row)
	if given && model == "" {
		return in, false, badArgument("endpoint", "it is blank; name a model of the session, such as 'default'")
	}
	in.model = model
	in.failOnError, _ = row[3].(bool)
	in.limit = maxGenerated
	parameters, err := readOptions("modelParameters", row[4], append(slices.Clone(unusedParameters), "max_tokens")...)
	if err != nil {
		return in, false, err
	}
	for _, p := range slices.Sorted(maps.Keys(parameters)) {
		if p != "max_tokens" {
			in.unused = append(in.unused, p)
			continue
		}
		if in.limit, err = strconv.Atoi(parameters[p]); err != nil || in.limit < 1 || in.limit > maxQueried {
			return in, false, badArgument("modelParameters", "max_tokens is %s; it must be an integer from 1 to %d", sensitive.Text(parameters[p]), maxQueried)
		}
	}
	returns, _ := row[2].(string)
	if err := in.setReturnType(returns); err != nil {
		return in, false, &ArgumentError{"returnType", err}
	}
	format, _ := row[5].(string)
	if err := in.setResponseFormat(format); err != nil {
		return in, false, &ArgumentError{"responseFormat", err}
	}
	return in, ok && given, nil
}

// setReturnType sets the schema of returnType. A JSON constraint requires an
// object, so other values are wrapped in one.
func (in *queryInput) setReturnType(ddl string) error {
	if ddl = strings.TrimSpace(ddl); ddl == "" || strings.EqualFold(ddl, "STRING") {
		return nil
	}
	text, err := schemaOfDDL(ddl)
	if err != nil {
		return err
	}
	if in.scalar = !strings.HasPrefix(text, `{"type":"object"`); in.scalar {
		text = objectOf([]string{"value"}, func(int) string { return text })
	}
	return in.setSchema(text)
}

// setResponseFormat sets the schema of responseFormat.
func (in *queryInput) setResponseFormat(format string) error {
	if format = strings.TrimSpace(format); format == "" {
		return nil
	}
	if in.format != nil {
		return fmt.Errorf("it cannot be combined with returnType; give only one of them")
	}
	if !strings.HasPrefix(format, "{") {
		text, err := schemaOfDDL(format)
		if err == nil && !strings.HasPrefix(text, `{"type":"object"`) {
			err = sensitive.Errorf("%s is not a STRUCT; give other types as returnType", sensitive.Text(format))
		}
		if err != nil {
			return err
		}
		return in.setSchema(text)
	}
	var f struct {
		Type   string `json:"type"`
		Schema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	}
	if err := json.Unmarshal([]byte(format), &f); err != nil {
		return sensitive.JSON(err)
	}
	switch f.Type {
	case "text":
		return nil
	case "json_object":
		return in.setSchema(`{"type":"object"}`)
	case "json_schema":
		if len(f.Schema.Schema) == 0 {
			return fmt.Errorf(`json_schema.schema is missing, as in {"type": "json_schema", "json_schema": {"name": "a", "schema": {...}}}`)
		}
		return in.setSchema(string(f.Schema.Schema))
	}
	return sensitive.Errorf("there is no type %s; the types are text, json_object and json_schema", sensitive.Text(f.Type))
}

func (in *queryInput) setSchema(text string) error {
	s, err := readSchema(text)
	in.format = &s
	return err
}

func answerQueries(ctx context.Context, source Source, need []task[queryInput]) error {
	var names []string
	of := map[string][]task[queryInput]{}
	for _, a := range need {
		if of[a.in.model] == nil {
			names = append(names, a.in.model)
		}
		of[a.in.model] = append(of[a.in.model], a)
	}
	for _, name := range names {
		m, err := open(ctx, source, llm.Text, name)
		var unknown *llm.UnknownModelError
		switch {
		case errors.As(err, &unknown), errors.Is(err, llm.ErrRole):
			for _, a := range of[name] {
				a.Err, a.fatal = &ArgumentError{"endpoint", err}, true
			}
		case err != nil:
			return err
		default:
			if err := askQueries(ctx, m, of[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func askQueries(ctx context.Context, m llm.Model, need []task[queryInput]) error {
	requests := make([]llm.Request, len(need))
	for i, a := range need {
		requests[i] = llm.Request{Messages: []llm.Message{{Role: llm.User, Text: a.in.request}}, MaxTokens: a.in.limit}
		if a.in.format != nil {
			requests[i].Constraint = llm.JSON{Schema: a.in.format.text}
		}
	}
	results, err := do(ctx, m, requests)
	if err != nil {
		return err
	}
	for i, r := range results {
		readAnswer(need[i], r)
	}
	return nil
}

// readAnswer sets the answer of a row.
func readAnswer(a task[queryInput], r llm.Result) {
	in := a.in
	a.setGenerated(r, in.limit)
	a.fatal = in.failOnError
	if a.Err == nil && in.format != nil {
		a.Note = "" // the JSON is complete
		answer := a.Value.(string)
		a.Raw = answer
		if _, err := in.format.check(answer); err != nil {
			a.Err = sensitive.Errorf("%w: %w: %s", llm.ErrModel, err, sensitive.Text(answer))
		} else if in.scalar {
			a.Value, a.Err = unwrap(answer)
		}
	}
	if a.Err == nil && len(in.unused) > 0 {
		note := strings.Join(in.unused, ", ") + " had no effect: answers are always greedy"
		if a.Note != "" {
			note = a.Note + "; " + note
		}
		a.Note = note
	}
}

// unwrap returns the value of an object that wraps it: a text unchanged, other
// values as JSON.
func unwrap(answer string) (any, error) {
	var object struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal([]byte(answer), &object); err != nil {
		return nil, fmt.Errorf("%w: its answer: %w", llm.ErrModel, sensitive.JSON(err))
	}
	var s string
	if json.Unmarshal(object.Value, &s) == nil && string(object.Value) != "null" {
		return s, nil
	}
	return string(object.Value), nil
}
