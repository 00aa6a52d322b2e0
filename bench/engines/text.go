package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/internal/weights/gguf"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

const (
	promptLength = 512 // tokens
	newLength    = 64
)

// examples precede each review in the labelling job.
const examples = `Label the sentiment of each review as positive or negative.

Review: I love it, it works perfectly.
Sentiment: positive

Review: It broke after two days and support was useless.
Sentiment: negative

Review: Great value, and the sound is clear.
Sentiment: positive

Review: Do not buy this, it does not even charge.
Sentiment: negative

`

// measureText compares text models in GGUF files.
func measureText(ctx context.Context, s settings) error {
	reviews, err := s.reviews()
	if err != nil {
		return err
	}
	reference, err := models.Parse(s.model)
	if err != nil {
		return err
	}
	model, err := models.Resolve(ctx, reference, models.Options{Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		return err
	}
	file, err := gguf.Open(model.Path())
	if err != nil {
		return err
	}
	tokens, err := tokenizer.ReadGGUF(file)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}

	prompts := job{Name: fmt.Sprintf("%d prompts of %d tokens", slots, promptLength), Unit: promptTokens}
	for i := range slots {
		// Begin with different reviews, so that prompts share no prefix.
		text, _ := tokens.Cut(strings.Join(reviews[i*len(reviews)/slots:], " "), promptLength)
		prompts.Requests = append(prompts.Requests, request{Text: text, Max: 1})
	}
	single := job{Name: fmt.Sprintf("1 answer of %d tokens", newLength), Unit: newTokens}
	several := job{Name: fmt.Sprintf("%d answers of %d tokens at once", slots, newLength), Unit: newTokens}
	for i := range slots {
		several.Requests = append(several.Requests, request{Text: reviews[i], Max: newLength})
	}
	single.Requests = several.Requests[:1]
	labels := job{Name: fmt.Sprintf("labels after %d tokens of examples", tokens.Count(examples)), Unit: rows}
	for _, review := range reviews[:s.rows] {
		labels.Requests = append(labels.Requests, request{
			Prefix: examples, Text: "Review: " + review + "\nSentiment:", Labels: []string{" positive", " negative"},
		})
	}
	fmt.Println(filepath.Base(model.Path()))
	return contest(ctx, s, []job{prompts, single, several, labels}, []func(context.Context) (*contestant, error){
		s.firesteel("firesteel, int8", model.Path(), llm.Int8),
		s.firesteel("firesteel, file", model.Path(), llm.File),
		s.firesteelSet("firesteel, int8, AVX2", model.Path(), llm.Int8, "avx2"),
		s.firesteelSet("firesteel, file, AVX2", model.Path(), llm.File, "avx2"),
		s.llama("llama.cpp", model.Path()),
	}, [][2]string{
		{"firesteel, int8", "llama.cpp"}, {"firesteel, file", "llama.cpp"}, {"firesteel, file", "firesteel, int8"},
		{"firesteel, int8", "firesteel, int8, AVX2"}, {"firesteel, file", "firesteel, file, AVX2"}, {"firesteel, file, AVX2", "firesteel, int8, AVX2"},
	})
}
