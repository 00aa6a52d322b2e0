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

// part is a normalizer, pre-tokenizer, post-processor or decoder of a
// tokenizer.json: what all their types have.
type part struct {
	Type          string `json:"type"`
	Normalizers   []part `json:"normalizers"`
	PreTokenizers []part `json:"pretokenizers"`
	Processors    []part `json:"processors"`
	Decoders      []part `json:"decoders"`

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

func yes(b *bool) bool { return b == nil || *b }

var forms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

// normalizer gives nil if there is nothing to do.
func (p *part) normalizer() (normalizer, error) {
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
		return inOrder(all), nil
	case "Precompiled":
		data, err := base64.StdEncoding.DecodeString(p.Charsmap)
		if err != nil {
			return nil, fmt.Errorf("its precompiled_charsmap is no base64: %w", err)
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
	if form, ok := forms[p.Type]; ok {
		return form.String, nil
	}
	return nil, fmt.Errorf("its normalizer is of the type %q, which is not supported", p.Type)
}

func (p *part) replace() (normalizer, error) {
	switch {
	case len(p.Content) > maxPiece:
		return nil, fmt.Errorf("a normalizer puts in %d bytes; %d are allowed", len(p.Content), maxPiece)
	case p.Pattern.String != nil && *p.Pattern.String != "":
		return replace(*p.Pattern.String, p.Content), nil
	case p.Pattern.Regex == nil:
		return nil, errors.New("a normalizer of the type Replace does not say what to replace")
	case *p.Pattern.Regex == " {2,}":
		return squeeze(p.Content), nil
	// What these mean is not the same in all dialects of expressions.
	case strings.ContainsAny(*p.Pattern.Regex, `\^$`) || strings.Contains(*p.Pattern.Regex, "(?") || strings.Contains(*p.Pattern.Regex, "[:"):
		return nil, fmt.Errorf("a normalizer replaces what matches %q; such an expression is not supported", *p.Pattern.Regex)
	}
	re, err := regexp.Compile(*p.Pattern.Regex)
	if err != nil || re.MatchString("") {
		return nil, fmt.Errorf("a normalizer replaces what matches %q; such an expression is not supported", *p.Pattern.Regex)
	}
	return func(text string) string { return re.ReplaceAllLiteralString(text, p.Content) }, nil
}

// splitter is what a pre-tokenizer does.
type splitter struct {
	rule      splitRule // nil: the whole text is one word
	byteLevel bool      // its words are made of bytes
}

func (p *part) splitter() (splitter, error) {
	if p == nil {
		return splitter{}, nil
	}
	switch p.Type {
	case "Sequence":
		var rules []splitRule
		byteLevel := false
		for i := range p.PreTokenizers {
			if byteLevel {
				return splitter{}, errors.New("its pre_tokenizer has a step behind ByteLevel, which is not supported")
			}
			s, err := p.PreTokenizers[i].splitter()
			if err != nil {
				return splitter{}, err
			}
			byteLevel = s.byteLevel
			if s.rule != nil {
				rules = append(rules, s.rule)
			}
		}
		if len(rules) == 0 {
			return splitter{byteLevel: byteLevel}, nil
		}
		return splitter{chain(rules...), byteLevel}, nil
	case "ByteLevel":
		var rules []splitRule
		if yes(p.AddPrefixSpace) {
			rules = append(rules, func(text string, _ bool, yield func(string)) {
				if !strings.HasPrefix(text, " ") {
					text = " " + text
				}
				yield(text)
			})
		}
		if yes(p.UseRegex) {
			rules = append(rules, gpt2.split)
		}
		if len(rules) == 0 {
			return splitter{byteLevel: true}, nil
		}
		return splitter{chain(rules...), true}, nil
	case "Metaspace":
		m, err := p.metaspace()
		return splitter{rule: m.words}, err
	case "Digits":
		return splitter{rule: splitNumbers(p.IndividualDigits)}, nil
	case "WhitespaceSplit":
		return splitter{rule: splitSpaces}, nil
	case "Split":
		rule, err := p.splitAt()
		return splitter{rule: rule}, err
	}
	return splitter{}, fmt.Errorf("its pre_tokenizer is of the type %q, which is not supported", p.Type)
}

func (p *part) metaspace() (metaspace, error) {
	m := metaspace{mark: p.Replacement, prefix: prefixAlways, split: yes(p.Split)}
	if r, size := utf8.DecodeRuneInString(m.mark); size != len(m.mark) || r == utf8.RuneError {
		return m, fmt.Errorf("a part of the type Metaspace marks spaces by %q, which is not one character", m.mark)
	}
	switch p.PrependScheme {
	case "always":
	case "first":
		m.prefix = prefixFirst
	case "never":
		m.prefix = prefixNever
	case "":
		if !yes(p.AddPrefixSpace) {
			m.prefix = prefixNever
		}
	default:
		return m, fmt.Errorf("a part of the type Metaspace has the prepend_scheme %q, which is not supported", p.PrependScheme)
	}
	return m, nil
}

func (p *part) splitAt() (splitRule, error) {
	if s := p.Pattern.String; s != nil && *s != "" && !p.Invert {
		switch p.Behavior {
		case isolated, removed, mergedWithPrevious, mergedWithNext:
			return splitAt(*s, p.Behavior), nil
		}
		return nil, fmt.Errorf("its pre_tokenizer splits with the behavior %q, which is not supported", p.Behavior)
	}
	if re := p.Pattern.Regex; re != nil {
		// They match all of any text: removing what is between is isolating.
		if rule, ok := expressions[*re]; ok && (p.Behavior == isolated && !p.Invert || p.Behavior == removed && p.Invert) {
			return rule, nil
		}
		return nil, fmt.Errorf("its pre_tokenizer splits by the expression %q (%s), which is not supported; those of GPT-2, Llama 3 and Qwen are", *re, p.Behavior)
	}
	return nil, errors.New("its pre_tokenizer of the type Split is not supported")
}

// decoding is what a decoder does.
type decoding struct {
	byteLevel bool
	fallback  bool // <0x0A> stands for a byte
	mark      string
	lead      leadRule
}

// text gives what a token stands for.
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

func (p *part) decoder() (d decoding, err error) {
	if p == nil {
		return d, errors.New("it has no decoder, which is not supported")
	}
	steps := []part{*p}
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
				return d, errors.New("its decoder replaces something else than one mark by a space, which is not supported")
			}
			d.mark = *s.Pattern.String
		case "Strip":
			if s.Content != " " || s.Start > 1 || s.Start < 0 || s.Stop != 0 {
				return d, errors.New("its decoder strips something else than one space at the beginning, which is not supported")
			}
			if s.Start == 1 {
				d.lead = leadOne
			}
		default:
			return d, fmt.Errorf("its decoder is of the type %q, which is not supported", s.Type)
		}
	}
	return d, nil
}

