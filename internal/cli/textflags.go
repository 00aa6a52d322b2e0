package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/pflag"

	"github.com/firesteel/firesteel/internal/files"
)

// textFlags are the options for reading text files.
type textFlags struct {
	format                                      string
	encoding, delimiter, quote, escape, comment string
	null                                        []string
	skip                                        int
	headless                                    bool
}

// add adds all flags except --format and --no-header, whose descriptions differ
// between commands.
func (f *textFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.delimiter, "delimiter", "", `separator of the cells of CSV, such as ';' or '\t' (default: detected, or a comma)`)
	flags.StringVar(&f.quote, "quote", "", `quote character of CSV, or none (default: detected, or '"')`)
	flags.StringVar(&f.escape, "escape", "", `escape character for a quote in a quoted cell, such as '\' (default: detected, or the quote itself)`)
	flags.StringVar(&f.comment, "comment", "", "skip lines of CSV that begin with this, such as '#'")
	flags.StringArrayVar(&f.null, "null", nil, "text that means NULL in CSV, such as NA, in addition to an empty cell (may be repeated)")
	flags.IntVar(&f.skip, "skip", 0, "skip this many lines before the header or the first row")
	flags.StringVar(&f.encoding, "encoding", "", "encoding of the text, such as utf-16, latin1 or windows-1252 (default: detected, or utf-8)")
}

// options returns the options for package files.
func (f *textFlags) options() (o files.ReadOptions, err error) {
	if f.format != "" {
		if o.Format, err = files.ParseFormat(f.format); err != nil {
			return o, fmt.Errorf("%w: --format: %w", errUsage, err)
		}
	}
	if f.skip < 0 {
		return o, fmt.Errorf("%w: --skip must be at least 0", errUsage)
	}
	o.Encoding, o.Skip, o.Comment, o.Null, o.NoHeader = f.encoding, f.skip, f.comment, f.null, f.headless
	for _, c := range []struct {
		flag, text string
		to         *string
	}{{"--delimiter", f.delimiter, &o.Delimiter}, {"--quote", f.quote, &o.Quote}, {"--escape", f.escape, &o.Escape}} {
		*c.to = unescaped(c.text)
	}
	if err := o.Check(); err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	return o, nil
}

// unescaped resolves escapes such as \t, \x01 and \u0001, which are hard to type in a
// shell.
func unescaped(text string) string {
	if len(text) > 1 && text[0] == '\\' {
		if char, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`); err == nil {
			return char
		}
	}
	return text
}

// parseTypes parses values of --type, name=TYPE.
func parseTypes(given []string) (map[string]arrow.DataType, error) {
	types := map[string]arrow.DataType{}
	for _, text := range given {
		name, of, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("%w: --type %s: write it as in zip=STRING", errUsage, text)
		}
		t, err := files.ParseType(of)
		if err != nil {
			return nil, fmt.Errorf("%w: --type %s: %w", errUsage, text, err)
		}
		types[name] = t
	}
	return types, nil
}
