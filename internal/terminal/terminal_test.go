package terminal

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ text, printable, oneLine string }{
		{"plain, über, 日本語, 👩‍👩‍👧, می\u200cخواهم", "plain, über, 日本語, 👩‍👩‍👧, می\u200cخواهم", "plain, über, 日本語, 👩‍👩‍👧, می\u200cخواهم"},
		{"a\nb\tc", "a\nb\tc", `a\nb\tc`},
		{"red \x1b[31m", `red \x1b[31m`, `red \x1b[31m`},
		{"title \x1b]0;x\a", `title \x1b]0;x\x07`, `title \x1b]0;x\x07`},
		{"over\rwritten\b\x00\x7f", `over\rwritten\x08\x00\x7f`, `over\rwritten\x08\x00\x7f`},
		{"C1 \u009b31m \u0085", `C1 \u009b31m \u0085`, `C1 \u009b31m \u0085`},
		{"C1 byte \x9b31m", `C1 byte \x9b31m`, `C1 byte \x9b31m`},
		{"\u202eevil\u2066", `\u202eevil\u2066`, `\u202eevil\u2066`},
		{"real \ufffd stays", "real \ufffd stays", "real \ufffd stays"},
		{"\ufeffmark\u2028", `\ufeffmark\u2028`, `\ufeffmark\u2028`},
	} {
		if got := Printable(c.text); got != c.printable {
			t.Errorf("Printable(%q) = %q, want %q", c.text, got, c.printable)
		}
		if got := InOneLine(c.text); got != c.oneLine {
			t.Errorf("InOneLine(%q) = %q, want %q", c.text, got, c.oneLine)
		}
	}
}

// The output does not depend on how a text is split into writes.
func TestWriterInPieces(t *testing.T) {
	text := "ok 日本 \x1b[31m \xff\xe6\x97 👩 \u009b end\n"
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		w := NewWriter(&out)
		for i := 0; i < len(text); i += size {
			if _, err := w.Write([]byte(text[i:min(i+size, len(text))])); err != nil {
				t.Fatal(err)
			}
		}
		if got := out.String(); got != Printable(text) {
			t.Fatalf("in writes of %d bytes: %q", size, got)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := InOneLine(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unprintable(r, utf8.RuneLen(r)) }) {
			t.Errorf("InOneLine(%q) = %q", s, got)
		}
	})
}

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "日本": 4, "é": 1, "e\u0301": 1, "👩‍👩‍👧": 2, "": 0} {
		if got := Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abc..."}, {"日本語日本", 7, "日本..."}, {"abcd", 2, "ab"}} {
		if got := Cut(c.text, c.columns); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

// A line that is redrawn never wraps and has no control sequences of the text.
func TestStatusLine(t *testing.T) {
	var out bytes.Buffer
	l := NewTerminalLine(&out, func() int { return 20 })
	l.Show(strings.Repeat("日本", 20) + "\x1b[2J\n")
	shown := strings.TrimSuffix(strings.TrimPrefix(out.String(), "\r"), "\x1b[K")
	if Width(shown) >= 20 || strings.ContainsAny(shown, "\x1b\n") {
		t.Errorf("%q is %d columns wide", shown, Width(shown))
	}
	out.Reset()
	l.Wipe()
	l.Wipe()
	if got := out.String(); got != "\r\x1b[K" {
		t.Errorf("wiped: %q", got)
	}
	plain := NewStatusLine(&out)
	out.Reset()
	plain.Show("a\x1b\nb")
	plain.Wipe()
	if got := out.String(); got != "a\\x1b\\nb\n" {
		t.Errorf("not a terminal: %q", got)
	}
}
