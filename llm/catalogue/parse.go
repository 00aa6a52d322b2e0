package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/firesteel/firesteel/llm"
)

// Error reports a catalogue file that is malformed.
type Error struct {
	File  string
	Line  int    // 1 or more; 0 if the file cannot be read
	Field string // such as "models.small.licence.spdx"; may be empty
	Err   error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("the catalogue %s: %v", e.File, e.Err)
	}
	field := ""
	if e.Field != "" {
		field = e.Field + ": "
	}
	return fmt.Sprintf("the catalogue %s, line %d: %s%v", e.File, e.Line, field, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// place is the text of an object in a file, for errors.
type place struct {
	file   string
	data   []byte
	offset int // of the object in data
	field  string
}

// at returns an error about a field of the object: "licence" or "sources.2".
func (p place) at(field string, err error) error {
	offset := p.offset
	for _, key := range strings.Split(field, ".") {
		quoted, _ := json.Marshal(key)
		if i := bytes.Index(p.data[offset:], quoted); i >= 0 {
			offset += i
		}
	}
	return &Error{p.file, line(p.data, offset), strings.Trim(p.field+"."+field, "."), err}
}

func line(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), len(data))], []byte("\n"))
}

// At returns err as an error about a field of the entry in its file.
func (e *Entry) At(field string, err error) error { return e.place.at(field, err) }

// maxFile is the largest size of a catalogue in bytes.
const maxFile = 16 << 20

// Parse reads a catalogue; file is its name in errors. It checks every field
// but the form of the sources. Its errors are of type *Error.
func Parse(file string, data []byte) (*Catalogue, error) {
	c := &Catalogue{Models: map[string]*Entry{}, Defaults: map[llm.ModelRole]string{}, Functions: map[string]Need{}}
	top := place{file, data, 0, ""}
	err := object(top, func(key string, value place) error {
		switch key {
		case "defaults":
			return decode(value, &c.Defaults)
		case "functions":
			return object(value, func(name string, value place) error {
				var n Need
				err := decode(value, &n)
				if err == nil && (n.Metric == "") == (n.As == "") {
					err = value.at("metric", errors.New("a function has a metric, or the name of another function (as)"))
				}
				c.Functions[name] = n
				return err
			})
		case "models":
			return object(value, func(name string, value place) error {
				e := &Entry{Name: name, place: value}
				if err := decode(value, e); err != nil {
					return err
				}
				c.Models[name] = e
				return e.check()
			})
		}
		return top.at(key, errors.New("unknown field; a catalogue has defaults, functions and models"))
	})
	if err != nil {
		return nil, err
	}
	for r := range c.Defaults {
		if !slices.Contains(llm.Roles, r) {
			return nil, top.at("defaults", unknownRole(r))
		}
	}
	return c, nil
}

// object calls f for every member of the JSON object at p. Names must differ.
func object(p place, f func(key string, value place) error) error {
	d := json.NewDecoder(bytes.NewReader(p.data[p.offset:]))
	fail := func(err error) error {
		offset := p.offset + int(d.InputOffset())
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			offset = p.offset + int(syntax.Offset)
		}
		return &Error{p.file, line(p.data, offset), p.field, err}
	}
	if t, err := d.Token(); err != nil {
		return fail(err)
	} else if t != json.Delim('{') {
		return fail(fmt.Errorf("expected an object, not %v", t))
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return fail(err)
		}
		key, _ := t.(string) // the names of an object are strings
		if seen[key] {
			return fail(fmt.Errorf("%q occurs twice", key))
		}
		seen[key] = true
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fail(err)
		}
		value := place{p.file, p.data, p.offset + int(d.InputOffset()) - len(raw), strings.Trim(p.field+"."+key, ".")}
		if err := f(key, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fail(err)
	}
	if p.field == "" {
		if _, err := d.Token(); err != io.EOF {
			return fail(errors.New("there is text after the catalogue"))
		}
	}
	return nil
}

var unknownField = regexp.MustCompile(`^json: unknown field "(.*)"$`)

// decode decodes the JSON value at p. Unknown fields are errors.
func decode(p place, into any) error {
	d := json.NewDecoder(bytes.NewReader(p.data[p.offset:]))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field := strings.Trim(p.field+"."+wrong.Field, ".")
		return &Error{p.file, line(p.data, p.offset+int(wrong.Offset)), field, fmt.Errorf("expected %s, not %s", kind(wrong), wrong.Value)}
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		return p.at(m[1], errors.New("unknown field"))
	}
	return &Error{p.file, line(p.data, p.offset+int(d.InputOffset())), p.field, err}
}

