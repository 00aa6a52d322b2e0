package files

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// marks are properties of a JSON value.
type marks uint8

const (
	markLines     marks = 1 << iota // line ends between its tokens
	markNotUTF8                     // a string is not valid UTF-8
	markSurrogate                   // a string has an unpaired surrogate
	markInvalid                     // a part is not valid JSON
)

// errShort reports that the value continues after the bytes read so far.
var errShort = errors.New("incomplete JSON")

// syntaxError reports a syntax error of JSON and its offset.
type syntaxError struct {
	at   int
	what error
}

func (e *syntaxError) Error() string { return e.what.Error() }
func (e *syntaxError) Unwrap() error { return e.what }

// maxNesting is the largest nesting depth of lists and objects.
const maxNesting = 1000

// member is a member of an object. The key includes its quotes.
type member struct {
	key, value   []byte
	keyMarks, of marks
	end          int // end of the value, relative to the object
}

// scanner finds and checks JSON values. An error within a value whose end is known
// is a mark of the value; other errors are a *syntaxError. The scanner accepts NaN,
// Infinity and -Infinity, which Python writes.
type scanner struct {
	members []member
}

// object reads the object at the beginning of b and returns its end. After an error
// members has the members before it.
func (s *scanner) object(b []byte) (end int, err error) {
	s.members = s.members[:0]
	i := skipSpaceAt(b, 1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		var m member
		from := i
		if i, m.keyMarks, err = key(b, i); err != nil {
			return 0, err
		}
		m.key = b[from:i]
		if i, err = colon(b, skipSpaceAt(b, i)); err != nil {
			return 0, err
		}
		if i = skipSpaceAt(b, i); i == len(b) {
			return 0, errShort
		}
		from = i
		if i, m.of, err = value(b, i, 1); err != nil {
			return 0, err
		}
		m.value, m.end = b[from:i], i
		i = skipSpaceAt(b, i)
		switch {
		case i == len(b):
			return 0, errShort
		case b[i] != ',' && b[i] != '}':
			return 0, &syntaxError{i, sensitive.Errorf("a comma or } is missing before %s", shownAt(b, i))}
		}
		s.members = append(s.members, m)
		if b[i] == '}' {
			return i + 1, nil
		}
		i = skipSpaceAt(b, i+1)
	}
}

// key reads the key of a member.
func key(b []byte, i int) (end int, m marks, err error) {
	switch {
	case i == len(b):
		return 0, 0, errShort
	case b[i] != '"':
		return 0, 0, &syntaxError{i, sensitive.Errorf("%s is found where a quoted key is needed", shownAt(b, i))}
	}
	return stringAt(b, i)
}

// colon reads the colon after a key.
func colon(b []byte, i int) (int, error) {
	switch {
	case i == len(b):
		return 0, errShort
	case b[i] != ':':
		return 0, &syntaxError{i, sensitive.Errorf("a colon is missing before %s", shownAt(b, i))}
	}
	return i + 1, nil
}

func shownAt(b []byte, i int) sensitive.Text { return sensitive.Text(b[i:min(len(b), i+20)]) }

