package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/suggest"
)

// Row is a row of labelled data. A nil text is NULL.
type Row struct {
	Number       int // from 1
	Input, Label *string
	// Second is the second argument of a function of two texts.
	Second *string
}

// File is a file of labelled data.
type File struct {
	Path    string // "-" is standard input
	Options files.ReadOptions
	// CoNLL means lines of words and tags; see readCoNLL.
	CoNLL bool
	// Input and Label are the columns. In JSON, a.b is the member b of the member
	// or column a. Without a header, the columns have the names 1, 2, ...
	Input, Label string
	Second       string // the column of Row.Second; empty if there is none
	Limit        *int64 // on rows; nil is no limit
}

// ReadFile reads the labelled rows of a file in any format of package files.
// Values are read as they are written. If a column does not exist, the error is a
// *ColumnError.
func ReadFile(ctx context.Context, f File) ([]Row, error) {
	read := readTable
	if f.CoNLL {
		read = readCoNLL
	}
	var rows []Row
	err := read(ctx, f, func(row Row) bool {
		row.Number = len(rows) + 1
		rows = append(rows, row)
		return f.Limit == nil || int64(len(rows)) < *f.Limit
	})
	return rows, err
}

// readTable reads the columns of a table. It calls add with each row until add
// returns false.
func readTable(ctx context.Context, f File, add func(Row) bool) error {
	o := f.Options
	o.To, o.AllText, o.Sample = files.JSON, false, f.Limit != nil
	table, err := files.Open(ctx, f.Path, o)
	if err != nil {
		return err
	}
	defer table.Close()
	input, err := findValue(table.Schema(), f, f.Input, "input")
	if err != nil {
		return err
	}
	label, err := findValue(table.Schema(), f, f.Label, "label")
	if err != nil {
		return err
	}
	input.join = true
	var second *value
	if f.Second != "" {
		found, err := findValue(table.Schema(), f, f.Second, "second")
		if err != nil {
			return err
		}
		second = &found
	}
	for {
		batch, err := table.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		more, err := readBatch(batch, input, label, second, add)
		batch.Release()
		if err != nil || !more {
			return err
		}
	}
}

func readBatch(batch arrow.RecordBatch, input, label value, second *value, add func(Row) bool) (more bool, err error) {
	for row := range int(batch.NumRows()) {
		in, err := input.read(batch, row)
		if err != nil {
			return false, err
		}
		want, err := label.read(batch, row)
		if err != nil {
			return false, err
		}
		one := Row{Input: in, Label: want}
		if second != nil {
			if one.Second, err = second.read(batch, row); err != nil {
				return false, err
			}
		}
		if !add(one) {
			return false, nil
		}
	}
	return true, nil
}

// value is a column, or a member of its JSON.
type value struct {
	column int
	path   []string // names of members, from the outermost
	join   bool     // a list of texts is one text, with spaces between
}

// findValue finds a column by its name, or a member by the path of names with
// dots.
func findValue(schema *arrow.Schema, f File, name, role string) (value, error) {
	names := make([]string, schema.NumFields())
	for i, field := range schema.Fields() {
		if names[i] = field.Name; f.Options.NoHeader {
			names[i] = strconv.Itoa(i + 1)
		}
	}
	column, err := FindColumn(names, name, role)
	if err == nil {
		return value{column: column}, nil
	}
	for dots := 1; dots <= strings.Count(name, "."); dots++ {
		parts := strings.Split(name, ".")
		if i := slices.Index(names, strings.Join(parts[:dots], ".")); i >= 0 {
			return value{column: i, path: parts[dots:]}, nil
		}
	}
	return value{}, err
}

// read returns a text as it is and any other value as JSON, or nil for NULL.
func (v value) read(batch arrow.RecordBatch, row int) (*string, error) {
	b, err := files.AppendJSON(nil, batch.Column(v.column), row)
	if err != nil {
		return nil, err
	}
	for _, name := range v.path {
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) != nil || object[name] == nil {
			return nil, nil
		}
		b = object[name]
	}
	text := string(b)
	var list []string
	switch {
	case text == "null":
		return nil, nil
	case text[0] == '"':
		err = json.Unmarshal(b, &text)
	case v.join && json.Unmarshal(b, &list) == nil:
		text = strings.Join(list, " ")
	}
	return &text, err
}

// ColumnError reports a column that does not exist.
type ColumnError struct {
	Role    string // "input", "second" or "label"
	Name    string
	Columns []string // that exist
}

func (e *ColumnError) Error() string {
	const most = 20
	var shown []string
	for _, n := range e.Columns[:min(len(e.Columns), most)] {
		shown = append(shown, suggest.Visible(n))
	}
	return fmt.Sprintf("there is no column %q for the %s; the columns are %s", e.Name, e.Role, strings.Join(shown, ", "))
}

// FindColumn returns the index of the column with a name: equal, or else equal
// except for case and space around it. Its error is a *ColumnError.
func FindColumn(columns []string, name, role string) (int, error) {
	if i := slices.Index(columns, name); i >= 0 {
		return i, nil
	}
	for i, c := range columns {
		if strings.EqualFold(strings.TrimSpace(c), name) {
			return i, nil
		}
	}
	return 0, &ColumnError{role, name, columns}
}
