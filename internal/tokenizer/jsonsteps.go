package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
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
	Prefix   string `json:"prefix"`
	Start    int    `json:"start"`
	Stop     int    `json:"stop"`

	Replacement      string `json:"replacement"`
	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
	UseRegex         *bool  `json:"use_regex"`
	IndividualDigits bool   `json:"individual_digits"`

	CleanText    bool  `json:"clean_text"`
	Chinese      bool  `json:"handle_chinese_chars"`
	StripAccents *bool `json:"strip_accents"`
	Lowercase    bool  `json:"lowercase"`

	TrimOffsets   *bool                     `json:"trim_offsets"`
	Cls           json.RawMessage           `json:"cls"`
	Sep           json.RawMessage           `json:"sep"`
	Single        []map[string]templateJSON `json:"single"`
	Pair          []map[string]templateJSON `json:"pair"`
	SpecialTokens map[string]struct {
		IDs []int64 `json:"ids"`
	} `json:"special_tokens"`
}

type templateJSON struct {
	ID     string `json:"id"`
	TypeID int32  `json:"type_id"`
}

// defaultTrue returns the value of a setting whose default is true.
func defaultTrue(b *bool) bool { return b == nil || *b }

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
	case "BertNormalizer":
		b := bertNormalizer{p.CleanText, p.Chinese, p.Lowercase, p.Lowercase}
		if p.StripAccents != nil {
			b.stripAccents = *p.StripAccents
		}
		return b.normalizer(), nil
	case "Lowercase":
		return lowercase, nil
	case "StripAccents":
		return removeAll(unicode.IsMark), nil
	}
	if form, ok := unicodeForms[p.Type]; ok {
		return form.normalize, nil
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
	return replaceMatches(re, p.Content), nil
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
			rules = append(rules, func(text aligned, _ bool, yield func(aligned)) {
				if !strings.HasPrefix(text.s, " ") {
					text = text.prepend(" ")
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
	case "BertPreTokenizer":
		return preTokenizer{rule: splitBert}, nil
	case "Whitespace":
		return preTokenizer{rule: splitWords}, nil
	case "Punctuation":
		if p.Behavior != "" && p.Behavior != isolated {
			return preTokenizer{}, fmt.Errorf("the behavior %q of the pre_tokenizer is not supported", p.Behavior)
		}
		return preTokenizer{rule: splitEach(isBertPunctuation)}, nil
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
	words     bool   // a token is a word, except those with the prefix
	prefix    string
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
	if d.words {
		if rest, ok := strings.CutPrefix(token, d.prefix); ok && d.prefix != "" {
			return rest
		}
		return " " + token
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

// decoder returns the decoding of a step. Without a step each token is a word.
func (p *jsonStep) decoder() (d decoding, err error) {
	if p == nil {
		return decoding{words: true, lead: leadOne}, nil
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
		case "WordPiece":
			d.words, d.prefix, d.lead = true, s.Prefix, leadOne
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
