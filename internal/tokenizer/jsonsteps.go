package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// jsonStep is a normalizer, pre-tokenizer, post-processor or decoder of a tokenizer.json. It has
// the settings of all types.
type jsonStep struct {
	Type          string     `json:"type"`
	Normalizers   []jsonStep `json:"normalizers"`
	PreTokenizers []jsonStep `json:"pretokenizers"`
	Processors    []jsonStep `json:"processors"`
	Decoders      []jsonStep `json:"decoders"`

	Pattern struct {
		String *string `json:"String"`
		Regex  *string `json:"Regex"`
	} `json:"pattern"`
	Content  string `json:"content"`
	Behavior string `json:"behavior"`
	Invert   bool   `json:"invert"`
	Charsmap string `json:"precompiled_charsmap"`
	Left     bool   `json:"strip_left"`
	Right    bool   `json:"strip_right"`
	Prepend  string `json:"prepend"`
	Start    int    `json:"start"`
	Stop     int    `json:"stop"`

	Replacement      string `json:"replacement"`
	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
	UseRegex         *bool  `json:"use_regex"`
	IndividualDigits bool   `json:"individual_digits"`

	Single        []map[string]templateItem `json:"single"`
	SpecialTokens map[string]struct {
		IDs []int64 `json:"ids"`
	} `json:"special_tokens"`
}

type templateItem struct {
	ID json.RawMessage `json:"id"`
}

// defaultTrue returns the value of a setting whose default is true.
func defaultTrue(b *bool) bool { return b == nil || *b }

var unicodeForms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

// normalizer returns the normalizer of a step, or nil if it does nothing.
func (p *jsonStep) normalizer() (normalizer, error) {
	if p == nil {
		return nil, nil
	}
	switch p.Type {
	case "Sequence":
		var all []normalizer
		for i := range p.Normalizers {
			n, err := p.Normalizers[i].normalizer()
			if err != nil {
				return nil, err
			}
			if n != nil {
				all = append(all, n)
			}
		}
		if len(all) == 0 {
			return nil, nil
		}
		return sequence(all), nil
	case "Precompiled":
		data, err := base64.StdEncoding.DecodeString(p.Charsmap)
		if err != nil {
			return nil, fmt.Errorf("precompiled_charsmap is not valid base64: %w", err)
		}
		if len(data) == 0 {
			return nil, nil
		}
		m, err := newCharsmap(data, true)
		if err != nil {
			return nil, err
		}
		return m.normalize, nil
	case "Replace":
		return p.replace()
	case "Prepend":
		return prepend(p.Prepend), nil
	case "Strip":
		return strip(p.Left, p.Right), nil
	}
	if form, ok := unicodeForms[p.Type]; ok {
		return form.String, nil
	}
	return nil, fmt.Errorf("the normalizer type %q is not supported", p.Type)
}

// replace returns the normalizer of a step of type Replace.
func (p *jsonStep) replace() (normalizer, error) {
	switch {
	case len(p.Content) > maxPiece:
		return nil, fmt.Errorf("a Replace normalizer inserts %d bytes; the limit is %d", len(p.Content), maxPiece)
	case p.Pattern.String != nil && *p.Pattern.String != "":
		return replace(*p.Pattern.String, p.Content), nil
	case p.Pattern.Regex == nil:
		return nil, errors.New("a Replace normalizer has no pattern")
	case *p.Pattern.Regex == " {2,}":
		return collapseSpaces(p.Content), nil
	// These constructs have different meanings in Go and in the library tokenizers.
	case strings.ContainsAny(*p.Pattern.Regex, `\^$`) || strings.Contains(*p.Pattern.Regex, "(?") || strings.Contains(*p.Pattern.Regex, "[:"):
		return nil, fmt.Errorf("a Replace normalizer has the regular expression %q, which is not supported", *p.Pattern.Regex)
	}
	re, err := regexp.Compile(*p.Pattern.Regex)
	if err != nil || re.MatchString("") {
		return nil, fmt.Errorf("a Replace normalizer has the regular expression %q, which is not supported", *p.Pattern.Regex)
	}
	return func(text string) string { return re.ReplaceAllLiteralString(text, p.Content) }, nil
}

