package ai

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firesteel/firesteel/ai/internal/chunk"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// maxChunkSize is the largest chunk_size, in any unit.
const maxChunkSize = 1 << 20

// maxTokenBytes bounds the length of a chunk by its largest number of tokens. A
// tokenizer may read long unknown words, and spaces, as few tokens.
const maxTokenBytes = 32

// chunkUnits are the units of chunk_size with their default sizes.
var chunkUnits = []struct {
	name string
	size int
}{{"tokens", 256}, {"characters", 1000}, {"words", 200}}

var chunkBoundaries = []string{"sentences", "paragraphs"}

var chunks = define(&Function{
	Name: "ai_chunk",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "options", Type: Options, Optional: true, About: `options: chunk_size, the most tokens of a chunk (256); chunk_overlap, the most tokens of the end of a chunk that the next one repeats (0); ` +
			`unit, what both count: tokens, characters (chunk_size 1000) or words (200); split_by: sentences, or paragraphs to begin a chunk at each paragraph; as in MAP('chunk_size', '200', 'chunk_overlap', '40')`},
	},
	Returns: Array(Struct(Field{"index", Int}, Field{"text", String}, Field{"start", Int}, Field{"end", Int}, Field{"tokens", Int})),
	Summary: "divides a text into chunks for search, at the ends of sentences",
	Detail: "NULL and blank content give NULL. A chunk has as many whole sentences (Unicode Standard Annex 29; a line end ends a sentence) as fit. " +
		"A sentence that is larger than a chunk begins a new chunk and is divided at spaces. A piece that is still too large, such as text without spaces, is divided between words, and then between characters. " +
		"Nothing is lost: without an overlap, the concatenated texts of the chunks are the content. An overlap consists of whole sentences, or of words of a divided sentence, so it may be smaller than chunk_overlap, or empty. " +
		"The field index counts from 0. start is the place of the first character in the content, and end that after the last; both count from 1 as in substring, so text is substring(content, start, end - start). " +
		"The field tokens is the number of tokens of the text, or NULL if the unit is not tokens. " +
		"Tokens are those of the tokenizer of the session's embedder (see ai_embed), without those that the model adds to a text. A chunk has at most as many as the embedder reads, also if chunk_size is larger; try_ " +
		"then returns a remark. It has at most 32 bytes for each token of chunk_size. With characters or words no model is opened. A chunk is larger than chunk_size only if it is a single character. " +
		"The query fails if an option is unknown, if a size is not a number from 1 to 1048576, and if chunk_overlap is not less than chunk_size.",
	Example:  "SELECT ai_chunk('It is a test. It is good. The third sentence is longer.', MAP('chunk_size', '10')) AS chunks",
	Sample:   Row{"It is a test. It is good. The third sentence is longer.", map[string]string{"chunk_size": "10"}},
	Measured: "There is nothing to measure: the boundaries are those of Unicode, and the tokens those of the model. A text of 5 MB takes about 5 seconds with the tokens of MiniLM, and half a second with characters.",
	exact:    true,
	Weakness: "Sentences end at a full stop before a capital, also after an abbreviation such as 'Dr.'. Thai, Lao, Khmer and Burmese have no marks at the ends of sentences and words: a long text in them is divided at spaces and lines, and else between characters.",
	asks: func(row Row) []Ask {
		if o, err := readChunkOptions(row[1]); err == nil && o.unit != "tokens" {
			return nil
		}
		return asksEmbedder(row)
	},
}, func(row Row) (in chunkInput, ok bool, err error) {
	if in, err = readChunkOptions(row[1]); err != nil {
		return in, false, err
	}
	in.content, ok = text(row[0])
	return in, ok, nil
}, answerChunks)

type chunkInput struct {
	content       string
	unit          string
	size, overlap int
	sized         bool // the size is given
	paragraphs    bool
}

