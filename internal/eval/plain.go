package eval

import (
	"fmt"
	"strings"
)

// Content is the placeholder of a prompt for the input of the row.
const Content = "{content}"

// plainPrompts ask for the task of a function in plain words: without examples, a
// constraint or scoring. {name} stands for an argument. {labels} stands for the
// labels of the data if the function has no such argument, which makes the task
// easier.
var plainPrompts = map[string]string{
	"ai_analyze_sentiment": "What is the sentiment of this text: {labels}? Answer with one word.\n\n" + Content,
	"ai_classify":          "Which of these labels fits this text best: {labels}? Answer with the label only.\n\n" + Content,
	"ai_filter":            "Is this true of the text: {predicate}? Answer with true or false only.\n\n" + Content,
	"ai_score":             "Score this text from 1 to 5: {criteria}. Answer with the number only.\n\n" + Content,
	"ai_extract":           "Find {labels} in this text. Answer with a JSON object with the keys {labels}, and null for what is not there.\n\n" + Content,
	"ai_mask":              "Rewrite this text, but replace every {labels} by " + MaskText + ". Change nothing else.\n\n" + Content,
	"ai_translate":         "Translate this text to {to_lang}. Answer with the translation only.\n\n" + Content,
	"ai_summarize":         "Summarize this text in one sentence.\n\n" + Content,
	"ai_fix_grammar":       "Correct the grammar of this text. Answer with the corrected text only.\n\n" + Content,
}

// PlainPrompt returns the prompt that asks for the task of a function in plain
// words.
func PlainPrompt(function string) (string, error) {
	name := strings.TrimPrefix(function, "try_")
	for _, of := range []string{name, strings.TrimSuffix(strings.TrimSuffix(name, "_score"), "_json")} {
		if p, ok := plainPrompts[of]; ok {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s has no plain prompt", function)
}

// FillPrompt replaces the placeholders of a prompt by the input of a row and the
// arguments. Placeholders within these stay.
func FillPrompt(prompt, content string, arguments map[string]string) string {
	pairs := []string{Content, content}
	for name, value := range arguments {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(prompt)
}
