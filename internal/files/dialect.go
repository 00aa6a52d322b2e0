package files

import (
	"fmt"
	"strings"
)

// None is the value of ReadOptions.Quote for CSV without quotes.
const None = "none"

// dialect is a dialect of CSV.
type dialect struct {
	delimiter string
	quote     byte // 0 for none
	// escape escapes a quote within quotes. It is the quote itself in RFC 4180,
	// and a backslash in files of Spark.
	escape  byte
	comment string // prefix of comment lines; "" for none
	null    []string
	// returns means that "\r" alone ends a line, too. manyReturns means that
	// several "\r" before a "\n" do, which some programs write.
	returns, manyReturns bool
	ends                 [256]bool // bytes that may end an unquoted cell
}

func newDialect(delimiter string, quote, escape byte) *dialect {
	d := &dialect{delimiter: delimiter, quote: quote, escape: escape}
	d.ends['\n'] = true
	d.ends[delimiter[0]] = true
	return d
}

// of returns d with comments, NULL texts and line ends set.
func (d *dialect) of(o ReadOptions, returns, manyReturns bool) *dialect {
	d.comment, d.null, d.returns, d.manyReturns = o.Comment, o.Null, returns, manyReturns
	d.ends['\r'] = d.ends['\r'] || returns
	return d
}

// checkDialect reports mistakes in the options of a dialect.
func checkDialect(o ReadOptions) error {
	for _, of := range []struct{ what, text string }{{"delimiter", o.Delimiter}, {"quote", o.Quote}, {"escape", o.Escape}, {"comment", o.Comment}} {
		switch {
		case of.text == "":
		case strings.ContainsAny(of.text, "\r\n"):
			return fmt.Errorf("%q cannot be the %s of CSV: it ends a line", of.text, of.what)
		case of.what == "quote" && of.text == None:
		case (of.what == "quote" || of.what == "escape") && (len(of.text) != 1 || of.text[0] >= 0x80):
			return fmt.Errorf("%q cannot be the %s of CSV: one ASCII character is needed", of.text, of.what)
		}
	}
	quote := o.Quote
	if quote == "" {
		quote = `"`
	}
	for _, of := range []struct{ what, text, other, with string }{
		{"delimiter", o.Delimiter, "quote", quote}, {"comment", o.Comment, "quote", quote},
		{"escape", o.Escape, "delimiter", o.Delimiter}, {"comment", o.Comment, "delimiter", o.Delimiter},
	} {
		if of.text != "" && of.with != "" && strings.HasPrefix(of.text, of.with) {
			return fmt.Errorf("%q cannot be both the %s and the %s of CSV", of.text, of.what, of.other)
		}
	}
	return nil
}
