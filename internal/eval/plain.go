package eval

import (
	"fmt"
	"strings"
)

// Content is the blank of a plain prompt that the row's input fills.
const Content = "{content}"

// plain asks for what a function does as a person would who knows nothing of
// how this model wants to be asked: no examples, no constraint, no scoring.
// {name} is an argument's value; {labels}, where the function has no such
// argument, those that the data has, which makes it easier.
var plain = map[string]string{
	"ai_analyze_sentiment": "What is the sentiment of this text: {labels}? Answer with one word.\n\n" + Content,
	"ai_classify":          "Which of these labels fits this text best: {labels}? Answer with the label only.\n\n" + Content,
	"ai_extract":           "Find {labels} in this text. Answer with a JSON object with the keys {labels}, and null for what is not there.\n\n" + Content,
	"ai_mask":              "Rewrite this text, but replace every {labels} by " + MaskText + ". Change nothing else.\n\n" + Content,
	"ai_translate":         "Translate this text to {to_lang}. Answer with the translation only.\n\n" + Content,
	"ai_summarize":         "Summarize this text in one sentence.\n\n" + Content,
	"ai_fix_grammar":       "Correct the grammar of this text. Answer with the corrected text only.\n\n" + Content,
}

// PlainPrompt is how a model is asked in plain words for what a function does.
func PlainPrompt(function string) (string, error) {
	name := strings.TrimPrefix(function, "try_")
	name = strings.TrimSuffix(strings.TrimSuffix(name, "_score"), "_json")
	if p, ok := plain[name]; ok {
		return p, nil
	}
	return "", fmt.Errorf("there is no plain prompt for %s", function)
}

// FillPrompt puts a row's input and the arguments into a prompt. What they hold
// is not searched for blanks again.
func FillPrompt(prompt, content string, arguments map[string]string) string {
	pairs := []string{Content, content}
	for name, value := range arguments {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(prompt)
}
