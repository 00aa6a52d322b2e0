package files

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/transform"
)

// checkEncoding returns an error for an unknown name of an encoding.
func checkEncoding(name string) error {
	if name == "" || utf16Order(name) != unknownOrder || isUTF8(name) {
		return nil
	}
	_, err := encodingOf(name)
	return err
}

func plainName(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

func isUTF8(name string) bool { return plainName(name) == "utf8" || plainName(name) == "utf8sig" }

// byteOrder is the byte order of UTF-16.
type byteOrder int

const (
	unknownOrder byteOrder = iota
	markedOrder            // set by the byte order mark; little-endian without one
	littleEndian
	bigEndian
)

func utf16Order(name string) byteOrder {
	return map[string]byteOrder{"utf16": markedOrder, "utf16le": littleEndian, "utf16be": bigEndian}[plainName(name)]
}

func encodingOf(name string) (encoding.Encoding, error) {
	plain := plainName(name)
	if number, ok := strings.CutPrefix(plain, "cp125"); ok {
		plain = "windows125" + number
	}
	if number, ok := strings.CutPrefix(plain, "windows125"); ok {
		name = "windows-125" + number
	}
	e, err := ianaindex.IANA.Encoding(name)
	if err != nil || e == nil {
		return nil, fmt.Errorf("unknown encoding %q; write utf-8, utf-16, utf-16le, utf-16be, latin1, windows-1252 or another IANA name", name)
	}
	return e, nil
}

// undefined replaces, in decoded text, bytes that the encoding does not define
// and unpaired surrogates. It is invalid in UTF-8, so that the cell is rejected.
const undefined = 0xff

// decoded returns a reader of the text in UTF-8 without its byte order mark.
// Without a name, the text is UTF-8, or UTF-16 if its first bytes show it. The
// second result is the name of the encoding for reading the text again.
func decoded(r io.Reader, name string) (io.Reader, string, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(4)
	if len(head) < 4 && err != nil && err != io.EOF {
		return nil, "", err
	}
	if name == "" {
		name = detectEncoding(head)
	}
	if isUTF8(name) {
		if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
			buffered.Discard(3)
		}
		return buffered, "UTF-8", nil
	}
	if order := utf16Order(name); order != unknownOrder {
		little, big := bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff"))
		if big && order == markedOrder {
			order = bigEndian
		}
		if little && order != bigEndian || big && order == bigEndian {
			buffered.Discard(2)
		}
		if order == bigEndian {
			return &converter{r: buffered, convert: fromUTF16(binary.BigEndian)}, "UTF-16BE", nil
		}
		return &converter{r: buffered, convert: fromUTF16(binary.LittleEndian)}, "UTF-16LE", nil
	}
	e, err := encodingOf(name)
	if err != nil {
		return nil, "", err
	}
	if m, ok := e.(*charmap.Charmap); ok {
		return &converter{r: buffered, convert: fromCharmap(m)}, name, nil
	}
	return &converter{r: transform.NewReader(buffered, e.NewDecoder()), convert: markReplaced}, name, nil
}

// detectEncoding returns the encoding of a text by its first bytes: UTF-16 if
// there is a byte order mark or every second byte is zero, and otherwise UTF-8.
func detectEncoding(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16"
	case len(head) < 4:
		return "utf-8"
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return "utf-16le"
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return "utf-16be"
	}
	return "utf-8"
}

// converter converts text in another encoding to UTF-8.
type converter struct {
	r    io.Reader
	in   []byte // bytes not yet converted
	out  []byte
	rest []byte // part of out not yet read
	err  error
	// convert appends the text of src to dst and returns the number of bytes that
	// it took. Unless end is true it may leave an incomplete character, which it
	// then receives again with the bytes after it.
	convert func(dst, src []byte, end bool) (converted []byte, taken int)
}

func (c *converter) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		left := len(c.in)
		c.in = slices.Grow(c.in, 32<<10)
		n, err := c.r.Read(c.in[left:cap(c.in)])
		c.err = err
		var taken int
		c.out, taken = c.convert(c.out[:0], c.in[:left+n], err != nil)
		c.rest = c.out
		c.in = append(c.in[:0], c.in[taken:left+n]...)
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// fromUTF16 converts UTF-16.
func fromUTF16(order binary.ByteOrder) func(dst, src []byte, end bool) ([]byte, int) {
	return func(dst, src []byte, end bool) ([]byte, int) {
		i := 0
		for ; i+2 <= len(src); i += 2 {
			c := rune(order.Uint16(src[i:]))
			if !utf16.IsSurrogate(c) {
				dst = utf8.AppendRune(dst, c)
				continue
			}
			if i+4 > len(src) && !end {
				return dst, i
			}
			if i+4 <= len(src) {
				if pair := utf16.DecodeRune(c, rune(order.Uint16(src[i+2:]))); pair != utf8.RuneError {
					dst = utf8.AppendRune(dst, pair)
					i += 2
					continue
				}
			}
			dst = append(dst, undefined)
		}
		if i < len(src) && end {
			dst, i = append(dst, undefined), len(src)
		}
		return dst, i
	}
}

// fromCharmap converts text in a single-byte encoding.
func fromCharmap(m *charmap.Charmap) func(dst, src []byte, end bool) ([]byte, int) {
	var table [256][]byte
	for b := range table {
		table[b] = []byte{undefined}
		if char := m.DecodeByte(byte(b)); char != utf8.RuneError {
			table[b] = utf8.AppendRune(nil, char)
		}
	}
	return func(dst, src []byte, _ bool) ([]byte, int) {
		for _, b := range src {
			dst = append(dst, table[b]...)
		}
		return dst, len(src)
	}
}

// markReplaced replaces U+FFFD, which a decoder wrote for undefined bytes, by
// undefined.
func markReplaced(dst, src []byte, end bool) ([]byte, int) {
	whole := len(src)
	for back := 1; !end && back <= min(utf8.UTFMax, len(src)); back++ {
		if last := src[len(src)-back:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				whole -= back
			}
			break
		}
	}
	return append(dst, bytes.ReplaceAll(src[:whole], []byte("\ufffd"), []byte{undefined})...), whole
}
