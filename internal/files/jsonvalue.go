package files

import "bytes"

// The functions of this file read JSON that a scanner has accepted.

// jsonSpace are the white space bytes of JSON.
const jsonSpace = " \t\r\n"

func skipSpace(b []byte) []byte { return bytes.TrimLeft(b, jsonSpace) }

// takeValue splits b after the value at its beginning.
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

// stringEnd returns the length of the string at the beginning of b.
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
		if err := each(string(appendUnquoted(nil, key)), value); err != nil {
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
