package files

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// What is here reads JSON that json.Valid has accepted.

// jsonSpace are the bytes that may stand between JSON's tokens.
const jsonSpace = " \t\r\n"

func skipSpace(b []byte) []byte { return bytes.TrimLeft(b, jsonSpace) }

// takeValue splits b, which begins with a value, after it.
func takeValue(b []byte) (value, rest []byte) {
	switch b[0] {
	case '"':
		n := stringEnd(b)
		return b[:n], b[n:]
	case '{', '[':
		depth := 0
		for i := 0; i < len(b); i++ {
			switch b[i] {
			case '"':
				i += stringEnd(b[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return b[:i+1], b[i+1:]
				}
			}
		}
		return b, nil
	}
	if n := bytes.IndexAny(b, ",]}"+jsonSpace); n >= 0 {
		return b[:n], b[n:]
	}
	return b, nil
}

// stringEnd is the length of the string that b begins with.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// members calls each with the members of an object.
func members(object []byte, each func(name string, value []byte) error) error {
	b := skipSpace(object[1:])
	for b[0] != '}' {
		key, rest := takeValue(b)
		b = skipSpace(skipSpace(rest)[1:]) // the colon
		value, rest := takeValue(b)
		if err := each(unquote(key), value); err != nil {
			return err
		}
		if b = skipSpace(rest); b[0] == ',' {
			b = skipSpace(b[1:])
		}
	}
	return nil
}

// elements calls each with the elements of an array.
func elements(list []byte, each func(value []byte) error) error {
	b := skipSpace(list[1:])
	for b[0] != ']' {
		value, rest := takeValue(b)
		if err := each(value); err != nil {
			return err
		}
		if b = skipSpace(rest); b[0] == ',' {
			b = skipSpace(b[1:])
		}
	}
	return nil
}

// unquote gives the text that a JSON string means.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var text string
	json.Unmarshal(quoted, &text) // valid
	return text
}

// exactFloat tells whether a number of JSON is a DOUBLE without losing digits.
func exactFloat(number []byte) bool {
	v, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return false
	}
	if len(number) <= 15 && bytes.IndexAny(number, "eE") < 0 {
		return true
	}
	d1, e1 := digitsOf(string(number))
	d2, e2 := digitsOf(strconv.FormatFloat(v, 'e', -1, 64))
	return d1 == d2 && e1 == e2
}

// digitsOf gives a number as digits without zeros at their ends, and the power
// of ten of the last; the sign is left out, but "-0" is not "0".
func digitsOf(number string) (digits string, exponent int) {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	exponent, _ = strconv.Atoi(power) // 0 without one
	sign := ""
	if rest, ok := strings.CutPrefix(mantissa, "-"); ok {
		sign, mantissa = "-", rest
	}
	whole, part, _ := strings.Cut(mantissa, ".")
	exponent -= len(part)
	digits = strings.TrimLeft(whole+part, "0")
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	if short == "" {
		exponent = 0
	}
	return sign + short, exponent
}
