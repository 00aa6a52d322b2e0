package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Sequence is what an encoder reads: the tokens of one or two texts with the special tokens that
// the file puts around them.
type Sequence struct {
	IDs []int32
	// Types are the segments of the tokens by token, also called token type ids. BERT has 0 for the
	// first text and 1 for the second one.
	Types []int32
	// The tokens of text i are those from Texts[i][0] up to Texts[i][1].
	Texts [2][2]int
}

// Single returns the sequence of one text.
func (t *Tokenizer) Single(text []int32) Sequence { return t.single.fill(text, nil) }

// Pair returns the sequence of two texts, such as a query and a passage.
func (t *Tokenizer) Pair(a, b []int32) Sequence { return t.pair.fill(a, b) }

// SpecialTokens returns the number of special tokens that Single and Pair add.
func (t *Tokenizer) SpecialTokens() (single, pair int) { return t.single.special(), t.pair.special() }

// template is a list of special tokens and texts.
type template []templateItem

// templateItem is a special token, or a text if id is none.
type templateItem struct {
	id   int32
	text int // 0 or 1
	kind int32
}

func (t template) special() (n int) {
	for _, item := range t {
		if item.id != none {
			n++
		}
	}
	return n
}

func (t template) fill(texts ...[]int32) (s Sequence) {
	size := t.special() + len(texts[0]) + len(texts[1])
	s.IDs, s.Types = make([]int32, 0, size), make([]int32, 0, size)
	for _, item := range t {
		start := len(s.IDs)
		if item.id != none {
			s.IDs = append(s.IDs, item.id)
		} else {
			s.IDs = append(s.IDs, texts[item.text]...)
			s.Texts[item.text] = [2]int{start, len(s.IDs)}
		}
		for range len(s.IDs) - start {
			s.Types = append(s.Types, item.kind)
		}
	}
	return s
}

// affixes returns the special tokens before and after the first text.
func (t template) affixes() (before, after []int32) {
	to := &before
	for _, item := range t {
		if item.id == none {
			to = &after
			continue
		}
		*to = append(*to, item.id)
	}
	return slices.Clip(before), slices.Clip(after)
}

// text0 and text1 are the items of the first text and of the second text in a segment.
func text0(kind int32) templateItem { return templateItem{none, 0, kind} }
func text1(kind int32) templateItem { return templateItem{none, 1, kind} }

// around returns the template of one text with special tokens around it.
func around(before, after []int32) (t template) {
	for _, id := range before {
		t = append(t, templateItem{id: id})
	}
	t = append(t, text0(0))
	for _, id := range after {
		t = append(t, templateItem{id: id})
	}
	return t
}

// bertPair returns BERT's template of two texts.
func bertPair(cls, sep int32) template {
	return template{{id: cls}, text0(0), {id: sep}, text1(1), {id: sep, kind: 1}}
}

// robertaPair returns RoBERTa's template of two texts.
func robertaPair(cls, sep int32) template {
	return template{{id: cls}, text0(0), {id: sep}, {id: sep}, text1(0), {id: sep}}
}

// readPostProcessor sets the templates from a step of tokenizer.json. Only tokens of byte-level BPE
// contain spaces, which trim_offsets excludes.
func (t *Tokenizer) readPostProcessor(p *jsonStep, byteLevel bool) error {
	t.single, t.pair = template{text0(0)}, template{text0(0), text1(1)}
	if p == nil {
		return nil
	}
	steps := []jsonStep{*p}
	if p.Type == "Sequence" {
		steps = p.Processors
	}
	templates := 0
	for _, s := range steps {
		if s.Type != "ByteLevel" {
			templates++
		}
		var err error
		switch s.Type {
		case "ByteLevel", "RobertaProcessing":
			if byteLevel && t.trim == nil && defaultTrue(s.TrimOffsets) {
				t.trim = &trimming{defaultTrue(s.AddPrefixSpace)}
			}
		}
		switch s.Type {
		case "ByteLevel":
		case "TemplateProcessing":
			if t.single, err = s.template(s.Single, 1, len(t.text)); err == nil && len(s.Pair) > 0 {
				t.pair, err = s.template(s.Pair, 2, len(t.text))
			}
		case "BertProcessing", "RobertaProcessing":
			var cls, sep int32
			if cls, err = s.special("cls", s.Cls, len(t.text)); err != nil {
				break
			}
			if sep, err = s.special("sep", s.Sep, len(t.text)); err != nil {
				break
			}
			t.single, t.pair = around([]int32{cls}, []int32{sep}), bertPair(cls, sep)
			if s.Type == "RobertaProcessing" {
				t.pair = robertaPair(cls, sep)
			}
		default:
			return fmt.Errorf("the post_processor type %q is not supported", s.Type)
		}
		if err != nil {
			return err
		}
	}
	if templates > 1 {
		return errors.New("the post_processor has more than one step that adds tokens, which is not supported")
	}
	return nil
}

// special returns the id of a setting of the form ["token", id].
func (p *jsonStep) special(name string, setting json.RawMessage, size int) (int32, error) {
	var token string
	var id int64
	pair := []any{&token, &id}
	if err := json.Unmarshal(setting, &pair); err != nil || len(pair) != 2 {
		return 0, fmt.Errorf("%s of the post_processor is %s, expected a token with its id", name, setting)
	}
	return p.checked(id, size)
}

func (p *jsonStep) checked(id int64, size int) (int32, error) {
	if id < 0 || id >= int64(size) {
		return 0, fmt.Errorf("the post_processor adds the token %d, but the vocabulary has %d tokens", id, size)
	}
	return int32(id), nil
}

// template returns the template of a step of type TemplateProcessing, with a number of texts.
func (p *jsonStep) template(items []map[string]templateJSON, texts, size int) (t template, err error) {
	var count [2]int
	for _, item := range items {
		special, isSpecial := item["SpecialToken"]
		text, isText := item["Sequence"]
		switch {
		case isText && !isSpecial:
			i := map[string]int{"A": 0, "B": 1}[text.ID]
			count[i]++
			t = append(t, templateItem{none, i, text.TypeID})
		case isSpecial && !isText:
			token, ok := p.SpecialTokens[special.ID]
			if !ok {
				return nil, fmt.Errorf("the post_processor adds %q, which its special_tokens do not define", special.ID)
			}
			for _, id := range token.IDs {
				id, err := p.checked(id, size)
				if err != nil {
					return nil, err
				}
				t = append(t, templateItem{id: id, kind: special.TypeID})
			}
		default:
			return nil, errors.New("an item of the post_processor is neither Sequence nor SpecialToken")
		}
	}
	if want := [2]int{1, texts - 1}; count != want {
		return nil, fmt.Errorf("a template of the post_processor has %d texts, expected %d different ones", count[0]+count[1], texts)
	}
	return t, nil
}
