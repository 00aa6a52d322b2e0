package ai

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/firesteel/firesteel/internal/registry"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// Template defines a function by a prompt.
type Template struct {
	Name    string // the SQL name
	Summary string // one line of help
	// Prompt is the message of the user. Each blank {name} in it is a parameter
	// of type STRING, in order of appearance.
	Prompt string
	// System, if not empty, is the system message. It may have blanks too.
	System string
	// SpansOf is the name of a blank. Every text in the answer must be a piece
	// of its value. If it is empty, the model may generate any text.
	SpansOf string
	// MaxTokens bounds the answer; 0 means 256.
	MaxTokens int
}

var functionName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Define defines a function from a template, and its try_ function. Out is string
// for free text, or a struct. For a struct, the answer is JSON of the schema that
// github.com/google/jsonschema-go derives from it ("json" tags name members,
// "jsonschema" tags describe them), and the result is a STRUCT of its fields. The
// types of fields are string, bool, integers, floats, []string, structs of these,
// and pointers, which may be NULL.
//
// NULL in any argument gives NULL, and so does blank text in all arguments. The
// program must also be the worker on the executors: call Define before
// worker.Main. Define is safe for concurrent use with all functions of this
// package.
func Define[Out any](t Template) (*Function, error) {
	return defineIn[Out](&registry.Functions, t)
}

func defineIn[Out any](r *registry.Registry, t Template) (*Function, error) {
	out := reflect.TypeFor[Out]()
	returns, err := typeOf(out)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", t.Name, err)
	}
	if !functionName.MatchString(t.Name) {
		return nil, fmt.Errorf("the function name %q must be of lower-case letters, digits and _, and start with a letter", t.Name)
	}
	var blanks []string
	for _, found := range blankForm.FindAllString(t.System+t.Prompt, -1) {
		if name := strings.Trim(found, "{}"); !slices.Contains(blanks, name) {
			blanks = append(blanks, name)
		}
	}
	if len(blanks) == 0 || t.SpansOf != "" && !slices.Contains(blanks, t.SpansOf) {
		return nil, fmt.Errorf("function %s: its prompt has no blank such as {text}, or no blank with the name in SpansOf", t.Name)
	}
	p := prompt{ask: t.Prompt}
	if t.System != "" {
		p.shared = []llm.Message{{Role: llm.System, Text: t.System}}
	}
	limit := t.MaxTokens
	if limit <= 0 {
		limit = maxGenerated
	}
	var held *schema
	identity := t.System + "\x00" + t.Prompt + "\x00" + t.SpansOf + fmt.Sprint(limit)
	if returns != String {
		s, err := schemaOf[Out]()
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", t.Name, err)
		}
		held = &s
		identity += s.text
	}
	sum := sha256.Sum256([]byte(identity))
	f := &Function{
		Name: t.Name, Returns: returns, Summary: t.Summary,
		Detail:  "NULL in any argument gives NULL, and so does blank text in all arguments, without a model call.",
		Example: "SELECT " + t.Name + "(" + strings.Join(blanks, ", ") + ") FROM t",
		Prompts: []string{"own " + hex.EncodeToString(sum[:])},
	}
	for _, b := range blanks {
		f.Params = append(f.Params, Param{Name: b, Type: String})
	}
	spans := slices.Index(blanks, t.SpansOf)
	read := func(row Row) (in []string, ok bool, err error) {
		for i, b := range blanks {
			s, given := row[i].(string)
			if !given {
				return nil, false, nil
			}
			in = append(in, b, s)
			ok = ok || !isBlank(s)
		}
		return in, ok, nil
	}
	evaluate(f, func() func(Row) ([]string, bool, error) { return read }, withModel(llm.Text, func(ctx context.Context, m llm.Model, need []task[[]string]) error {
		requests := make([]llm.Request, len(need))
		for i, a := range need {
			requests[i] = p.fill(nil, a.in...)
			requests[i].MaxTokens = limit
			if held != nil {
				c := llm.JSON{Schema: held.text}
				if spans >= 0 {
					c.Source = a.in[2*spans+1]
				}
				requests[i].Constraint = c
			}
		}
		results, err := do(ctx, m, requests)
		if err != nil {
			return err
		}
		for i, r := range results {
			a := need[i]
			if a.setGenerated(r, limit); a.Err != nil || held == nil {
				continue
			}
			a.Raw, a.Note = a.Value.(string), "" // the JSON is complete
			value := new(Out)
			_, err := held.check(a.Raw)
			if err == nil {
				err = sensitive.JSON(json.Unmarshal([]byte(a.Raw), value))
			}
			if err != nil {
				a.Err = sensitive.Errorf("%w: %w: %s", llm.ErrModel, err, sensitive.Text(a.Raw))
				continue
			}
			a.Value = valueOf(reflect.ValueOf(value).Elem())
		}
		return nil
	}))
	if err := register(r, f); err != nil {
		return nil, err
	}
	return f, nil
}

// schemaOf derives the schema of a Go type.
func schemaOf[Out any]() (schema, error) {
	s, err := jsonschema.For[Out](nil)
	if err != nil {
		return schema{}, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return schema{}, err
	}
	return readSchema(string(text))
}

// typeOf returns the SQL type of a Go type.
func typeOf(t reflect.Type) (Type, error) {
	switch t.Kind() {
	case reflect.Pointer:
		return typeOf(t.Elem())
	case reflect.String:
		return String, nil
	case reflect.Bool:
		return Boolean, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return Long, nil
	case reflect.Float32, reflect.Float64:
		return Double, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return StringArray, nil
		}
	case reflect.Struct:
		var fields []Field
		for f := range eachField(t) {
			of, err := typeOf(f.Type)
			if err != nil {
				return Type{}, fmt.Errorf("field %s: %w", f.Name, err)
			}
			fields = append(fields, Field{memberName(f), of})
		}
		if len(fields) > 0 {
			return Struct(fields...), nil
		}
	}
	return Type{}, fmt.Errorf("%s has no SQL type; use string, bool, integers, floats, []string, or a struct of these", t)
}

// valueOf converts a Go value to the value of its SQL type.
func valueOf(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return valueOf(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		all := make([]string, v.Len())
		for i := range all {
			all[i] = v.Index(i).String()
		}
		return all
	case reflect.Struct:
		var fields []any
		for f := range eachField(v.Type()) {
			fields = append(fields, valueOf(v.FieldByIndex(f.Index)))
		}
		return fields
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint())
	}
	return v.Int()
}

// eachField returns the fields that JSON includes.
func eachField(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.IsExported() && f.Tag.Get("json") != "-" && !yield(f) {
				return
			}
		}
	}
}

func memberName(f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
		return name
	}
	return f.Name
}
