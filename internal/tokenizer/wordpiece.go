package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// wordPiece divides a word into the longest pieces from left to right. A word that cannot be
// divided, or that has more than maxChars characters, is unknown as a whole.
type wordPiece struct {
	pieces *trie
	// rest is the node of pieces after which the pieces follow that continue a word, or -1.
	rest     int
	unknown  int32
	maxChars int
}

// newWordPiece returns the model with the given tokens by id, without empty ones. Those that
// continue a word have a prefix.
func newWordPiece(tokens []string, prefix string, unknown int32, maxChars int) (*wordPiece, error) {
	m := &wordPiece{pieces: newTrie(), unknown: unknown, maxChars: maxChars}
	for id, s := range tokens {
		if len(s) > maxPiece {
			return nil, fmt.Errorf("token %d has %d bytes; the limit is %d", id, len(s), maxPiece)
		}
		if node := m.pieces.find(s); s == "" || node > 0 && m.pieces.ids[node] != none {
			continue // the first of equal tokens counts
		}
		if err := m.pieces.add(s, int32(id)); err != nil {
			return nil, err
		}
	}
	m.rest = m.pieces.find(prefix)
	return m, nil
}

func (m *wordPiece) exclude(ids map[int32]bool) { m.pieces.exclude(ids) }

func (m *wordPiece) append(pieces []piece, word string, _ *scratch) []piece {
	if len(word) > m.maxChars && utf8.RuneCountInString(word) > m.maxChars {
		return append(pieces, piece{m.unknown, 0, len(word)})
	}
	n := len(pieces)
	root := 0
	for at := 0; at < len(word); {
		found := piece{id: none}
		if root >= 0 {
			node := uint32(root)
			for i := at; i < len(word); i++ {
				if node = m.pieces.step(node, word[i]); node == 0 {
					break
				}
				if id := m.pieces.ids[node]; id != none {
					found = piece{id, at, i + 1}
				}
			}
		}
		if found.id == none {
			return append(pieces[:n], piece{m.unknown, 0, len(word)})
		}
		pieces = append(pieces, found)
		at, root = found.end, m.rest
	}
	return pieces
}
