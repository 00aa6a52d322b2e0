package ai

import "unicode/utf8"

// characterCounter converts places of a text from bytes to characters (Unicode code
// points). Each call counts only the characters after the place of the call before.
type characterCounter struct {
	text              string
	bytes, characters int // of the place of the last call
}

// before returns the number of characters before a byte. Places must not decrease
// from call to call.
func (c *characterCounter) before(at int) int {
	c.characters += utf8.RuneCountInString(c.text[c.bytes:at])
	c.bytes = at
	return c.characters
}
