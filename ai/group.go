package ai

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/llm"
)

// This file answers a question about a group of texts by a tree of prompts: texts are packed
// into prompts, the answers are packed into prompts again, until one answer is left. See
// docs/decisions/2026-12-01-groups.md.

const (
	// maxGroupPrompt is the size of the texts of a prompt in tokens.
	maxGroupPrompt = 1024
	// minGroupPrompt is the least size with which a group can be read.
	minGroupPrompt = 16
	// groupWave is the number of prompts that are in memory at a time.
	groupWave = 256
	// templateShare is the share of the context window that is kept for a chat template.
	templateShare = 32
)

// groupItem is a text or a partial answer, with the number of its occurrences.
type groupItem struct {
	text  string
	times int
}

// groupForm says how a group is asked about.
type groupForm struct {
	// request makes the request about the lines of content. partial means that other parts of
	// the group have requests of their own, and combine that the lines are partial answers.
	request func(content string, partial, combine bool) llm.Request
	// answer and partial bound an answer in tokens.
	answer, partial int
}

type groupInput struct {
	items []groupItem // not empty
	form  groupForm
	words int  // bounds the answer; 0 means no limit
	whole bool // a single text of at most words words is the answer
}

// distinctTexts returns the distinct texts of an argument of type StringArray that are not
// blank, in the order of their SHA-256, which no order of rows changes and which mixes texts
// that begin alike.
func distinctTexts(v any) []groupItem {
	texts, _ := v.([]string)
	count := make(map[string]int, len(texts))
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			count[text]++
		}
	}
	type hashed struct {
		sum [sha256.Size]byte
		groupItem
	}
	all := make([]hashed, 0, len(count))
	for text, times := range count {
		all = append(all, hashed{sha256.Sum256([]byte(text)), groupItem{text, times}})
	}
	slices.SortFunc(all, func(a, b hashed) int { return bytes.Compare(a.sum[:], b.sum[:]) })
	items := make([]groupItem, len(all))
	for i, h := range all {
		items[i] = h.groupItem
	}
	return items
}

// line writes an item as a line of a prompt.
func (i groupItem) line() string {
	text := "- " + oneLine.Replace(i.text)
	if i.times > 1 {
		text += fmt.Sprintf(" (%d times)", i.times)
	}
	return text + "\n"
}

// groupTree is the state of a group between two levels of its tree.
type groupTree struct {
	task[groupInput]
	items []groupItem // of this level
	level int         // 0 for the texts
	// ends are the ends of the prompts in items, and answers the answers to them so far.
	ends    []int
	answers []groupItem

	known map[string]int // the answers with their places
	// answerTokens bounds an answer of this level, and partialTokens a partial one.
	answerTokens, partialTokens int

	first                  int // number of prompts of the first level
	prompts, cut, repeated int // in all levels so far
}

// answerGroups answers groups level by level.
func answerGroups(ctx context.Context, m llm.Model, need []task[groupInput]) error {
	var trees []*groupTree
	for _, a := range need {
		t := &groupTree{task: a, items: a.in.items}
		if first := t.items[0]; a.in.whole && len(t.items) == 1 && a.in.words > 0 && len(strings.Fields(first.text)) <= a.in.words {
			a.Value = first.text
		} else if t.Err = t.divide(m); t.Err == nil {
			trees = append(trees, t)
		}
	}
	for len(trees) > 0 {
		if err := askLevel(ctx, m, trees); err != nil {
			return err
		}
		var going []*groupTree
		for _, t := range trees {
			if t.Err == nil && t.Value == nil {
				t.items, t.answers, t.known = t.answers, nil, nil
				t.level++
				if t.Err = t.divide(m); t.Err == nil {
					going = append(going, t)
				}
			}
		}
		trees = going
	}
	return nil
}

// promptRef is a prompt of a tree.
type promptRef struct {
	tree *groupTree
	of   int // index in ends
}

// askLevel asks all prompts of a level, and takes the answers.
func askLevel(ctx context.Context, m llm.Model, trees []*groupTree) error {
	var all []promptRef
	for _, t := range trees {
		for i := range t.ends {
			all = append(all, promptRef{t, i})
		}
	}
	done, total := 0, len(all)
	for wave := range slices.Chunk(all, groupWave) {
		requests := make([]llm.Request, 0, len(wave))
		for _, p := range wave {
			requests = append(requests, p.tree.request(p.of))
		}
		results, err := do(ctx, m, requests)
		if err != nil {
			return err
		}
		for i, p := range wave {
			p.tree.take(p.of, results[i])
		}
		done += len(wave)
		reportProgress(ctx, Progress{Level: trees[0].level, Done: done, Prompts: total})
	}
	return nil
}

// divide divides the items of a level into prompts.
func (t *groupTree) divide(m llm.Model) error {
	limit, err := t.limit(m)
	if err != nil {
		return err
	}
	if t.level == 0 {
		t.items = shortItems(m, t.items, limit)
	}
	t.ends = t.ends[:0]
	size, start := 0, 0
	for i, item := range t.items {
		n := m.CountTokens(item.line())
		// A prompt of partial answers has at least two, so that each level has fewer.
		if i > start && size+n > limit && (t.level == 0 || i > start+1) {
			t.ends = append(t.ends, i)
			size, start = 0, i
		}
		size += n
	}
	t.ends = append(t.ends, len(t.items))
	t.answerTokens, t.partialTokens = t.answerLimit(m, len(t.ends) > 1), t.answerLimit(m, true)
	if t.level == 0 {
		t.first = len(t.ends)
	}
	return nil
}

