package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// JSON is an object on each line, or one array of objects over any lines. A
// member's value may be any JSON: a column of text holds what is no string as
// JSON text.

type jsonRows struct {
	l       *lines
	o       ReadOptions
	inArray bool
	ended   bool // the array is closed
	any     bool // an element of the array was there
	number  int64

	names   []string
	index   map[string]int
	columns []jsonColumn
	values  [][]byte // of the current row, nil for NULL
}

func (j *jsonRows) line() int64 { return j.number }

func (j *jsonRows) begin() error {
	if err := j.l.begin(); err != nil {
		return err
	}
	err := j.space()
	if err == nil && j.l.rest()[0] == '[' {
		j.inArray = true
		j.l.take(1)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// space takes white space, so that rest begins with something else.
func (j *jsonRows) space() error {
	for {
		rest := j.l.rest()
		if n := len(rest) - len(skipSpace(rest)); n > 0 {
			j.l.take(n)
		}
		if len(j.l.rest()) > 0 {
			return nil
		}
		if err := j.l.more(); err != nil {
			return err
		}
	}
}

// object reads the next row's bytes, valid JSON.
func (j *jsonRows) object() ([]byte, error) {
	var text []byte
	var err error
	if j.inArray {
		text, err = j.element()
	} else {
		if err = j.space(); err != nil {
			return nil, err
		}
		j.number = j.l.number
		if text, err = j.l.line(); err == errTooLong {
			if err := j.l.skipLine(); err != nil {
				return nil, err
			}
			return nil, j.bad("it is longer than %d MiB", j.l.most>>20)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := checkUTF8(text); err != nil {
		return nil, j.bad("%w", err)
	}
	text = bytes.Trim(text, jsonSpace)
	if !json.Valid(text) {
		var v any
		err := json.Unmarshal(text, &v)
		return nil, j.bad("%s is no JSON object: %w; each object stands whole on its line", shown(text), err)
	}
	if text[0] != '{' {
		return nil, j.bad("%s is no JSON object; a row is one, such as {\"text\": \"...\"}", shown(text))
	}
	return text, nil
}

func (j *jsonRows) bad(format string, args ...any) error {
	return badRow{fmt.Errorf("%s: "+format, append([]any{at(j.l.name, j.number, "")}, args...)...)}
}

// element reads the next element of the array: up to the comma or bracket that
// stands outside of strings and brackets. What it is is checked later.
func (j *jsonRows) element() ([]byte, error) {
	if j.ended {
		err := j.space()
		if err == nil {
			err = fmt.Errorf("%s: something follows the end of the array", at(j.l.name, j.l.number, ""))
		}
		return nil, err
	}
	if err := j.space(); err != nil {
		return nil, j.cut(err)
	}
	j.number = j.l.number
	depth, inString, escaped := 0, false, false
	for i := 0; ; i++ {
		for i >= len(j.l.rest()) {
			if err := j.l.more(); err != nil {
				return nil, j.cut(err)
			}
		}
		b := j.l.rest()[i]
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = b == '\\', b != '"'
		case b == '"':
			inString = true
		case b == '{' || b == '[':
			depth++
		case depth > 0 && (b == '}' || b == ']'):
			depth--
		case depth == 0 && (b == ',' || b == ']'):
			text := slices.Clone(j.l.rest()[:i])
			j.l.take(i + 1)
			j.ended = b == ']'
			if len(bytes.Trim(text, jsonSpace)) == 0 && j.ended && !j.any {
				return nil, io.EOF // an array without elements
			}
			j.any = true
			return text, nil
		}
	}
}

// cut is the error of an array that does not end.
func (j *jsonRows) cut(err error) error {
	switch err {
	case io.EOF:
		return fmt.Errorf("%s: the array of objects that begins the file is not closed; it is cut off, or a quote is missing", at(j.l.name, j.number, ""))
	case errTooLong:
		return fmt.Errorf("%s: this element of the array is longer than %d MiB", at(j.l.name, j.number, ""), j.l.most>>20)
	}
	return err
}

func (j *jsonRows) infer() ([]arrow.Field, error) {
	all := &shape{}
	err := sampled(func() error {
		text, err := j.object()
		if err != nil {
			return err
		}
		members(text, func(name string, v []byte) error { all.member(name).see(v, 0); return nil })
		if len(all.names) > maxColumns {
			return tooManyColumns(j.l.name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if j.o.AllText {
		all.asText()
	}
	fields := all.fields()
	for i, f := range fields {
		if t := j.o.Types[f.Name]; t != nil {
			fields[i].Type = t
		}
	}
	var more []string // which no row of the sample has
	for name := range j.o.Types {
		if all.members[name] == nil {
			more = append(more, name)
		}
	}
	slices.Sort(more)
	for _, name := range more {
		fields = append(fields, arrow.Field{Name: name, Type: j.o.Types[name], Nullable: true})
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s has no JSON object in its first rows, so that it has no columns", j.l.name)
	}
	return fields, nil
}

func (j *jsonRows) bind(fields []arrow.Field) error {
	j.index = map[string]int{}
	for i, f := range fields {
		j.names = append(j.names, f.Name)
		j.index[f.Name] = i
		j.columns = append(j.columns, jsonColumnOf(f.Type, j.o.Types[f.Name] != nil))
	}
	j.values = make([][]byte, len(fields))
	return nil
}

func (j *jsonRows) next() (int, error) {
	text, err := j.object()
	if err != nil {
		return 0, err
	}
	clear(j.values)
	err = members(text, func(name string, value []byte) error {
		i, ok := j.index[name]
		if !ok {
			return fmt.Errorf("%s: it has %q, which the rows before it do not have: give it a type, and it is a column (--type %[2]s=STRING)", at(j.l.name, j.number, ""), name)
		}
		j.values[i] = value // the last of equal names counts
		return nil
	})
	if err != nil {
		return 0, badRow{err}
	}
	for i, value := range j.values {
		if value == nil || value[0] == 'n' {
			continue
		}
		if err := j.columns[i](nil, value); err != nil {
			advice := ""
			if j.o.Types[j.names[i]] == nil {
				advice = fmt.Sprintf(": what came before it was otherwise; give the column the type STRING, which takes any JSON (--type %s=STRING)", j.names[i])
			}
			return 0, badRow{fmt.Errorf("%s: %w%s", at(j.l.name, j.number, j.names[i]), err, advice)}
		}
	}
	return len(text) + 8*len(j.values), nil
}

func (j *jsonRows) add(columns []array.Builder) {
	for i, value := range j.values {
		appendJSON(columns[i], j.columns[i], value)
	}
}

// appendJSON appends what was checked.
func appendJSON(b array.Builder, column jsonColumn, value []byte) {
	if value == nil || value[0] == 'n' {
		b.AppendNull()
		return
	}
	column(b, value)
}

// jsonColumn checks a JSON value that is not null, and appends it unless b is
// nil.
type jsonColumn func(b array.Builder, value []byte) error

// jsonColumnOf reads values as a type: if it was given, as far as they can be;
// otherwise those only that are not changed by it.
func jsonColumnOf(t arrow.DataType, given bool) jsonColumn {
	switch t := t.(type) {
	case *arrow.ListType:
		return jsonList(t)
	case *arrow.StructType:
		return jsonStruct(t)
	}
	of := scalarOf(t)
	if t.ID() == arrow.STRING {
		return func(b array.Builder, value []byte) error {
			if value[0] == '"' {
				return of(b, []byte(unquote(value)))
			}
			return of(b, value)
		}
	}
	quoted := t.ID() == arrow.TIMESTAMP || t.ID() == arrow.DATE32 || t.ID() == arrow.BINARY
	return func(b array.Builder, value []byte) error {
		switch c := value[0]; {
		case c == '{', c == '[', c == '"' && !given, c != '"' && quoted:
			return fmt.Errorf("%s is no %s", shown(value), typeName(t))
		case c == '"':
			return of(b, []byte(unquote(value)))
		case t.ID() == arrow.FLOAT64 && !given && !exactFloat(value):
			return fmt.Errorf("%s has more digits than a DOUBLE", shown(value))
		}
		return of(b, value)
	}
}

func jsonList(t *arrow.ListType) jsonColumn {
	element := jsonColumnOf(t.Elem(), false)
	return func(b array.Builder, value []byte) error {
		if value[0] != '[' {
			return fmt.Errorf("%s is no list", shown(value))
		}
		if b == nil {
			return elements(value, func(v []byte) error {
				if v[0] == 'n' {
					return nil
				}
				return element(nil, v)
			})
		}
		list := b.(*array.ListBuilder)
		list.Append(true)
		return elements(value, func(v []byte) error { appendJSON(list.ValueBuilder(), element, v); return nil })
	}
}

func jsonStruct(t *arrow.StructType) jsonColumn {
	fields := make([]jsonColumn, t.NumFields())
	for i, f := range t.Fields() {
		fields[i] = jsonColumnOf(f.Type, false)
	}
	return func(b array.Builder, value []byte) error {
		if value[0] != '{' {
			return fmt.Errorf("%s is no object", shown(value))
		}
		values := make([][]byte, len(fields))
		err := members(value, func(name string, v []byte) error {
			i, ok := t.FieldIdx(name)
			if !ok {
				return fmt.Errorf("its object has %q", name)
			}
			if b == nil && v[0] != 'n' {
				if err := fields[i](nil, v); err != nil {
					return fmt.Errorf("member %s: %w", name, err)
				}
			}
			values[i] = v
			return nil
		})
		if err != nil || b == nil {
			return err
		}
		of := b.(*array.StructBuilder)
		of.Append(true)
		for i, v := range values {
			appendJSON(of.FieldBuilder(i), fields[i], v)
		}
		return nil
	}
}
