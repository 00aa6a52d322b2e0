// Package chunk divides texts at the boundaries of paragraphs, sentences and words
// (Unicode Standard Annex 29) into chunks of a limited size.
package chunk

import (
	"context"
	"math"
)

// Options says how to divide a text.
type Options struct {
	// Size is the largest size of a chunk, and Overlap the largest size of the end of a
	// chunk that the next one repeats. Overlap is less than Size.
	Size, Overlap int
	// Bytes is the largest length of a chunk. It bounds a text that Count measures as
	// small, such as a long word that a tokenizer does not know. 0 is no bound.
	Bytes int
	// Paragraphs begins a chunk at each paragraph.
	Paragraphs bool
	// Count measures the size of a text. The size of a text may differ a little from the
	// sum of the sizes of its parts.
	Count func(text string) int
}

// Chunk is text[Start:End], in bytes, and its size.
type Chunk struct{ Start, End, Size int }

// Split divides a text. Each chunk begins where the one before it ends, or earlier if
// there is an overlap, so nothing of the text is lost. A chunk is larger than
// Options.Size only if it is one character. Its error is that of ctx.
//
// Chunks end at the ends of sentences. A sentence that is too large begins a chunk, and
// is divided at spaces, words, grapheme clusters or characters, the first of these that
// gives parts that are small enough.
func Split(ctx context.Context, text string, o Options) ([]Chunk, error) {
	if o.Bytes == 0 {
		o.Bytes = math.MaxInt
	}
	s := splitter{Options: o, text: text}
	if err := s.divide(ctx); err != nil {
		return nil, err
	}
	var chunks []Chunk
	for at := 0; at < len(s.pieces); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		first := at
		if n := len(chunks); n > 0 {
			first = s.overlap(chunks[n-1].Start, at)
		}
		end, size := s.fill(first, at)
		chunks = append(chunks, Chunk{s.pieces[first].start, s.pieces[end-1].end, size})
		at = end
	}
	return chunks, nil
}

type splitter struct {
	Options
	text   string
	pieces []piece
}

// piece is a part of the text that is not divided, unless it is larger than a chunk.
type piece struct {
	start, end, size int
	// begins means that the piece begins a chunk, and paragraph that it does so without
	// an overlap.
	begins, paragraph bool
}

// part is the text from one piece to before another.
func (s *splitter) part(from, to int) string {
	return s.text[s.pieces[from].start:s.pieces[to-1].end]
}

// measure returns the size of a text, and whether it is small enough for a chunk.
func (s *splitter) measure(text string) (int, bool) {
	if len(text) > s.Bytes {
		return 0, false
	}
	n := s.Count(text)
	return n, n <= s.Size
}

// overlap returns the first piece of a chunk after one that begins at start and ends
// before the piece at.
func (s *splitter) overlap(start, at int) int {
	if s.Overlap == 0 || s.pieces[at].paragraph {
		return at
	}
	// Text that counts as nothing, such as spaces, is bounded by its length.
	bytes := s.Bytes / s.Size * s.Overlap
	first, sum := at, 0
	for first > 0 && s.pieces[first-1].start > start && !s.pieces[first].paragraph && sum+s.pieces[first-1].size <= s.Overlap &&
		s.pieces[at].start-s.pieces[first-1].start <= bytes {
		first--
		sum += s.pieces[first].size
	}
	for first < at && s.Count(s.part(first, at)) > s.Overlap {
		first++
	}
	for first < at {
		if _, ok := s.measure(s.part(first, at+1)); ok {
			break
		}
		first++
	}
	return first
}

// fill returns the end of the largest chunk that begins with the piece first and has
// the piece at, and its size.
func (s *splitter) fill(first, at int) (end, size int) {
	end = at + 1
	if size = s.pieces[at].size; first < at {
		size = s.Count(s.part(first, end))
	}
	for {
		// Take as many pieces as fit by the sum of their sizes, and at least one, and
		// then measure them together.
		to, sum := end, size
		for to < len(s.pieces) && !s.pieces[to].begins && (to == end || sum+s.pieces[to].size <= s.Size) && s.pieces[to].end-s.pieces[first].start <= s.Bytes {
			sum += s.pieces[to].size
			to++
		}
		n, ok := 0, false
		for ; to > end; to-- {
			if n, ok = s.measure(s.part(first, to)); ok {
				break
			}
		}
		if to == end {
			return end, size
		}
		end, size = to, n
	}
}
