package endpoint

import (
	"regexp"
	"strings"
)

// Reasoning in the text of an answer. Servers that support the model return it
// separately (see wireReply). Other servers return it before the answer, as the
// model wrote it:
//
//	<think>...</think>, <thinking>, <thought>, <reasoning>, <seed:think>, <longcat_think>...
//	[THINK]...[/THINK]                                                    Magistral
//	◁think▷...◁/think▷                                                    Kimi
//	<|START_THINKING|>...<|END_THINKING|>, <|begin_of_thought|>...<|end_of_thought|>
//	<|channel|>analysis<|message|>...<|channel|>final<|message|>          gpt-oss
//
// If the template of the model contains the opening mark, the text has only the
// closing mark.
var (
	openThought  = regexp.MustCompile(`(?i)^\s*(?:<((?:[a-z]+[:_])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad))>|\[((?:think(?:ing)?|reason(?:ing)?))\]|◁(think(?:ing)?)▷|<\|(?:start|begin)_(?:of_)?((?:think(?:ing)?|thought|reasoning))\|>)`)
	closeThought = regexp.MustCompile(`(?i)</(?:[a-z]+[:_])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad)>|\[/(?:think(?:ing)?|reason(?:ing)?)\]|◁/think(?:ing)?▷|<\|end_(?:of_)?(?:think(?:ing)?|thought|reasoning)\|>`)
	// Marks around the answer, of models that mark their reasoning.
	openAnswer  = regexp.MustCompile(`(?i)^\s*<\|(?:start_response|begin_of_solution|start_of_response)\|>`)
	closeAnswer = regexp.MustCompile(`(?i)<\|(?:end_response|end_of_solution|end_of_response|end|return|eot_id|im_end)\|>\s*$`)

	channel = regexp.MustCompile(`<\|channel\|>\s*([a-z]+)[^<]*<\|message\|>`)
)

// opening derives the opening mark from the closing mark.
var opening = strings.NewReplacer("/", "", "END_", "START_", "end_of_", "begin_of_", "end_", "start_")

// removeReasoning returns the answer after the reasoning, and whether there was
// reasoning. Marks that occur in the question may be quotations and stay.
func removeReasoning(text, question string) (answer string, thought bool) {
	if at := channel.FindStringIndex(text); at != nil && strings.TrimSpace(text[:at[0]]) == "" && !strings.Contains(question, "<|channel|>") {
		return finalChannel(text)
	}
	rest := text
	for {
		open := openThought.FindStringIndex(rest)
		if open == nil {
			break
		}
		mark := strings.TrimSpace(rest[:open[1]])
		end := closeThought.FindStringIndex(rest[open[1]:])
		if end == nil {
			if strings.Contains(question, mark) {
				break
			}
			return "", true // no answer after the reasoning
		}
		block := strings.TrimSpace(rest[:open[1]+end[1]])
		if strings.Contains(question, block) {
			break // a quotation
		}
		rest, thought = rest[open[1]+end[1]:], true
	}
	if end := closeThought.FindStringIndex(rest); end != nil && !thought && openThought.FindStringIndex(rest) == nil {
		mark := rest[end[0]:end[1]]
		if !strings.Contains(question, mark) && !strings.Contains(rest[:end[0]], opening.Replace(mark)) {
			rest, thought = rest[end[1]:], true
		}
	}
	if !thought {
		return text, false
	}
	if open := openAnswer.FindStringIndex(rest); open != nil {
		rest = closeAnswer.ReplaceAllString(rest[open[1]:], "")
	}
	return strings.TrimSpace(rest), true
}

// finalChannel returns the text of the channel "final", or "".
func finalChannel(text string) (string, bool) {
	all := channel.FindAllStringSubmatchIndex(text, -1)
	last := all[len(all)-1]
	if text[last[2]:last[3]] != "final" {
		return "", true
	}
	return strings.TrimSpace(closeAnswer.ReplaceAllString(text[last[1]:], "")), len(all) > 1
}