// request makes the request of a prompt.
func (t *groupTree) request(of int) llm.Request {
	start := 0
	if of > 0 {
		start = t.ends[of-1]
	}
	var lines strings.Builder
	for _, item := range t.items[start:t.ends[of]] {
		lines.WriteString(item.line())
	}
	r := t.in.form.request(strings.TrimSuffix(lines.String(), "\n"), len(t.ends) > 1, t.level > 0)
	r.MaxTokens = t.answerTokens
	return r
}

// take takes the answer to a prompt.
func (t *groupTree) take(of int, r llm.Result) {
	if t.Err != nil {
		return
	}
	t.prompts++
	answer := strings.TrimSpace(r.Text)
	partial, err := len(t.ends) > 1, r.Err
	switch {
	case errors.Is(err, ErrRepeats):
		// A group has many prompts, and a small model does not end to answer some of them. What
		// it wrote before is kept, and the note tells of it.
		if begin, ok := withoutRepetition(answer); ok {
			answer, err = begin, nil
			t.repeated++
		}
	case r.Finish == llm.FinishLength && partial:
		t.cut++
	}
	if err == nil && answer == "" && !partial {
		err = fmt.Errorf("%w: its answer is empty", llm.ErrModel)
	}
	if err != nil {
		t.Err, t.Raw = err, answer
		if partial {
			t.Err = fmt.Errorf("prompt %d of %d: %w", of+1, len(t.ends), err)
		}
		return
	}
	if !partial {
		t.finish(answer, r.Finish == llm.FinishLength)
		return
	}
	t.add(answer)
	if of+1 < len(t.ends) {
		return
	}
	switch len(t.answers) {
	case 0:
		t.Err = fmt.Errorf("%w: all its answers are empty", llm.ErrModel)
	case 1:
		t.finish(t.answers[0].text, false)
	}
}

// add adds a partial answer, or counts it if it was given before.
func (t *groupTree) add(answer string) {
	if answer == "" {
		return
	}
	if t.known == nil {
		t.known = map[string]int{}
	}
	if i, ok := t.known[answer]; ok {
		t.answers[i].times++
		return
	}
	t.known[answer] = len(t.answers)
	t.answers = append(t.answers, groupItem{answer, 1})
}

// finish sets the answer for the group. cut means that it was cut off.
func (t *groupTree) finish(answer string, cut bool) {
	var notes []string
	if t.prompts > 1 {
		notes = append(notes, fmt.Sprintf("%s in %s; the answers were combined in %s", plural(len(t.in.items), "distinct text was read", "distinct texts were read"),
			plural(t.first, "prompt", "prompts"), plural(t.level+1, "step", "steps")))
	}
	if t.cut > 0 {
		notes = append(notes, fmt.Sprintf("%s cut off after %d tokens", plural(t.cut, "partial answer was", "partial answers were"), t.partialTokens))
	}
	if t.repeated > 0 {
		notes = append(notes, plural(t.repeated, "answer repeated itself, and was ended there", "answers repeated themselves, and were ended there"))
	}
	t.Raw = answer
	if t.in.words > 0 {
		shortened, longer := shorten(answer, t.in.words, cut)
		if longer {
			notes = append(notes, "the summary came out too long, and was cut")
		}
		answer = shortened
	} else if cut {
		notes = append(notes, fmt.Sprintf("the answer was cut off after %d tokens", t.answerTokens))
	}
	t.Value, t.Note = answer, strings.Join(notes, "; ")
}

// answerLimit bounds an answer in tokens.
func (t *groupTree) answerLimit(m llm.Model, partial bool) int {
	if partial {
		return max(1, min(t.in.form.partial, contextOf(m)/12))
	}
	return max(1, min(t.in.form.answer, contextOf(m)/4))
}

// limit returns the size of the items of a prompt in tokens.
func (t *groupTree) limit(m llm.Model) (int, error) {
	r := t.in.form.request("", true, true)
	own := contextOf(m) / templateShare
	for _, message := range r.Messages {
		own += m.CountTokens(message.Text)
	}
	context := contextOf(m)
	limit := min(maxGroupPrompt, context/3, context-own-t.answerLimit(m, false))
	if limit < minGroupPrompt {
		return 0, fmt.Errorf("%w: the instruction leaves no room for texts", llm.ErrTooLong)
	}
	return limit, nil
}

// shortItems divides the texts that are longer than a prompt.
func shortItems(m llm.Model, items []groupItem, limit int) []groupItem {
	short := make([]groupItem, 0, len(items))
	for _, item := range items {
		if m.CountTokens(item.line()) <= limit {
			short = append(short, item)
			continue
		}
		around := m.CountTokens(groupItem{"", item.times}.line())
		for _, p := range cutPieces(m, item.text, max(1, limit-around)) {
			short = append(short, groupItem{p.text, item.times})
		}
	}
	return short
}

// withoutRepetition returns a text that ends with repetitions of some bytes with one of them. ok
// is false if it does not.
func withoutRepetition(text string) (begin string, ok bool) {
	const longest, times = 600, 3 // bytes
	for period := 1; period <= min(longest, len(text)/times); period++ {
		again := text[len(text)-period:]
		if !strings.HasSuffix(text, strings.Repeat(again, times)) {
			continue
		}
		for strings.HasSuffix(text, again+again) {
			text = strings.TrimSuffix(text, again)
		}
		begin = strings.TrimSpace(strings.ToValidUTF8(text, ""))
		return begin, begin != ""
	}
	return "", false
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
