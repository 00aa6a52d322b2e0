package tokenizer

import (
	"math"
	"unicode/utf8"
)

// unigram divides a text into the pieces with the largest sum of scores, which are logarithms of
// probabilities. Of equal sums it takes the one that was found first, whose last piece begins
// first.
type unigram struct {
	pieces *trie
	scores []float64 // by id
	// unknown replaces a character that is not a piece. Its score is lower than that of any piece.
	// A run of unknown characters is one token, or bytes if fallback is set.
	unknown      int32
	unknownScore float64
	fallback     *[256]int32
	// float32Sums rounds sums to float32, as SentencePiece does. This decides between divisions
	// with otherwise equal sums.
	float32Sums bool
}

// unknownPenalty is the difference between the lowest score of a piece and the score of an unknown
// character.
const unknownPenalty = 10

func (u *unigram) sum(a, b float64) float64 {
	if u.float32Sums {
		return float64(float32(a + b))
	}
	return a + b
}

// step is the best division of the text up to an offset.
type step struct {
	score float64
	start int32 // offset of the last piece
	id    int32 // of the last piece
}

func (u *unigram) exclude(ids map[int32]bool) { u.pieces.exclude(ids) }

func (u *unigram) append(pieces []piece, text string, s *scratch) []piece {
	steps := s.stepsFor(len(text) + 1)
	for i := range steps {
		steps[i] = step{math.Inf(-1), -1, none}
	}
	steps[0].score = 0
	for at := 0; at < len(text); {
		size := 1
		if text[at] >= utf8.RuneSelf {
			_, size = utf8.DecodeRuneInString(text[at:])
		}
		here := steps[at].score
		isPiece := false // the character is a piece
		node := uint32(0)
		for end := at; end < len(text); end++ {
			if node = u.pieces.step(node, text[end]); node == 0 {
				break
			}
			id := u.pieces.ids[node]
			if id == none {
				continue
			}
			to := &steps[end+1]
			if score := u.sum(here, u.scores[id]); to.start < 0 || score > to.score {
				*to = step{score, int32(at), id}
			}
			isPiece = isPiece || end+1 == at+size
		}
		if !isPiece {
			to := &steps[at+size]
			if score := u.sum(here, u.unknownScore); to.start < 0 || score > to.score {
				*to = step{score, int32(at), none}
			}
		}
		at += size
	}

	// Go back through the best division. The score at the beginning of each piece is replaced by
	// the end of the piece, which a float64 represents exactly.
	for at := len(text); at > 0; {
		start := int(steps[at].start)
		steps[start].score = float64(at)
		at = start
	}
	wasUnknown := false
	for at := 0; at < len(text); {
		end := int(steps[at].score)
		id := steps[end].id
		switch {
		case id != none:
			pieces = append(pieces, piece{id, at, end})
		case u.fallback != nil:
			for _, b := range []byte(text[at:end]) {
				pieces = append(pieces, piece{u.fallback[b], at, end})
			}
		case !wasUnknown:
			pieces = append(pieces, piece{u.unknown, at, end})
		default:
			pieces[len(pieces)-1].end = end
		}
		wasUnknown = id == none
		at = end
	}
	return pieces
}