// preTokenizer is the function of a pre-tokenizer.
type preTokenizer struct {
	rule      splitRule // nil: the whole text is one word
	byteLevel bool      // words are encoded as bytes
}

// preTokenizer returns the pre-tokenizer of a step.
func (p *jsonStep) preTokenizer() (preTokenizer, error) {
	if p == nil {
		return preTokenizer{}, nil
	}
	switch p.Type {
	case "Sequence":
		var rules []splitRule
		byteLevel := false
		for i := range p.PreTokenizers {
			if byteLevel {
				return preTokenizer{}, errors.New("the pre_tokenizer has a step after ByteLevel, which is not supported")
			}
			s, err := p.PreTokenizers[i].preTokenizer()
			if err != nil {
				return preTokenizer{}, err
			}
			byteLevel = s.byteLevel
			if s.rule != nil {
				rules = append(rules, s.rule)
			}
		}
		if len(rules) == 0 {
			return preTokenizer{byteLevel: byteLevel}, nil
		}
		return preTokenizer{chain(rules...), byteLevel}, nil
	case "ByteLevel":
		var rules []splitRule
		if defaultTrue(p.AddPrefixSpace) {
			rules = append(rules, func(text string, _ bool, yield func(string)) {
				if !strings.HasPrefix(text, " ") {
					text = " " + text
				}
				yield(text)
			})
		}
		if defaultTrue(p.UseRegex) {
			rules = append(rules, gpt2.split)
		}
		if len(rules) == 0 {
			return preTokenizer{byteLevel: true}, nil
		}
		return preTokenizer{chain(rules...), true}, nil
	case "Metaspace":
		m, err := p.metaspace()
		return preTokenizer{rule: m.words}, err
	case "Digits":
		return preTokenizer{rule: splitNumbers(p.IndividualDigits)}, nil
	case "WhitespaceSplit":
		return preTokenizer{rule: splitSpaces}, nil
	case "Split":
		rule, err := p.splitAt()
		return preTokenizer{rule: rule}, err
	}
	return preTokenizer{}, fmt.Errorf("the pre_tokenizer type %q is not supported", p.Type)
}

// metaspace returns the settings of a step of type Metaspace.
func (p *jsonStep) metaspace() (metaspace, error) {
	m := metaspace{mark: p.Replacement, prefix: prefixAlways, split: defaultTrue(p.Split)}
	if r, size := utf8.DecodeRuneInString(m.mark); size != len(m.mark) || r == utf8.RuneError {
		return m, fmt.Errorf("the replacement of a Metaspace step is %q, expected one character", m.mark)
	}
	switch p.PrependScheme {
	case "always":
	case "first":
		m.prefix = prefixFirst
	case "never":
		m.prefix = prefixNever
	case "":
		if !defaultTrue(p.AddPrefixSpace) {
			m.prefix = prefixNever
		}
	default:
		return m, fmt.Errorf("a Metaspace step has the prepend_scheme %q, which is not supported", p.PrependScheme)
	}
	return m, nil
}

// splitAt returns the rule of a pre-tokenizer of type Split.
func (p *jsonStep) splitAt() (splitRule, error) {
	if s := p.Pattern.String; s != nil && *s != "" && !p.Invert {
		switch p.Behavior {
		case isolated, removed, mergedWithPrevious, mergedWithNext:
			return splitAt(*s, p.Behavior), nil
		}
		return nil, fmt.Errorf("the behavior %q of the pre_tokenizer is not supported", p.Behavior)
	}
	if re := p.Pattern.Regex; re != nil {
		// The expressions match every part of a text, so Removed with invert equals Isolated.
		if rule, ok := expressions[*re]; ok && (p.Behavior == isolated && !p.Invert || p.Behavior == removed && p.Invert) {
			return rule, nil
		}
		return nil, fmt.Errorf("the regular expression %q (%s) of the pre_tokenizer is not supported; the supported ones are those of GPT-2, Llama 3 and Qwen", *re, p.Behavior)
	}
	return nil, errors.New("the pre_tokenizer of type Split has settings that are not supported")
}

