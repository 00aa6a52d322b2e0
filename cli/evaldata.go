package cli

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/eval"
	"github.com/firesteel/firesteel/files"
	"github.com/firesteel/firesteel/internal/similar"
)

// labelledRow is a row to ask, with what the answer should be; nil is NULL.
type labelledRow struct {
	number      int // from 1, as a person counts the data's rows
	input, gold *string
}

// dataFormats are those that readLabelled knows, by the ends of files' names.
var dataFormats = map[string]string{
	".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "json", ".ndjson": "json", ".json": "json", ".conll": "conll",
}

// dataSource says what to read.
type dataSource struct {
	path     string // "-" is standard input
	format   string // empty: by the path's end
	headless bool   // columns are named 1, 2, ...
	input    string
	label    string
	limit    *int64 // rows with both; nil is all
}

// readLabelled gives the rows of a file.
func readLabelled(s dataSource, in io.Reader) ([]labelledRow, error) {
	if err := files.Look(s.path); err != nil {
		return nil, err
	}
	if s.format == "" {
		if s.format = dataFormats[strings.ToLower(filepath.Ext(s.path))]; s.format == "" {
			return nil, fmt.Errorf("%w: the name of %s does not say what it holds; say it by --format csv, tsv, json or conll", errUsage, s.path)
		}
	}
	if s.path != "-" {
		file, err := os.Open(s.path)
		if err != nil {
			return nil, fmt.Errorf("the labelled data: %w", err)
		}
		defer file.Close()
		in = file
	}
	var records recordReader
	var err error
	buffered := bufio.NewReader(in)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(3)
	}
	switch s.format {
	case "csv":
		r := csv.NewReader(buffered)
		r.ReuseRecord = true
		records, err = tableRecords(r.Read, s)
	case "tsv":
		records, err = tableRecords(tabbed(buffered), s)
	case "json":
		records, err = jsonRecords(buffered, s)
	case "conll":
		records = conllRecords(buffered)
	default:
		return nil, fmt.Errorf("%w: there is no format %q; there are csv, tsv, json and conll", errUsage, s.format)
	}
	if errors.Is(err, errUsage) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	var rows []labelledRow
	for number := 1; s.limit == nil || int64(len(rows)) < *s.limit; number++ {
		input, gold, err := records()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s, row %d: %w", s.path, number, err)
		}
		rows = append(rows, labelledRow{number, input, gold})
	}
	return rows, nil
}

// recordReader gives the next row's input and label, and io.EOF at the end.
type recordReader func() (input, gold *string, err error)

// tableRecords finds the columns in the header. An empty value is NULL.
func tableRecords(read func() ([]string, error), s dataSource) (recordReader, error) {
	first, err := read()
	if err == io.EOF {
		return nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, err
	}
	names := slices.Clone(first)
	first = slices.Clone(first)
	if s.headless {
		for i := range names {
			names[i] = fmt.Sprint(i + 1)
		}
	}
	input, err := columnOf(names, s.input, "--input", s.headless)
	if err != nil {
		return nil, err
	}
	label, err := columnOf(names, s.label, "--label", s.headless)
	if err != nil {
		return nil, err
	}
	pending := s.headless
	value := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return func() (*string, *string, error) {
		record := first
		if !pending {
			if record, err = read(); err != nil {
				return nil, nil, err
			}
		}
		pending = false
		if len(record) <= max(input, label) {
			return nil, nil, fmt.Errorf("it has %d columns, not %d", len(record), len(names))
		}
		return value(record[input]), value(record[label]), nil
	}, nil
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
		shown = append(shown, similar.Visible(n))
	}
	hint := ""
	if headless {
		hint = " (--no-header names them by number)"
	} else if len(names) < 2 {
		hint = "; is its format another one (--format)?"
	}
	return 0, fmt.Errorf("%w: there is no column %q for %s; the columns are %s%s", errUsage, name, flag, strings.Join(shown, ", "), hint)
}

// maxLine bounds a line, in bytes.
const maxLine = 64 << 20

// tabbed reads lines whose values are divided by tabs. Nothing is quoted.
func tabbed(in io.Reader) func() ([]string, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	return func() ([]string, error) {
		for lines.Scan() {
			if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
				return strings.Split(line, "\t"), nil
			}
		}
		return nil, endOf(lines)
	}
}

func endOf(lines *bufio.Scanner) error {
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// jsonRecords reads objects, one after the other or in an array.
func jsonRecords(in *bufio.Reader, s dataSource) (recordReader, error) {
	d := json.NewDecoder(in)
	inArray := false
	for {
		b, err := in.Peek(1)
		if err == io.EOF {
			return nil, errors.New("it is empty")
		}
		if err != nil {
			return nil, err
		}
		if b[0] == '[' {
			inArray = true
			if _, err := d.Token(); err != nil {
				return nil, err
			}
			break
		}
		if strings.IndexByte(" \t\r\n", b[0]) < 0 {
			break
		}
		in.Discard(1)
	}
	return func() (input, gold *string, err error) {
		if !d.More() {
			_, err := d.Token()
			if err == io.EOF && inArray {
				err = errors.New("the array is cut off")
			}
			if err == nil {
				err = io.EOF
			}
			return nil, nil, err
		}
		var object map[string]any
		if err := d.Decode(&object); err != nil {
			return nil, nil, fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
		}
		if input, err = member(object, s.input, "--input"); err != nil {
			return nil, nil, err
		}
		if list := []string(nil); input != nil && json.Unmarshal([]byte(*input), &list) == nil {
			joined := strings.Join(list, " ") // a text in sentences
			input = &joined
		}
		gold, err = member(object, s.label, "--label")
		return input, gold, err
	}, nil
}

// member gives a member by its name, or by the names on the way to it with dots
// between. What is no text is given as JSON.
func member(object map[string]any, name, flag string) (*string, error) {
	v, ok := object[name]
	for at, rest := object, name; !ok; {
		first, more, dotted := strings.Cut(rest, ".")
		inner, isObject := at[first].(map[string]any)
		if !dotted || !isObject {
			names := slices.Sorted(maps.Keys(object))
			return nil, fmt.Errorf("%w: there is no member %q for %s; there are %s", errUsage, name, flag, strings.Join(names[:min(len(names), 20)], ", "))
		}
		at, rest = inner, more
		v, ok = at[rest]
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return &v, nil
	}
	b, err := json.Marshal(v)
	text := string(b)
	return &text, err
}

// conllRecords reads sentences of a word and its tag a line (B-x, I-x, O), with
// an empty line after each. The input is the words with spaces between, and the
// label the spans as JSON.
func conllRecords(in io.Reader) recordReader {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	type span struct {
		Label string `json:"label"`
		Start int    `json:"start"`
		End   int    `json:"end"`
	}
	return func() (*string, *string, error) {
		var text strings.Builder
		spans, characters := []span{}, 0
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) == 0 {
				if characters == 0 {
					continue
				}
				break
			}
			if len(fields) < 2 {
				return nil, nil, fmt.Errorf("the line %q has no tag", lines.Text())
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