func skipSpaceAt(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// value reads the value at offset i of b.
func value(b []byte, i, depth int) (end int, m marks, err error) {
	switch b[i] {
	case '"':
		return stringAt(b, i)
	case '{', '[':
		if depth == maxNesting {
			return 0, 0, &syntaxError{i, sensitive.Errorf("the nesting is deeper than %d", maxNesting)}
		}
		return container(b, i, depth)
	}
	end = i
	for end < len(b) && !isEnd[b[end]] {
		end++
	}
	if end == len(b) {
		return 0, 0, errShort
	}
	if word := b[i:end]; !isJSONNumber(word) && !isJSONWord(word) {
		m = markInvalid
	}
	return end, m, nil
}

// isEnd marks the bytes that end a number or a word.
var isEnd = [256]bool{',': true, '}': true, ']': true, ' ': true, '\t': true, '\r': true, '\n': true, '"': true, '{': true, '[': true, ':': true}

func isJSONWord(word []byte) bool {
	switch string(word) {
	case "true", "false", "null", "NaN", "Infinity", "-Infinity":
		return true
	}
	return false
}

func isJSONNumber(b []byte) bool {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if from := i; !digits() || b[from] == '0' && i > from+1 {
		return false
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(b)
}

// container reads a list or an object.
func container(b []byte, i, depth int) (end int, m marks, err error) {
	isObject, last := b[i] == '{', byte(']')
	if isObject {
		last = '}'
	}
	space := func() {
		from := i
		i = skipSpaceAt(b, i)
		for _, c := range b[from:i] {
			if c == '\n' || c == '\r' {
				m |= markLines
			}
		}
	}
	i++
	if space(); i < len(b) && b[i] == last {
		return i + 1, m, nil
	}
	for {
		var inner marks
		if i == len(b) {
			return 0, 0, errShort
		}
		if isObject {
			if i, inner, err = key(b, i); err != nil {
				return 0, 0, err
			}
			m |= inner
			space()
			if i, err = colon(b, i); err != nil {
				return 0, 0, err
			}
			if space(); i == len(b) {
				return 0, 0, errShort
			}
		}
		if i, inner, err = value(b, i, depth+1); err != nil {
			return 0, 0, err
		}
		m |= inner
		space()
		switch {
		case i == len(b):
			return 0, 0, errShort
		case b[i] == last:
			return i + 1, m, nil
		case b[i] != ',':
			return 0, 0, &syntaxError{i, sensitive.Errorf("a comma or %c is missing before %s", last, shownAt(b, i))}
		}
		i++
		space()
	}
}

// isPlain marks the ASCII bytes that need no escape in a string.
var isPlain [256]bool

func init() {
	for b := ' '; b < utf8.RuneSelf; b++ {
		isPlain[b] = b != '"' && b != '\\'
	}
}

// stringAt reads the string whose opening quote is at offset i.
func stringAt(b []byte, i int) (end int, m marks, err error) {
	from := i
	ascii := true
	for i++; ; {
		for i < len(b) && isPlain[b[i]] {
			i++
		}
		if i == len(b) {
			return 0, 0, errShort
		}
		switch c := b[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(b[from:i]) {
				m |= markNotUTF8
			}
			return i + 1, m, nil
		case c == '\\':
			n, of := escapeAt(b, i)
			if n == 0 {
				return 0, 0, errShort
			}
			i, m = i+n, m|of
		case c == '\n' || c == '\r':
			return 0, 0, &syntaxError{i, errors.New("a string is not closed on its line")}
		case c < ' ':
			m |= markInvalid
			i++
		default:
			ascii = false
			i++
		}
	}
}

// escapeAt returns the length of the escape at offset i, or 0 if more bytes are
// needed.
func escapeAt(b []byte, i int) (n int, m marks) {
	if i+2 > len(b) {
		return 0, 0
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, 0
	case 'u':
	default:
		return 1, markInvalid
	}
	c, ok := hexAt(b, i+2)
	if !ok {
		if i+6 > len(b) {
			return 0, 0
		}
		return 2, markInvalid
	}
	if !utf16.IsSurrogate(c) {
		return 6, 0
	}
	if i+12 > len(b) && (i+6 == len(b) || b[i+6] == '\\' && (i+7 == len(b) || b[i+7] == 'u')) {
		return 0, 0
	}
	if b[i+6] == '\\' && b[i+7] == 'u' {
		if low, ok := hexAt(b, i+8); ok && utf16.DecodeRune(c, low) != utf8.RuneError {
			return 12, 0
		}
	}
	return 6, markSurrogate
}

// hexAt parses four hexadecimal digits.
func hexAt(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// appendUnquoted appends the text of a string that was checked. An unpaired
// surrogate becomes U+FFFD.
func appendUnquoted(dst, quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	for i := 0; i < len(inner); {
		if inner[i] != '\\' {
			from := i
			for i < len(inner) && inner[i] != '\\' {
				i++
			}
			dst = append(dst, inner[from:i]...)
			continue
		}
		switch c := inner[i+1]; c {
		case 'u':
			r, _ := hexAt(inner, i+2)
			i += 6
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if i+6 <= len(inner) && inner[i] == '\\' && inner[i+1] == 'u' {
					low, _ := hexAt(inner, i+2)
					pair = utf16.DecodeRune(r, low)
				}
				if r = pair; r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}

// appendCompact appends a value without white space between tokens.
func appendCompact(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		switch c := value[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			n := stringEnd(value[i:])
			dst = append(dst, value[i:i+n]...)
			i += n
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
