package ai

import (
	"context"
	"fmt"

	"github.com/firesteel/firesteel/llm"
)

var embedding = define(&Function{
	Name:    "ai_embed",
	Params:  []Param{{Name: "content", Type: String, About: "the text"}},
	Returns: FloatArray,
	Summary: "turns a text into a vector of meaning",
	Detail: "NULL and blank content give NULL without a model call. The vector has length 1, so that the dot product of two is " +
		"their cosine similarity. Of a text that is longer than the model can read its beginning is read. A model that makes no vectors fails the query.",
	Weakness: "A model that was made to generate text gives coarse vectors. Take one that was trained to embed.",
	Example:  "SELECT ai_embed('It is a good test for Spark.') AS vector",
	Sample:   Row{"It is a good test for Spark."},
}, func(row Row) (string, bool, error) {
	content, ok := text(row[0])
	return content, ok, nil
}, withEmbedder(func(ctx context.Context, m llm.Embedder, need []asked[string]) error {
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
	Summary: "says how alike two texts are in meaning, from -1 to 1",
	Detail: "NULL or blank text on either side gives NULL without a model call. It is the cosine of the two texts' vectors, those " +
		"of ai_embed; 1 means the same. What counts as alike depends on the model: compare numbers of one model only.",
	Weakness: "A model that was made to generate text finds most texts alike. Take one that was trained to embed.",
	Example:  "SELECT ai_similarity('Apache Spark', 'Apache Spark SQL') AS similarity",
	Sample:   Row{"Apache Spark", "Apache Spark SQL"},
}, func(row Row) (in [2]string, ok bool, err error) {
	a, haveA := text(row[0])
	b, haveB := text(row[1])
	return [2]string{a, b}, haveA && haveB, nil
}, withEmbedder(func(ctx context.Context, m llm.Embedder, need []asked[[2]string]) error {
	// Each text once: one side is often the same for all rows.
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

// cosine of two vectors of length 1, held to what rounding may leave.
func cosine(x, y []float32) float64 {
	dot := 0.0
	for i := range x {
		dot += float64(x[i]) * float64(y[i])
	}
	return max(-1, min(1, dot))
}

func (a asked[In]) noteCut(e llm.Embedding) {
	if e.Cut {
		a.Cut = true
		a.Note = fmt.Sprintf("the text is long: its first %d tokens were read", e.Tokens)
	}
}

func withEmbedder[In any](answer func(context.Context, llm.Embedder, []asked[In]) error) func(context.Context, Source, []asked[In]) error {
	return withModel(func(ctx context.Context, m llm.Model, need []asked[In]) error {
		e, ok := m.(llm.Embedder)
		if !ok {
			return fmt.Errorf("%w: %s makes no vectors; open the session with a model that does", llm.ErrModel, m.Info().Name)
		}
		return answer(ctx, e, need)
	})
}

// embedTexts is m.Embed, held to its contract.
func embedTexts(ctx context.Context, m llm.Embedder, texts []string) ([]llm.Embedding, error) {
	vectors, err := m.Embed(ctx, texts)
	if err == nil && len(vectors) != len(texts) {
		err = fmt.Errorf("%w: %s gave %d vectors for %d texts", llm.ErrModel, m.Info().Name, len(vectors), len(texts))
	}
	return vectors, err
}