// kind names a Go type as a JSON type.
func kind(e *json.UnmarshalTypeError) string {
	switch name := e.Type.String(); {
	case strings.HasPrefix(name, "int"):
		return "a whole number"
	case strings.HasPrefix(name, "float"):
		return "a number"
	case name == "bool":
		return "true or false"
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "map") || strings.HasPrefix(name, "catalogue."):
		return "an object"
	}
	return "a string"
}

var (
	nameForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	sumForm      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	spdxForm     = regexp.MustCompile(`^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$`)
	languageForm = regexp.MustCompile(`^[a-z]{2,3}$`)
)

func unknownRole(r llm.ModelRole) error {
	return fmt.Errorf("there is no role %q; the roles are %v", r, llm.Roles)
}

// check checks the fields of an entry.
func (e *Entry) check() error {
	at := e.place.at
	if !nameForm.MatchString(e.Name) {
		return at("", errors.New("a name has 1 to 64 lower-case letters, digits, '.', '_' and '-', and begins with a letter or a digit"))
	}
	if strings.TrimSpace(e.About) == "" {
		return at("about", errors.New("describe the model"))
	}
	if len(e.Roles) == 0 {
		return at("roles", errors.New("a model has at least one role"))
	}
	if p := e.Pooling; p != "" && !slices.Contains(poolings, p) {
		return at("pooling", fmt.Errorf("there is no pooling %q; the kinds are %v", p, poolings))
	}
	for _, r := range e.Roles {
		if !slices.Contains(llm.Roles, r) {
			return at("roles", unknownRole(r))
		}
	}
	for field, n := range map[string]int64{"parameters": e.Parameters, "size": e.Size, "memory": e.Memory, "context": int64(e.Context)} {
		if n < 0 {
			return at(field, errors.New("must not be negative"))
		}
	}
	for _, l := range e.Languages {
		if !languageForm.MatchString(l) {
			return at("languages", fmt.Errorf("%q is not a code of ISO 639, such as en", l))
		}
	}
	if !spdxForm.MatchString(e.Licence.SPDX) {
		return at("licence", fmt.Errorf("%q is not an SPDX identifier, such as Apache-2.0; write LicenseRef-NAME for other licences", e.Licence.SPDX))
	}
	if len(e.Sources) == 0 {
		return at("sources", errors.New("name at least one reference, such as hf:OWNER/NAME:FILE"))
	}
	return e.checkLists()
}

// checkLists checks the files and figures of an entry.
func (e *Entry) checkLists() error {
	at := e.place.at
	names := map[string]bool{}
	for _, f := range e.Files {
		if f.Name == "" || path.Clean(f.Name) != f.Name || !filepath.IsLocal(filepath.FromSlash(f.Name)) || strings.ContainsAny(f.Name, "\\:\x00") || names[f.Name] {
			return at("files", fmt.Errorf("%q is not a path in the model's folder, or is listed twice", f.Name))
		}
		names[f.Name] = true
		if !sumForm.MatchString(f.SHA256) || f.Size < 0 {
			return at("files", fmt.Errorf("%s has no SHA-256 of 64 hex digits, or a negative size", f.Name))
		}
	}
	for _, s := range e.Speeds {
		if s.Of == "" || s.Value <= 0 || !isDate(s.Date) {
			return at("speeds", errors.New("a speed has a unit (of), a positive value and a date (YYYY-MM-DD)"))
		}
	}
	for _, f := range e.Measured {
		if f.Function == "" || f.Metric == "" || f.Data == "" || !isDate(f.Date) || f.Rows < 0 {
			return at("measured", fmt.Errorf("the figure of %q needs function, metric, data and date (YYYY-MM-DD), and rows that are not negative", f.Function))
		}
		if (f.Low != 0 || f.High != 0) && (f.Low > f.Value || f.High < f.Value) {
			return at("measured", fmt.Errorf("the %s of %s, %v, is not between low and high", f.Metric, f.Function, f.Value))
		}
	}
	return nil
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// checkDefaults returns an error if a default does not exist or lacks its role.
func (c *Catalogue) checkDefaults(file string, data []byte) error {
	for _, r := range slices.Sorted(maps.Keys(c.Defaults)) {
		e, ok := c.Default(r)
		var err error
		if !ok {
			err = fmt.Errorf("there is no model %q in the catalogue", c.Defaults[r])
		} else if !e.Has(r) {
			err = fmt.Errorf("the model %s does not have the role %s", e.Name, r)
		}
		if err != nil {
			return place{file, data, 0, ""}.at("defaults."+string(r), err)
		}
	}
	return nil
}

// poolings are the kinds of pooling of the engine.
var poolings = []string{"mean", "weightedmean", "max", "cls", "lasttoken"}
