package files

import (
	"fmt"
	"strings"
)

// None, as a quote, says that CSV has no quotes.
const None = "none"

// dialect is a form of CSV.
type dialect struct {
	delimiter string
	quote     byte // 0 if there is none
	// escape takes a quote's meaning away within quotes. It is the quote
	// itself in RFC 4180, and "\\" in what Spark writes.
	escape  byte
	comment string // what lines that are no rows begin with; "" for none
	null    []string
	// returns: a "\r" alone ends a line, too. manyReturns: several of them
	// before a "\n" do, as a program writes them that ends lines twice.
	returns, manyReturns bool
	ends                 [256]bool // bytes that may end a cell without quotes
}

func newDialect(delimiter string, quote, escape byte) *dialect {
	d := &dialect{delimiter: delimiter, quote: quote, escape: escape}
	d.ends['\n'] = true
	d.ends[delimiter[0]] = true
	return d
}

// of is a dialect with all that does not divide cells taken from o.
func (d *dialect) of(o ReadOptions, returns, manyReturns bool) *dialect {
	d.comment, d.null, d.returns, d.manyReturns = o.Comment, o.Null, returns, manyReturns
	d.ends['\r'] = d.ends['\r'] || returns
	return d
}

// checkDialect finds mistakes in what is given of a dialect.
func checkDialect(o ReadOptions) error {
	for _, of := range []struct{ what, text string }{{"delimiter", o.Delimiter}, {"quote", o.Quote}, {"escape", o.Escape}, {"comment", o.Comment}} {
		switch {
		case of.text == "":
		case strings.ContainsAny(of.text, "\r\n"):
			return fmt.Errorf("%q cannot be the %s of CSV: it is the end of a line", of.text, of.what)
		case of.what == "quote" && of.text == None:
		case (of.what == "quote" || of.what == "escape") && (len(of.text) != 1 || of.text[0] >= 0x80):
			return fmt.Errorf("%q cannot be the %s of CSV: it is one character of ASCII", of.text, of.what)
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
			return fmt.Errorf("%q cannot be the %s of CSV and its %s", of.text, of.what, of.other)
		}
	}
	return nil
}
