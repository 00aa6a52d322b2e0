package eval

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/firesteel/firesteel/internal/files"
	"github.com/firesteel/firesteel/internal/sensitive"
)

// CoNLL is the name of the format of words and tags.
const CoNLL = "conll"

// IsCoNLL reports whether a file has the format CoNLL: format names it, or is
// empty and the file name ends in .conll, also before .gz or .zst.
func IsCoNLL(path, format string) bool {
	if format != "" {
		return strings.EqualFold(format, CoNLL)
	}
	name := strings.ToLower(filepath.Base(path))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	return filepath.Ext(name) == "."+CoNLL
}

// readCoNLL reads sentences with a word and its tag (B-x, I-x or O) on each line
// and an empty line after each sentence. The input is the words with spaces
// between. The label is the spans as JSON.
func readCoNLL(ctx context.Context, f File, add func(Row) bool) error {
	o := f.Options
	o.Format, o.To = files.Text, files.Text
	lines, err := files.Open(ctx, f.Path, o)
	if err != nil {
		return err
	}
	defer lines.Close()
	var s sentence
	number := o.Skip
	for {
		batch, err := lines.Next(ctx)
		if err == io.EOF {
			if s.length > 0 {
				s.end(add)
			}
			return nil
		}
		if err != nil {
			return err
		}
		column := batch.Column(0)
		for row := range int(batch.NumRows()) {
			number++
			line := ""
			if !column.IsNull(row) {
				line = column.(array.StringLike).Value(row)
			}
			fields := strings.Fields(line)
			switch {
			case len(fields) == 1:
				err = sensitive.Errorf("%s, line %d: %s has no tag", f.Path, number, sensitive.Text(line))
			case len(fields) > 1:
				s.add(fields[0], fields[len(fields)-1])
				continue
			case s.length == 0 || s.end(add):
				continue
			}
			batch.Release()
			return err
		}
		batch.Release()
	}
}

// sentence is the part of a sentence that has been read.
type sentence struct {
	text   strings.Builder
	length int // in characters
	spans  []taggedSpan
}

type taggedSpan struct {
	Label string `json:"label"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

func (s *sentence) add(word, tag string) {
	if s.length > 0 {
		s.text.WriteByte(' ')
		s.length++
	}
	s.text.WriteString(word)
	start := s.length
	s.length += utf8.RuneCountInString(word)
	position, label, _ := strings.Cut(tag, "-")
	last := len(s.spans) - 1
	switch {
	case position == "I" && last >= 0 && s.spans[last].Label == label && s.spans[last].End == start-1:
		s.spans[last].End = s.length
	case position == "B" || position == "I":
		s.spans = append(s.spans, taggedSpan{label, start, s.length})
	}
}

// end passes the sentence on, and begins the next one.
func (s *sentence) end(add func(Row) bool) bool {
	spans, _ := json.Marshal(append([]taggedSpan{}, s.spans...)) // texts and numbers have no error
	input, label := s.text.String(), string(spans)
	*s = sentence{}
	return add(Row{Input: &input, Label: &label})
}