func readChunkOptions(v any) (in chunkInput, err error) {
	options, err := readOptions("options", v, "chunk_size", "chunk_overlap", "unit", "split_by")
	if err != nil {
		return in, err
	}
	in.unit, in.size = chunkUnits[0].name, chunkUnits[0].size
	if given, ok := options["unit"]; ok {
		names := make([]string, len(chunkUnits))
		for i, u := range chunkUnits {
			names[i] = u.name
		}
		i := slices.Index(names, strings.TrimSpace(given))
		if i < 0 {
			return in, badArgument("options", "unit is %s; it must be %s", sensitive.Text(given), strings.Join(names, ", "))
		}
		in.unit, in.size = chunkUnits[i].name, chunkUnits[i].size
	}
	if given, ok := options["split_by"]; ok {
		if !slices.Contains(chunkBoundaries, strings.TrimSpace(given)) {
			return in, badArgument("options", "split_by is %s; it must be %s", sensitive.Text(given), strings.Join(chunkBoundaries, ", "))
		}
		in.paragraphs = strings.TrimSpace(given) == "paragraphs"
	}
	if given, ok := options["chunk_size"]; ok {
		in.sized = true
		if in.size, err = chunkNumber("chunk_size", given, 1, maxChunkSize); err != nil {
			return in, err
		}
	}
	if given, ok := options["chunk_overlap"]; ok {
		if in.overlap, err = chunkNumber("chunk_overlap", given, 0, maxChunkSize); err != nil {
			return in, err
		}
		if in.overlap >= in.size {
			return in, badArgument("options", "chunk_overlap is %d; it must be less than chunk_size, which is %d", in.overlap, in.size)
		}
	}
	return in, nil
}

func chunkNumber(name, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < least || n > most {
		return 0, badArgument("options", "%s is %s; it must be a number from %d to %d", name, sensitive.Text(text), least, most)
	}
	return n, nil
}

func answerChunks(ctx context.Context, model Source, need []task[chunkInput]) error {
	var m llm.Model
	for _, a := range need {
		o := chunk.Options{Size: a.in.size, Overlap: a.in.overlap, Paragraphs: a.in.paragraphs}
		switch a.in.unit {
		case "characters":
			o.Count = utf8.RuneCountInString
		case "words":
			o.Count = chunk.Words
		default:
			if m == nil {
				var err error
				if m, err = open(ctx, model, llm.Embed, ""); err != nil {
					return err
				}
			}
			a.Note = a.in.limit(&o, m.Info())
			o.Count = m.CountTokens
		}
		split, err := chunk.Split(ctx, a.in.content, o)
		if err != nil {
			return err
		}
		a.Value = chunkRows(a.in.content, split, a.in.unit == "tokens")
	}
	return nil
}

// limit limits the size of chunks to what the embedder reads. It returns a remark if this
// is less than the size that is given.
func (in chunkInput) limit(o *chunk.Options, info llm.Info) (note string) {
	reads := info.TextTokens
	if reads == 0 {
		reads = info.Context
	}
	if reads > 0 && o.Size > reads {
		if in.sized {
			note = fmt.Sprintf("chunk_size is %d, but %s reads %d tokens of a text, so no chunk has more", o.Size, info.Name, reads)
		}
		o.Size = reads
		o.Overlap = min(o.Overlap, o.Size-1)
	}
	o.Bytes = maxTokenBytes * o.Size
	return note
}

// chunkRows returns the chunks of a text as rows of the result.
func chunkRows(content string, split []chunk.Chunk, tokens bool) []any {
	rows := make([]any, len(split))
	places := characterCounter{text: content}
	for i, c := range split {
		start := places.before(c.Start)
		piece := content[c.Start:c.End]
		var size any
		if tokens {
			size = int64(c.Size)
		}
		rows[i] = []any{int64(i), piece, int64(start + 1), int64(start + 1 + utf8.RuneCountInString(piece)), size}
	}
	return rows
}

// ChunkOptions are the options of ChunkWith. The zero value is that of Chunk.
type ChunkOptions struct {
	// Size is the most units of a chunk, and Overlap the most units of the end of a chunk
	// that the next one repeats. 0 stands for the default size, and for no overlap.
	Size, Overlap int
	// Unit is tokens, characters or words. Empty stands for tokens.
	Unit string
	// Paragraphs begins a chunk at each paragraph.
	Paragraphs bool
}

// Chunk divides each text at the ends of sentences into chunks of at most 256 tokens:
// ARRAY<STRUCT<index, text, start, end, tokens>>, or NULL for NULL and blank text.
func Chunk[C Expression[C]](content C) C { return content.Call(chunks.Name) }

// ChunkWith is Chunk with options.
func ChunkWith[C Expression[C]](content C, o ChunkOptions) C {
	options := map[string]string{}
	if o.Size != 0 {
		options["chunk_size"] = strconv.Itoa(o.Size)
	}
	if o.Overlap != 0 {
		options["chunk_overlap"] = strconv.Itoa(o.Overlap)
	}
	if o.Unit != "" {
		options["unit"] = o.Unit
	}
	if o.Paragraphs {
		options["split_by"] = "paragraphs"
	}
	return content.Call(chunks.Name, jsonText(options))
}
