package ai

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// schemaOfDDL converts a type of Spark SQL, such as STRUCT<name: STRING, n: INT> or
// ARRAY<DOUBLE>, to a JSON Schema.
func schemaOfDDL(ddl string) (string, error) {
	p := ddlReader{rest: ddl}
	s, err := p.read(0)
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = sensitive.Errorf("%s follows the type", sensitive.Text(strings.TrimSpace(p.rest)))
	}
	if err != nil {
		return "", sensitive.Errorf("%s is not a type of Spark SQL that JSON can hold: %w", sensitive.Text(ddl), err)
	}
	return s, nil
}

type ddlReader struct{ rest string }

const maxDDLDepth = 32

var ddlScalars = map[string]string{
	"STRING": "string", "BOOLEAN": "boolean", "TINYINT": "integer", "SMALLINT": "integer", "INT": "integer", "INTEGER": "integer",
	"BIGINT": "integer", "LONG": "integer", "FLOAT": "number", "REAL": "number", "DOUBLE": "number",
}

func (p *ddlReader) read(depth int) (string, error) {
	if depth > maxDDLDepth {
		return "", fmt.Errorf("it is nested deeper than %d levels", maxDDLDepth)
	}
	switch name := strings.ToUpper(p.word()); {
	case ddlScalars[name] != "":
		return `{"type":"` + ddlScalars[name] + `"}`, nil
	case name == "DECIMAL" || name == "NUMERIC":
		if p.take("(") {
			if end := strings.IndexByte(p.rest, ')'); end >= 0 {
				p.rest = p.rest[end+1:]
			}
		}
		return `{"type":"number"}`, nil
	case name == "DATE":
		return `{"type":"string","format":"date"}`, nil
	case name == "TIMESTAMP":
		return `{"type":"string","format":"date-time"}`, nil
	case name == "ARRAY":
		element, err := p.inside(depth)
		return `{"type":"array","items":` + element + `}`, err
	case name == "STRUCT":
		return p.structure(depth)
	case name == "":
		return "", sensitive.Errorf("a type is missing at %s", sensitive.Text(p.rest))
	default:
		return "", sensitive.Errorf("there is no type %s; the types are STRING, BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL, DATE, TIMESTAMP, ARRAY<...> and STRUCT<name: type, ...>", sensitive.Text(name))
	}
}

func (p *ddlReader) inside(depth int) (string, error) {
	if !p.take("<") {
		return "", sensitive.Errorf("'<' is missing at %s", sensitive.Text(p.rest))
	}
	s, err := p.read(depth + 1)
	if err == nil && !p.take(">") {
		err = sensitive.Errorf("'>' is missing at %s", sensitive.Text(p.rest))
	}
	return s, err
}

func (p *ddlReader) structure(depth int) (string, error) {
	if !p.take("<") {
		return "", sensitive.Errorf("'<' is missing at %s", sensitive.Text(p.rest))
	}
	var names, types []string
	seen := map[string]bool{}
	for {
		name := p.word()
		if name == "" || seen[name] {
			return "", sensitive.Errorf("the name of a field is missing or occurs twice before %s", sensitive.Text(p.rest))
		}
		seen[name] = true
		p.take(":")
		t, err := p.read(depth + 1)
		if err != nil {
			return "", err
		}
		if strings.EqualFold(p.peekWord(), "COMMENT") {
			p.word()
			comment, err := p.quoted()
			if err != nil {
				return "", err
			}
			about, _ := json.Marshal(comment) // cannot fail for a string
			t = strings.TrimSuffix(t, "}") + `,"description":` + string(about) + "}"
		}
		names, types = append(names, name), append(types, t)
		if p.take(">") {
			return objectOf(names, func(i int) string { return types[i] }), nil
		}
		if !p.take(",") {
			return "", sensitive.Errorf("',' or '>' is missing at %s", sensitive.Text(p.rest))
		}
	}
}

// word reads a name or a keyword. A name in backquotes may have any characters.
func (p *ddlReader) word() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if strings.HasPrefix(p.rest, "`") {
		name, rest, ok := strings.Cut(p.rest[1:], "`")
		if ok {
			p.rest = rest
		}
		return name
	}
	n := strings.IndexFunc(p.rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if n < 0 {
		n = len(p.rest)
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name
}

func (p *ddlReader) peekWord() string {
	ahead := *p
	return ahead.word()
}

func (p *ddlReader) quoted() (string, error) {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	if p.rest != "" && strings.ContainsRune(`'"`, rune(p.rest[0])) {
		if text, rest, ok := strings.Cut(p.rest[1:], p.rest[:1]); ok {
			p.rest = rest
			return text, nil
		}
	}
	return "", sensitive.Errorf("a comment without quotes at %s", sensitive.Text(p.rest))
}

func (p *ddlReader) take(mark string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, " \t\r\n"), mark)
	if ok {
		p.rest = rest
	}
	return ok
}