// around gives the tokens that a post-processor puts before and after a text.
func (p *part) around(size int) (before, after []int32, err error) {
	if p == nil {
		return nil, nil, nil
	}
	switch p.Type {
	case "ByteLevel":
		return nil, nil, nil
	case "Sequence":
		for i := range p.Processors {
			b, a, err := p.Processors[i].around(size)
			if err != nil {
				return nil, nil, err
			}
			before, after = append(b, before...), append(after, a...)
		}
		return before, after, nil
	case "TemplateProcessing":
	default:
		return nil, nil, fmt.Errorf("its post_processor is of the type %q, which is not supported", p.Type)
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
			return nil, nil, errors.New("its post_processor has an item that is neither a text nor a special token")
		}
		token, ok := p.SpecialTokens[name]
		if !ok {
			return nil, nil, fmt.Errorf("its post_processor adds %q, but does not say what that is", name)
		}
		for _, id := range token.IDs {
			if id < 0 || id >= int64(size) {
				return nil, nil, fmt.Errorf("its post_processor adds the token %d, of %d tokens", id, size)
			}
			if texts == 0 {
				before = append(before, int32(id))
			} else {
				after = append(after, int32(id))
			}
		}
	}
	if texts != 1 {
		return nil, nil, fmt.Errorf("its post_processor gives a text %d times", texts)
	}
	return before, after, nil
}