// decoding is the function of a decoder.
type decoding struct {
	byteLevel bool
	fallback  bool   // tokens such as <0x0A> are bytes
	mark      string // the character that marks spaces, or empty
	lead      leadRule
}

// text returns the text of a token.
func (d *decoding) text(token string) string {
	if d.byteLevel {
		if raw, ok := fromAlphabet(token); ok {
			return raw
		}
		return token
	}
	if d.fallback {
		if b, ok := fallbackByte(token); ok {
			return string([]byte{b})
		}
	}
	if d.mark != "" {
		return strings.ReplaceAll(token, d.mark, " ")
	}
	return token
}

// decoder returns the decoding of a step.
func (p *jsonStep) decoder() (d decoding, err error) {
	if p == nil {
		return d, errors.New("the tokenizer has no decoder, which is not supported")
	}
	steps := []jsonStep{*p}
	if p.Type == "Sequence" {
		steps = p.Decoders
	}
	for _, s := range steps {
		switch s.Type {
		case "ByteLevel":
			d.byteLevel = true
		case "ByteFallback":
			d.fallback = true
		case "Fuse":
		case "Metaspace":
			m, err := s.metaspace()
			if err != nil {
				return d, err
			}
			d.mark = m.mark
			if m.prefix != prefixNever {
				d.lead = leadToken
			}
		case "Replace":
			if s.Pattern.String == nil || *s.Pattern.String == "" || s.Content != " " || d.mark != "" {
				return d, errors.New("the decoder has a Replace step that does not replace one mark by a space, which is not supported")
			}
			d.mark = *s.Pattern.String
		case "Strip":
			if s.Content != " " || s.Start > 1 || s.Start < 0 || s.Stop != 0 {
				return d, errors.New("the decoder has a Strip step that does not strip one space at the beginning, which is not supported")
			}
			if s.Start == 1 {
				d.lead = leadOne
			}
		default:
			return d, fmt.Errorf("the decoder type %q is not supported", s.Type)
		}
	}
	return d, nil
}

// affixes returns the tokens that a post-processor adds before and after a text. size is the
// number of tokens.
func (p *jsonStep) affixes(size int) (prefix, suffix []int32, err error) {
	if p == nil {
		return nil, nil, nil
	}
	switch p.Type {
	case "ByteLevel":
		return nil, nil, nil
	case "Sequence":
		for i := range p.Processors {
			b, a, err := p.Processors[i].affixes(size)
			if err != nil {
				return nil, nil, err
			}
			prefix, suffix = append(b, prefix...), append(suffix, a...)
		}
		return prefix, suffix, nil
	case "TemplateProcessing":
	default:
		return nil, nil, fmt.Errorf("the post_processor type %q is not supported", p.Type)
	}
	texts := 0
	for _, item := range p.Single {
		special, isSpecial := item["SpecialToken"]
		if _, isText := item["Sequence"]; isText && !isSpecial {
			texts++
			continue
		}
		var name string
		if !isSpecial || json.Unmarshal(special.ID, &name) != nil {
			return nil, nil, errors.New("an item of the post_processor is neither Sequence nor SpecialToken")
		}
		token, ok := p.SpecialTokens[name]
		if !ok {
			return nil, nil, fmt.Errorf("the post_processor adds %q, which its special_tokens do not define", name)
		}
		for _, id := range token.IDs {
			if id < 0 || id >= int64(size) {
				return nil, nil, fmt.Errorf("the post_processor adds the token %d, but the vocabulary has %d tokens", id, size)
			}
			if texts == 0 {
				prefix = append(prefix, int32(id))
			} else {
				suffix = append(suffix, int32(id))
			}
		}
	}
	if texts != 1 {
		return nil, nil, fmt.Errorf("the post_processor has %d texts, expected 1", texts)
	}
	return prefix, suffix, nil
}
