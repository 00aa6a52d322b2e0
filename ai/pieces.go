package ai

import (
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/llm"
)

// defaultContext is the context window of a model that does not report one.
const defaultContext = 2048

// contextOf returns the context window of the model in tokens.
func contextOf(m llm.Model) int {
	if n := m.Info().Context; n > 0 {
		return n
	}
	return defaultContext
}

// piece is a part of a long text. The concatenation of all pieces, with the space
// around them, is the text.
type piece struct{ before, text, after string }

// cutPieces divides a text into pieces of at most limit tokens, at the ends of
// paragraphs, sentences or words if possible.
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

// bytesPerToken is more than the average size of a token. The end of a piece is
// searched in so many bytes per token, so that a long text is not tokenized again
// for each piece.
const bytesPerToken = 16

// pieceEnd returns the end of the first piece of a text.
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
	// The first token exceeds the limit: take one character.
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
