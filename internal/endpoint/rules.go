package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// pattern is the rule of llm.Pattern.
type pattern struct {
	expr    string
	matches *regexp.Regexp
}

func newPattern(expr string) (pattern, error) {
	_, err := regexp.Compile(expr)
	var r *regexp.Regexp
	if err == nil {
		r, err = regexp.Compile(`^(?:` + expr + `)$`)
	}
	if err != nil {
		return pattern{}, sensitive.Errorf("%w: the regular expression: %s", llm.ErrRequest, sensitive.Of(err))
	}
	r.Longest()
	return pattern{expr, r}, nil
}

func (p pattern) demand() string {
	return "Answer with nothing but a text that this regular expression matches as a whole: " + p.expr
}

func (p pattern) check(text string) (string, error) {
	for _, t := range []string{text, strings.TrimSpace(text), trimMarks(text)} {
		if p.matches.MatchString(t) {
			return t, nil
		}
	}
	return "", errors.New("the regular expression does not match it as a whole")
}

// schema is a compiled JSON Schema.
type schema struct {
	text     string
	resolved *jsonschema.Resolved
	tree     any  // the schema as JSON
	strict   bool // it is valid in OpenAI's strict mode
}

// schemas caches compiled schemas.
type schemas struct {
	mu    sync.Mutex
	known map[string]*schema
}

const maxSchemas = 256

func (s *schemas) get(text string) (*schema, error) {
	if strings.TrimSpace(text) == "" {
		text = `{"type":"object"}`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[text]; known != nil {
		return known, nil
	}
	read, err := newSchema(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the JSON Schema: %w", llm.ErrRequest, err)
	}
	if s.known == nil || len(s.known) >= maxSchemas {
		s.known = map[string]*schema{}
	}
	s.known[text] = read
	return read, nil
}

func newSchema(text string) (*schema, error) {
	s := &schema{text: text}
	if err := json.Unmarshal([]byte(text), &s.tree); err != nil {
		return nil, sensitive.JSON(err)
	}
	var parsed jsonschema.Schema
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return nil, sensitive.JSON(err)
	}
	var err error
	if s.resolved, err = parsed.Resolve(nil); err != nil {
		return nil, sensitive.Errorf("it is not valid: %s", sensitive.Of(err))
	}
	s.strict = strictObject(s.tree)
	return s, nil
}

// strictObject reports whether tree is an object schema in which every object
// schema lists all its properties and requires them.
func strictObject(tree any) bool {
	m, ok := tree.(map[string]any)
	return ok && m["type"] == "object" && strict(tree)
}

func strict(tree any) bool {
	switch t := tree.(type) {
	case map[string]any:
		properties, has := t["properties"].(map[string]any)
		if t["type"] == "object" || has {
			required, _ := t["required"].([]any)
			if t["additionalProperties"] != false || len(required) != len(properties) {
				return false
			}
		}
		for _, inner := range t {
			if !strict(inner) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(t, func(inner any) bool { return !strict(inner) })
	}
	return true
}

// jsonRule is the rule of llm.JSON.
type jsonRule struct {
	*schema
	source string
}

func (r jsonRule) format(offered formats) *responseFormat {
	switch {
	case r.text == `{"type":"object"}` && offered.object:
		return &responseFormat{Type: "json_object"}
	case offered.schema:
		return schemaFormat(json.RawMessage(r.text), r.strict)
	}
	return nil
}

func (r jsonRule) demand() string {
	demand := "Answer with one JSON value and nothing else, valid under this JSON Schema: " + r.text
	if r.source != "" {
		demand += "\nCopy every free string word for word from the text, or leave it empty."
	}
	return demand
}

func (r jsonRule) check(text string) (string, error) {
	text = unfenced(text)
	var value any
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&value); err != nil {
		return "", sensitive.JSON(err)
	}
	if strings.TrimSpace(text[d.InputOffset():]) != "" {
		return "", errors.New("something follows the JSON value")
	}
	if err := r.resolved.Validate(value); err != nil {
		return "", sensitive.Errorf("it is not valid under the schema: %s", sensitive.Text(shorten(err.Error())))
	}
	if r.source != "" {
		if wrong, ok := notFromSource(value, r.tree, r.tree, r.source, 0); ok {
			return "", sensitive.Errorf("%s does not stand in the text word for word", sensitive.Text(shorten(wrong)))
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return "", sensitive.JSON(err)
	}
	return compact.String(), nil
}

// unfenced removes the ``` with which models enclose code.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	inner, ok := strings.CutPrefix(text, "```")
	if !ok {
		return text
	}
	inner, ok = strings.CutSuffix(inner, "```")
	if !ok {
		return text
	}
	if at := strings.IndexByte(inner, '\n'); at >= 0 {
		inner = inner[at:]
	}
	return strings.TrimSpace(inner)
}

const maxSchemaDepth = 64

// notFromSource finds a free string in value that is not a piece of source. node
// is the schema of value; root resolves references.
func notFromSource(value, node, root any, source string, depth int) (string, bool) {
	m, _ := node.(map[string]any)
	if depth > maxSchemaDepth {
		return "", false
	}
	if ref, ok := m["$ref"].(string); ok {
		return notFromSource(value, lookUp(root, ref), root, source, depth+1)
	}
	// One alternative without such a string is sufficient.
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		branches, ok := m[key].([]any)
		if !ok || len(branches) == 0 {
			continue
		}
		wrong := ""
		for _, b := range branches {
			w, bad := notFromSource(value, b, root, source, depth+1)
			if !bad {
				return "", false
			}
			wrong = w
		}
		return wrong, true
	}
	switch v := value.(type) {
	case string:
		for _, key := range []string{"enum", "const", "pattern", "format"} {
			if _, ok := m[key]; ok {
				return "", false
			}
		}
		return v, !pieceOf(v, source)
	case []any:
		first, _ := m["prefixItems"].([]any)
		for i, x := range v {
			item := m["items"]
			if i < len(first) {
				item = first[i]
			}
			if wrong, bad := notFromSource(x, item, root, source, depth+1); bad {
				return wrong, true
			}
		}
	case map[string]any:
		properties, _ := m["properties"].(map[string]any)
		for name, x := range v {
			inner, ok := properties[name]
			if !ok {
				inner = m["additionalProperties"]
			}
			if wrong, bad := notFromSource(x, inner, root, source, depth+1); bad {
				return wrong, true
			}
		}
	}
	return "", false
}

// lookUp returns the target of a reference such as #/$defs/name, or nil.
func lookUp(root any, ref string) any {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	for _, step := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if step == "" {
			continue
		}
		m, _ := root.(map[string]any)
		root = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return root
}

// pieceOf reports whether s is empty, or occurs in source between boundaries of
// words.
func pieceOf(s, source string) bool {
	if s == "" {
		return true
	}
	for from := 0; ; {
		at := strings.Index(source[from:], s)
		if at < 0 {
			return false
		}
		begin, end := from+at, from+at+len(s)
		before, _ := utf8.DecodeLastRuneInString(source[:begin])
		first, width := utf8.DecodeRuneInString(s)
		last, _ := utf8.DecodeLastRuneInString(s)
		after, _ := utf8.DecodeRuneInString(source[end:])
		if !(begin > 0 && word(before) && word(first)) && !(end < len(source) && word(last) && word(after)) {
			return true
		}
		from = begin + width
	}
}

func word(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' }
