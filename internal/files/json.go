package files

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// jsonRows reads the rows of JSON: a sequence of objects, each on one line or
// several, or arrays of objects. A text column holds a value that is not a string
// as JSON text.
type jsonRows struct {
	jsonObjects
	o       ReadOptions
	names   []string
	index   map[string]int
	columns []jsonField
	values  []member // values of the current row; NULL where absent
	guessed [][]byte // keys of the first object by position
	at      []int    // columns of these keys
	flaws   flaws
}

// jsonField says how the values of a column are parsed.
type jsonField struct {
	jsonColumn
	written, checked bool
	isText           bool
}

func newJSON(l *lines, o ReadOptions) *jsonRows {
	l.cr = true
	return &jsonRows{jsonObjects: jsonObjects{l: l}, o: o}
}

func (j *jsonRows) again(l *lines) rowFormat { return newJSON(l, j.o) }

func (j *jsonRows) line() int64 { return j.number }

func (j *jsonRows) begin() error { return j.l.begin() }

func (j *jsonRows) infer(ctx context.Context) ([]arrow.Field, error) {
	all := &shape{}
	err := sampled(ctx, func() error {
		if _, err := j.next(); err != nil {
			return err
		}
		for _, m := range j.members {
			if m.of&(markInvalid|markNotUTF8) == 0 && m.keyMarks == 0 {
				all.member(string(appendUnquoted(nil, m.key))).see(m.value, 0)
			}
		}
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
		} else if j.o.To.isText() && !j.o.AllText {
			fields[i].Type = newWritten(f.Type, true)
		}
	}
	var more []string // names that no row of the sample has
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
		return nil, fmt.Errorf("%s has no JSON object in its first rows, so its columns are unknown", j.l.name)
	}
	return fields, nil
}

func (j *jsonRows) bind(fields []arrow.Field) {
	j.index = map[string]int{}
	for i, f := range fields {
		t := f.Type
		w, written := t.(*WrittenType)
		if written {
			t = w.Of
		}
		j.names = append(j.names, f.Name)
		j.index[f.Name] = i
		j.columns = append(j.columns, jsonField{jsonColumn: jsonColumnOf(t, j.o.Types[f.Name] != nil), written: written, isText: t.ID() == arrow.STRING})
	}
	j.values = make([]member, len(fields))
}

func (j *jsonRows) need(column int) { j.columns[column].checked = j.columns[column].written }

func (j *jsonRows) flaw(column string, err error) {
	j.flaws.add(fmt.Errorf("%s: %w", at(j.l.name, j.number, column), err), column)
}

func (j *jsonRows) read() (size int, wrong *flaws, err error) {
	j.flaws.reset()
	broken, err := j.next()
	if err != nil {
		return 0, nil, err
	}
	if broken != nil {
		j.flaw("", broken)
	}
	clear(j.values)
	for place, m := range j.members {
		size += len(m.value) + 8
		i, ok := j.columnOf(place, m)
		if !ok {
			continue
		}
		if j.values[i].value != nil {
			j.flaw(j.names[i], sensitive.Errorf("duplicate key; the value %s is used, and %s is not", sensitive.Text(m.value), sensitive.Text(j.values[i].value)))
		}
		j.values[i] = m
	}
	for i := range j.values {
		m := &j.values[i]
		if m.value == nil && broken != nil {
			j.flaws.columns = append(j.flaws.columns, j.names[i])
		}
		if m.value == nil || m.of&markInvalid == 0 && m.value[0] == 'n' {
			m.value = nil
			continue
		}
		keep, err := j.check(i, *m)
		if err != nil {
			j.flaw(j.names[i], err)
		}
		if !keep {
			m.value = nil
		}
	}
	return size, &j.flaws, nil
}

// columnOf returns the column of a member by its position in the object.
func (j *jsonRows) columnOf(place int, m member) (column int, ok bool) {
	for len(j.guessed) <= place {
		j.guessed, j.at = append(j.guessed, nil), append(j.at, 0)
	}
	if bytes.Equal(j.guessed[place], m.key) {
		return j.at[place], true
	}
	if m.keyMarks != 0 {
		j.flaw("", sensitive.Errorf("the key %s is not valid text", sensitive.Text(m.key)))
		return 0, false
	}
	name := string(appendUnquoted(nil, m.key))
	column, ok = j.index[name]
	if !ok {
		j.flaw("", fmt.Errorf("new key %q, which the rows that set the columns do not have: give it a type to make it a column", name))
		return 0, false
	}
	if j.guessed[place] == nil {
		j.guessed[place], j.at[place] = bytes.Clone(m.key), column
	}
	return column, true
}

// check reports whether a value can be stored, and its error.
func (j *jsonRows) check(i int, m member) (keep bool, err error) {
	of := j.columns[i]
	isString := len(m.value) > 0 && m.value[0] == '"'
	switch {
	case m.of&markInvalid != 0 && isString:
		return false, sensitive.Errorf("%s is not valid JSON: a string has a control character or an unknown escape", sensitive.Text(m.value))
	case m.of&markInvalid != 0:
		return false, sensitive.Errorf("%s is not a JSON value", sensitive.Text(m.value))
	case m.of&markNotUTF8 != 0:
		return false, checkText(m.value, j.o.Encoding)
	case m.of&markSurrogate != 0 && (isString && j.o.To != JSON || !of.written && !of.isText):
		return false, sensitive.Errorf("%s has an unpaired surrogate, which only JSON lines can store", sensitive.Text(m.value))
	}
	if of.written && !of.checked {
		return true, nil
	}
	if err := of.jsonColumn(nil, m.value); err != nil {
		if j.o.Types[j.names[i]] == nil {
			err = fmt.Errorf("%w, the type inferred from the first rows of the column: give it the type STRING, which accepts any JSON", err)
		}
		return of.written, err
	}
	return true, nil
}

func (j *jsonRows) add(columns []array.Builder) {
	for i, m := range j.values {
		switch {
		case m.value == nil:
			columns[i].AppendNull()
		case !j.columns[i].written:
			j.columns[i].jsonColumn(columns[i], m.value) // checked by read
		case m.of&markLines != 0:
			writtenBuilder(columns[i]).Append(appendCompact(nil, m.value))
		default:
			writtenBuilder(columns[i]).Append(m.value)
		}
	}
}
