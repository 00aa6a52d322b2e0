package ai

import (
	"context"
	"fmt"
	"strconv"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/llm"
)

// measuredVectors holds for ai_embed and ai_similarity.
const measuredVectors = "Spearman's correlation of ai_similarity with the scores that people gave to the 1,500 pairs of English sentences of STS-B dev, in 8 bits: bge-small-en 0.889 (0.877 to 0.900), " +
	"mpnet-base 0.881 (0.867 to 0.894), minilm-l6 0.867 (0.852 to 0.881), SmolLM2-135M, a text model, 0.542 (0.505 to 0.577)."

const vectorErrors = "The query fails if the model computes no vectors, if an option is unknown, and if dimensions is more than the vectors have. "

const aboutPrompts = "A prompt is a text that the model's files put before queries or documents (see the model's card); a model without a prompt of that " +
	"name adds none. dimensions keeps the first numbers of a vector, for models that were trained for it."

var embedding = define(&Function{
	Name: "ai_embed",
	Params: []Param{
		{Name: "content", Type: String, About: "the text"},
		{Name: "options", Type: Options, Optional: true, About: "MAP('prompt', 'query' or 'document', 'dimensions', '256')"},
	},
	Returns: FloatArray,
	Summary: "computes an embedding vector of a text",
	Detail: "NULL and blank content give NULL without a model call. The vector has length 1, so the dot product of two vectors is " +
		"their cosine similarity. Only the start of a text is read if it is longer than the model's context window. " + vectorErrors + aboutPrompts,
	Measured: measuredVectors,
	Weakness: "A model that was trained to generate text gives coarse vectors. Use an embedding model.",
	Example:  "SELECT ai_embed('It is a good test for Spark.') AS vector",
	Sample:   Row{"It is a good test for Spark."},
	asks:     asksEmbedder,
}, func(row Row) (in vectorInput, ok bool, err error) {
	content, ok := text(row[0])
	options, err := readOptions("options", row[1], "prompt", "dimensions")
	if err == nil {
		in.dimensions, err = readDimensions(options)
	}
	in.texts = []llm.EmbedRequest{{Text: content, Prompt: options["prompt"]}}
	return in, ok, err
}, answerVectors(func(vectors [][]float32) any { return vectors[0] }))

var similarity = define(&Function{
	Name: "ai_similarity",
	Params: []Param{
		{Name: "a", Type: String, About: "a text"}, {Name: "b", Type: String, About: "another text"},
		{Name: "options", Type: Options, Optional: true, About: "MAP('prompt_a', 'query', 'prompt_b', 'document', 'dimensions', '256')"},
	},
	Returns: Float,
	Summary: "computes how similar two texts are in meaning, from -1 to 1",
	Detail: "NULL or blank text on either side gives NULL without a model call. The result is the cosine of the vectors of the two texts " +
		"(see ai_embed); 1 means the same. The scale depends on the model: compare only results of one model. " + vectorErrors + aboutPrompts,
	Measured: measuredVectors,
	Weakness: "With a model that was trained to generate text, most texts are similar. Use an embedding model.",
	Example:  "SELECT ai_similarity('Apache Spark', 'Apache Spark SQL') AS similarity",
	Sample:   Row{"Apache Spark", "Apache Spark SQL"},
	asks:     asksEmbedder,
}, func(row Row) (in vectorInput, ok bool, err error) {
	a, haveA := text(row[0])
	b, haveB := text(row[1])
	options, err := readOptions("options", row[2], "prompt_a", "prompt_b", "dimensions")
	if err == nil {
		in.dimensions, err = readDimensions(options)
	}
	in.texts = []llm.EmbedRequest{{Text: a, Prompt: options["prompt_a"]}, {Text: b, Prompt: options["prompt_b"]}}
	return in, haveA && haveB, err
}, answerVectors(func(vectors [][]float32) any { return cosine(vectors[0], vectors[1]) }))

// vectorInput are the texts of a row whose vectors are asked.
type vectorInput struct {
	texts      []llm.EmbedRequest
	dimensions int // of the vectors; 0 for all
}

// readDimensions reads the option dimensions.
func readDimensions(options map[string]string) (int, error) {
	given, ok := options["dimensions"]
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 {
		return 0, badArgument("options", "dimensions is %s; it must be a number from 1", sensitive.Text(given))
	}
	return n, nil
}

// answerVectors computes the answers of rows from the vectors of their texts, of
// length 1.
func answerVectors(answer func(vectors [][]float32) any) func(context.Context, Source, []task[vectorInput]) error {
	return withModel(llm.Embed, func(ctx context.Context, m llm.Model, need []task[vectorInput]) error {
		var requests []llm.EmbedRequest
		for _, a := range need {
			requests = append(requests, a.in.texts...)
		}
		embeddings, err := embedDistinct(ctx, m, requests)
		if err != nil {
			return err
		}
		for _, a := range need {
			vectors := make([][]float32, len(a.in.texts))
			for i, r := range a.in.texts {
				e := embeddings[r]
				a.noteCut(e)
				switch {
				case a.Err != nil:
				case e.Err != nil:
					a.Err = e.Err
				case i > 0 && len(e.Vector) != len(embeddings[a.in.texts[0]].Vector):
					a.Err = fmt.Errorf("%w: its vectors have %d and %d numbers", llm.ErrModel, len(embeddings[a.in.texts[0]].Vector), len(e.Vector))
				case a.in.dimensions > len(e.Vector):
					a.fatal = true // for all rows
					a.Err = badArgument("options", "dimensions is %d, but the vectors of %s have %d numbers", a.in.dimensions, m.Info().Name, len(e.Vector))
				default:
					vectors[i] = firstNumbers(e.Vector, a.in.dimensions)
				}
			}
			if a.Err == nil {
				a.Value = answer(vectors)
			}
		}
		return nil
	})
}

// firstNumbers returns the first n numbers of a vector at length 1; 0 stands for all.
func firstNumbers(v []float32, n int) []float32 {
	if n == 0 || n == len(v) {
		return v
	}
	return unit(v[:n])
}

func asksEmbedder(Row) []Ask { return []Ask{{Role: llm.Embed}} }

// cosine returns the cosine of two vectors of length 1, limited to -1 to 1.
func cosine(x, y []float32) float64 {
	dot := 0.0
	for i := range x {
		dot += float64(x[i]) * float64(y[i])
	}
	return max(-1, min(1, dot))
}

// noteCut records that the embedding is of a cut text.
func (a task[In]) noteCut(e llm.Embedding) {
	if e.Cut {
		a.Cut = true
		a.Note = fmt.Sprintf("the text is long: its first %d tokens were read", e.Tokens)
	}
}

// embedDistinct returns the embedding of each request. Equal requests, such as one of
// two texts that is the same in all rows, are embedded once.
func embedDistinct(ctx context.Context, m llm.Model, requests []llm.EmbedRequest) (map[llm.EmbedRequest]llm.Embedding, error) {
	embeddings := make(map[llm.EmbedRequest]llm.Embedding, len(requests))
	var distinct []llm.EmbedRequest
	for _, r := range requests {
		if _, known := embeddings[r]; !known {
			embeddings[r] = llm.Embedding{}
			distinct = append(distinct, r)
		}
	}
	results, err := m.Embed(ctx, distinct)
	if err != nil {
		return nil, err
	}
	if len(results) != len(distinct) {
		return nil, fmt.Errorf("%w: %s returned %d vectors for %d texts", llm.ErrModel, m.Info().Name, len(results), len(distinct))
	}
	for i, r := range distinct {
		embeddings[r] = results[i]
	}
	return embeddings, nil
}
