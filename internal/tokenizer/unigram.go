package tokenizer

import (
	"math"
	"unicode/utf8"
)

// unigram cuts a text into the pieces whose scores (logarithms of
// probabilities) have the largest sum. At equal sums the first piece found
// stands: the one that begins first.
type unigram struct {
	pieces *trie
	scores []float64 // by id
	// A character that is no piece is unknown, which costs more than the worst
	// piece. Unknown ones in a row are one token, or, with fallback, bytes.
	unknown      int32
	unknownScore float64
	fallback     *[256]int32
	// single has sums rounded to 32 bits, as SentencePiece has them: it decides
	// between ways that are equal otherwise.
	single bool
}

// unknownPenalty is what an unknown character scores below the worst piece.
const unknownPenalty = 10

func (u *unigram) sum(a, b float64) float64 {
	if u.single {
		return float64(float32(a + b))
	}
	return a + b
}

// step is the best way to an offset of the text.
type step struct {
	score float64
	start int32 // offset where the last piece of the way begins
	id    int32 // that piece
}

func (u *unigram) forget(ids map[int32]bool) {
	for node, id := range u.pieces.ids {
		if ids[id] {
			u.pieces.ids[node] = none
		}
	}
}

func (u *unigram) append(ids []int32, text string, s *scratch) []int32 {
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
		alone := false // the character is a piece
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
			alone = alone || end+1 == at+size
		}
		if !alone {
			to := &steps[at+size]
			if score := u.sum(here, u.unknownScore); to.start < 0 || score > to.score {
				*to = step{score, int32(at), none}
			}
		}
		at += size
	}

	// The way back, noting at each offset on it where its piece ends: a number
	// that the place for the score holds exactly.
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
			ids = append(ids, id)
		case u.fallback != nil:
			for _, b := range []byte(text[at:end]) {
				ids = append(ids, u.fallback[b])
			}
		case !wasUnknown:
			ids = append(ids, u.unknown)
		}
		wasUnknown = id == none
		at = end
	}
	return ids
}
