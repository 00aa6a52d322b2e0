package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/internal/eval"
	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/suggest"
)

// labelledRow is a row to ask, with what the answer should be; nil is NULL.
type labelledRow struct {
	number      int // from 1, as a person counts the data's rows
	input, gold *string
}

// conll is the format of words and tags, which firesteel eval reads beside those
// of files.
const conll = "conll"

// dataSource says what to read.
type dataSource struct {
	path  string // "-" is standard input
	text  textFlags
	input string
	label string
	limit *int64 // rows with both; nil is all
}

// isConll tells whether words and tags are read.
func (s *dataSource) isConll() bool {
	return s.text.format == conll || s.text.format == "" && strings.EqualFold(filepath.Ext(s.path), "."+conll)
}

// readLabelled gives the rows of a file.
func readLabelled(ctx context.Context, s dataSource, in io.Reader) ([]labelledRow, error) {
	if err := files.Look(s.path); err != nil {
		return nil, err
	}
	var records recordReader
	if s.isConll() {
		if s.path != "-" {
			file, err := os.Open(s.path)
			if err != nil {
				return nil, fmt.Errorf("the labelled data: %w", err)
			}
			defer file.Close()
			in = file
		}
		records = conllRecords(s.path, in)
	} else {
		table, err := openLabelled(ctx, s, in)
		if err != nil {
			return nil, err
		}
		defer table.Close()
		records = table.next
	}
	var rows []labelledRow
	for number := 1; s.limit == nil || len(rows) < int(*s.limit); number++ {
		input, gold, err := records()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, labelledRow{number, input, gold})
	}
	return rows, nil
}

// recordReader gives the next row's input and label, and io.EOF at the end.
type recordReader func() (input, gold *string, err error)

// labelledTable reads two columns of a table.
type labelledTable struct {
	files.Reader
	ctx          context.Context
	input, label labelledColumn
	batch        arrow.RecordBatch
	row          int
}

// labelledColumn is a column, or what is within one of JSON.
type labelledColumn struct {
	at   int
	path []string
	list bool // a list of texts is one text, with spaces between
}

func openLabelled(ctx context.Context, s dataSource, in io.Reader) (*labelledTable, error) {
	o, err := s.text.options()
	if err != nil {
		return nil, err
	}
	// Cells and members are read as they are written.
	o.To, o.AllText, o.Stdin, o.Sample = files.JSON, false, in, s.limit != nil
	r, err := files.Open(ctx, s.path, o)
	if err != nil {
		return nil, err
	}
	t := &labelledTable{Reader: r, ctx: ctx}
	if t.input, err = findColumn(r.Schema(), s, s.input, "--input"); err == nil {
		t.label, err = findColumn(r.Schema(), s, s.label, "--label")
	}
	t.input.list = true
	if err != nil {
		r.Close()
		return nil, err
	}
	return t, nil
}

// findColumn finds a column by its name, or by the names on the way to a member
// of JSON with dots between.
func findColumn(schema *arrow.Schema, s dataSource, name, flag string) (labelledColumn, error) {
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		if names[i] = f.Name; s.text.headless {
			names[i] = strconv.Itoa(i + 1)
		}
	}
	at, err := columnOf(names, name, flag, s.text.headless)
	if err == nil {
		return labelledColumn{at: at}, nil
	}
	for dots := 1; dots <= strings.Count(name, "."); dots++ {
		parts := strings.Split(name, ".")
		if i := slices.Index(names, strings.Join(parts[:dots], ".")); i >= 0 {
			return labelledColumn{at: i, path: parts[dots:]}, nil
		}
	}
	return labelledColumn{}, err
}

func (t *labelledTable) next() (input, gold *string, err error) {
	for t.batch == nil || t.row == int(t.batch.NumRows()) {
		if t.batch != nil {
			t.batch.Release()
			t.batch = nil
		}
		if t.batch, err = t.Next(t.ctx); err != nil {
			return nil, nil, err
		}
		t.row = 0
	}
	if input, err = t.input.value(t.batch, t.row); err == nil {
		gold, err = t.label.value(t.batch, t.row)
	}
	t.row++
	return input, gold, err
}

func (t *labelledTable) Close() error {
	if t.batch != nil {
		t.batch.Release()
	}
	return t.Reader.Close()
}

// value is a text as it is, and anything else as JSON.
func (c *labelledColumn) value(batch arrow.RecordBatch, row int) (*string, error) {
	b, err := files.AppendJSON(nil, batch.Column(c.at), row)
	if err != nil {
		return nil, err
	}
	for _, name := range c.path {
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) != nil || object[name] == nil {
			return nil, nil // there is none
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
	case c.list && json.Unmarshal(b, &list) == nil:
		text = strings.Join(list, " ") // a text in sentences
	}
	return &text, err
}

func columnOf(names []string, name, flag string, headless bool) (int, error) {
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	for i, n := range names {
		if strings.EqualFold(strings.TrimSpace(n), name) {
			return i, nil
		}
	}
	var shown []string
	for _, n := range names[:min(len(names), 20)] {
		shown = append(shown, suggest.Visible(n))
	}
	hint := ""
	if headless {
		hint = " (--no-header names them by number)"
	} else if len(names) < 2 {
		hint = "; is its format another one (--format)?"
	}
	return 0, fmt.Errorf("%w: there is no column %q for %s; the columns are %s%s", errUsage, name, flag, strings.Join(shown, ", "), hint)
}

func endOf(lines *bufio.Scanner) error {
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// conllRecords reads sentences of a word and its tag a line (B-x, I-x, O), with
// an empty line after each. The input is the words with spaces between, and the
// label the spans as JSON.
func conllRecords(name string, in io.Reader) recordReader {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	type span struct {
		Label string `json:"label"`
		Start int    `json:"start"`
		End   int    `json:"end"`
	}
	number := 0
	return func() (*string, *string, error) {
		var text strings.Builder
		spans, characters := []span{}, 0
		for lines.Scan() {
			number++
			fields := strings.Fields(lines.Text())
			if len(fields) == 0 {
				if characters == 0 {
					continue
				}
				break
			}
			if len(fields) < 2 {
				return nil, nil, sensitive.Errorf("%s, line %d: %s has no tag", name, number, sensitive.Text(lines.Text()))
			}
			word, tag := fields[0], fields[len(fields)-1]
			if characters > 0 {
				text.WriteByte(' ')
				characters++
			}
			text.WriteString(word)
			start := characters
			characters += len([]rune(word))
			kind, label, _ := strings.Cut(tag, "-")
			last := len(spans) - 1
			switch {
			case kind == "I" && last >= 0 && spans[last].Label == label && spans[last].End == start-1:
				spans[last].End = characters
			case kind == "B" || kind == "I":
				spans = append(spans, span{label, start, characters})
			}
		}
		if characters == 0 {
			return nil, nil, endOf(lines)
		}
		b, err := json.Marshal(spans)
		input, gold := text.String(), string(b)
		return &input, &gold, err
	}
}

// goldOf reads the rows' labels, and leaves rows without a label aside.
func goldOf(task eval.Task, rows []labelledRow, renamed map[string]string) (kept []labelledRow, gold []eval.Gold, err error) {
	for _, row := range rows {
		if row.gold == nil || strings.TrimSpace(*row.gold) == "" {
			continue
		}
		input := ""
		if row.input != nil {
			input = *row.input
		}
		g, err := task.Gold(*row.gold, input, renamed)
		if err != nil {
			return nil, nil, fmt.Errorf("row %d: the label: %w", row.number, err)
		}
		kept, gold = append(kept, row), append(gold, g)
	}
	return kept, gold, nil
}
