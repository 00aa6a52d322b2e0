package ai

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/llm"
)

// measuredVectors holds for ai_embed and ai_similarity.
const measuredVectors = "Spearman's correlation of ai_similarity with the scores that people gave to the 1,500 pairs of English sentences of STS-B dev, in 8 bits: bge-small-en 0.889 (0.877 to 0.900), " +
	"mpnet-base 0.881 (0.867 to 0.894), minilm-l6 0.867 (0.852 to 0.881), SmolLM2-135M, a text model, 0.542 (0.505 to 0.577)."

var embedding = define(&Function{
	Name:    "ai_embed",
	Params:  []Param{{Name: "content", Type: String, About: "the text"}},
	Returns: FloatArray,
	Summary: "computes an embedding vector of a text",
	Detail: "NULL and blank content give NULL without a model call. The vector has length 1, so the dot product of two vectors is " +
		"their cosine similarity. Only the start of a text is read if it is longer than the model's context window. The query fails if the model computes no vectors.",
	Measured: measuredVectors,
	Weakness: "A model that was trained to generate text gives coarse vectors. Use an embedding model.",
	Example:  "SELECT ai_embed('It is a good test for Spark.') AS vector",
	Sample:   Row{"It is a good test for Spark."},
	asks:     asksEmbedder,
}, func(row Row) (string, bool, error) {
	content, ok := text(row[0])
	return content, ok, nil
}, withModel(llm.Embed, func(ctx context.Context, m llm.Model, need []task[string]) error {
	texts := make([]string, len(need))
	for i, a := range need {
		texts[i] = a.in
	}
	vectors, err := embedTexts(ctx, m, texts)
	if err != nil {
		return err
	}
	for i, v := range vectors {
		need[i].noteCut(v)
		if need[i].Err = v.Err; v.Err == nil {
			need[i].Value = v.Vector
		}
	}
	return nil
}))

var similarity = define(&Function{
	Name:    "ai_similarity",
	Params:  []Param{{Name: "a", Type: String, About: "a text"}, {Name: "b", Type: String, About: "another text"}},
	Returns: Float,
	Summary: "computes how similar two texts are in meaning, from -1 to 1",
	Detail: "NULL or blank text on either side gives NULL without a model call. The result is the cosine of the vectors of the two texts " +
		"(see ai_embed); 1 means the same. The scale depends on the model: compare only results of one model.",
	Measured: measuredVectors,
	Weakness: "With a model that was trained to generate text, most texts are similar. Use an embedding model.",
	Example:  "SELECT ai_similarity('Apache Spark', 'Apache Spark SQL') AS similarity",
	Sample:   Row{"Apache Spark", "Apache Spark SQL"},
	asks:     asksEmbedder,
}, func(row Row) (in [2]string, ok bool, err error) {
	a, haveA := text(row[0])
	b, haveB := text(row[1])
	return [2]string{a, b}, haveA && haveB, nil
}, withModel(llm.Embed, func(ctx context.Context, m llm.Model, need []task[[2]string]) error {
	// Embed each text once, because one side is often the same for all rows.
	at := map[string]int{}
	var texts []string
	for _, a := range need {
		for _, t := range a.in {
			if _, known := at[t]; !known {
				at[t] = len(texts)
				texts = append(texts, t)
			}
		}
	}
	vectors, err := embedTexts(ctx, m, texts)
	if err != nil {
		return err
	}
	for _, a := range need {
		x, y := vectors[at[a.in[0]]], vectors[at[a.in[1]]]
		a.noteCut(x)
		a.noteCut(y)
		switch {
		case x.Err != nil:
			a.Err = x.Err
		case y.Err != nil:
			a.Err = y.Err
		case len(x.Vector) != len(y.Vector):
			a.Err = fmt.Errorf("%w: its vectors have %d and %d numbers", llm.ErrModel, len(x.Vector), len(y.Vector))
		default:
			a.Value = cosine(x.Vector, y.Vector)
		}
	}
	return nil
}))

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

// embedTexts calls m.Embed and checks the number of results.
func embedTexts(ctx context.Context, m llm.Model, texts []string) ([]llm.Embedding, error) {
	requests := make([]llm.EmbedRequest, len(texts))
	for i, text := range texts {
		requests[i].Text = text
	}
	vectors, err := m.Embed(ctx, requests)
	if err == nil && len(vectors) != len(texts) {
		err = fmt.Errorf("%w: %s returned %d vectors for %d texts", llm.ErrModel, m.Info().Name, len(vectors), len(texts))
	}
	return vectors, err
}
