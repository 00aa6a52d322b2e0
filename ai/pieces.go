package ai

import (
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// defaultContext is what a model is taken to read that does not say.
const defaultContext = 2048

// contextOf is the model's context window, in tokens.
func contextOf(m llm.Model) int {
	if n := m.Info().Context; n > 0 {
		return n
	}
	return defaultContext
}

// piece is a part of a long text. The pieces of a text, each with the space
// around it, are the text.
type piece struct{ before, text, after string }

// cutPieces cuts a text into pieces of at most limit tokens, at the ends of
// paragraphs, sentences or words where there are some.
func cutPieces(m llm.Model, text string, limit int) []piece {
	var pieces []piece
	for rest := text; rest != ""; {
		trimmed := strings.TrimLeft(rest, " \t\r\n")
		before := rest[:len(rest)-len(trimmed)]
		if trimmed == "" {
			if len(pieces) == 0 {
				return []piece{{before: before}}
			}
			pieces[len(pieces)-1].after += before
			break
		}
		n := pieceEnd(m, trimmed, limit)
		core := strings.TrimRight(trimmed[:n], " \t\r\n")
		pieces = append(pieces, piece{before, core, trimmed[len(core):n]})
		rest = trimmed[n:]
	}
	return pieces
}

// bytesPerToken is more than tokens have on average: of no more bytes than
// these, a text's beginning is looked for, so that a long text is not
// tokenised again for each piece.
const bytesPerToken = 16

// pieceEnd says where the first piece of a text ends.
func pieceEnd(m llm.Model, text string, limit int) int {
	head := text
	if most := limit * bytesPerToken; len(head) > most {
		for most > 0 && !utf8.RuneStart(text[most]) {
			most--
		}
		head = text[:most]
	}
	cut, _ := m.Cut(head, limit)
	if len(cut) == len(text) {
		return len(text)
	}
	// A token that is longer than a piece may be: at least one character.
	if cut == "" {
		_, n := utf8.DecodeRuneInString(text)
		return n
	}
	for _, end := range []string{"\n\n", "\n", ". ", "! ", "? ", "。", "؟ ", " "} {
		if at := strings.LastIndex(cut, end); at >= len(cut)/2 {
			return at + len(end)
		}
	}
	return len(cut)
}
