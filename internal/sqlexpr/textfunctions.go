package sqlexpr

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func lowerText(s string) string { return cases.Lower(language.Und).String(s) }

// textFunctions are Spark's functions of texts, by their names.
func textFunctions() map[string]plain {
	texts := func(form string, least, most int, f func([]string) any) plain {
		return plain{form, least, most, overTexts(arrow.BinaryTypes.String, f)}
	}
	numbers := func(form string, least, most int, f func([]string) any) plain {
		return plain{form, least, most, overTexts(arrow.PrimitiveTypes.Int32, f)}
	}
	conditions := func(form string, f func([]string) any) plain {
		return plain{form, 2, 2, overTexts(arrow.FixedWidthTypes.Boolean, f)}
	}
	return map[string]plain{
		"length char_length character_length len": numbers("length(text)", 1, 1, func(s []string) any { return int64(utf8.RuneCountInString(s[0])) }),
		"lower lcase": texts("lower(text)", 1, 1, func(s []string) any { return lowerText(s[0]) }),
		"upper ucase": texts("upper(text)", 1, 1, func(s []string) any { return cases.Upper(language.Und).String(s[0]) }),
		"trim":        texts("trim(text)", 1, 1, func(s []string) any { return strings.Trim(s[0], " ") }),
		"ltrim":       texts("ltrim(text)", 1, 1, func(s []string) any { return strings.TrimLeft(s[0], " ") }),
		"rtrim":       texts("rtrim(text)", 1, 1, func(s []string) any { return strings.TrimRight(s[0], " ") }),
		"concat":      texts("concat(text, ...)", 1, -1, func(s []string) any { return strings.Join(s, "") }),
		"reverse":     texts("reverse(text)", 1, 1, func(s []string) any { return reversed(s[0]) }),
		"replace":     texts("replace(text, piece[, by])", 2, 3, replaceText),
		"instr":       numbers("instr(text, piece)", 2, 2, func(s []string) any { return position(s[0], s[1]) }),
		"contains":    conditions("contains(text, piece)", func(s []string) any { return strings.Contains(s[0], s[1]) }),
		"startswith":  conditions("startswith(text, beginning)", func(s []string) any { return strings.HasPrefix(s[0], s[1]) }),
		"endswith":    conditions("endswith(text, end)", func(s []string) any { return strings.HasSuffix(s[0], s[1]) }),
		"substring substr": {"substring(text, from[, length])", 2, 3, overTextAndInts(1, func(s []string, n []int64) any {
			if len(n) == 1 {
				n = append(n, math.MaxInt32)
			}
			return substring(s[0], n[0], n[1])
		})},
		"left":   {"left(text, length)", 2, 2, overTextAndInts(1, func(s []string, n []int64) any { return substring(s[0], 1, max(0, n[0])) })},
		"right":  {"right(text, length)", 2, 2, overTextAndInts(1, func(s []string, n []int64) any { return lastCharacters(s[0], n[0]) })},
		"repeat": {"repeat(text, times)", 2, 2, overTextAndInts(1, func(s []string, n []int64) any { return repeated(s[0], n[0]) })},
		"regexp_like regexp rlike": {"regexp_like(text, 'pattern')", 2, 2, func(b *binder, n call, args []term) (term, error) {
			return b.matching(n.at(), args[0], args[1], n.name)
		}},
		"regexp_extract": {"regexp_extract(text, 'pattern'[, group])", 2, 3, bindExtract},
		"regexp_replace": {"regexp_replace(text, 'pattern', 'replacement')", 3, 3, bindReplace},
	}
}

// texts converts arguments to texts; integers and booleans become texts.
func (b *binder) texts(n call, args []term) ([]term, error) {
	all := slices.Clone(args)
	for i, a := range all {
		if c := classOf(a.t); c == other || c == span {
			return nil, b.wrong(a.at, "this is %s, but %s takes a text", sqlType(a.t), n.name)
		}
		var err error
		if all[i], err = b.castTo(a.at, a, arrow.BinaryTypes.String, false); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// overTexts binds a function of texts. Its value is NULL if an argument is NULL.
func overTexts(returns arrow.DataType, f func([]string) any) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		args, err := b.texts(n, args)
		if err != nil {
			return term{}, err
		}
		return combined(n.at(), returns, args, func(v []values, i int) any {
			texts := make([]string, len(v))
			for k, of := range v {
				value := of(i)
				if value == nil {
					return nil
				}
				texts[k] = value.(string)
			}
			return f(texts)
		}), nil
	}
}

// overTextAndInts binds a function that returns a text, of some texts and then of integers.
func overTextAndInts(count int, f func([]string, []int64) any) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		texts, err := b.texts(n, args[:count])
		if err != nil {
			return term{}, err
		}
		ints := slices.Clone(args[count:])
		for i, a := range ints {
			if c := classOf(a.t); c != void && c != text && (c != integer || a.t.ID() == arrow.INT64) {
				return term{}, b.wrong(a.at, "this is %s, but %s takes an INT", sqlType(a.t), n.name)
			}
			if ints[i], err = b.castTo(a.at, a, arrow.PrimitiveTypes.Int32, false); err != nil {
				return term{}, err
			}
		}
		return combined(n.at(), arrow.BinaryTypes.String, append(texts, ints...), func(v []values, i int) any {
			var s []string
			var k []int64
			for at, of := range v {
				value := of(i)
				if value == nil {
					return nil
				}
				if at < count {
					s = append(s, value.(string))
				} else {
					k = append(k, value.(int64))
				}
			}
			return f(s, k)
		}), nil
	}
}

// substring counts characters from 1, or from the end if from is negative; 0
// means 1. Positions before the text count towards the length.
func substring(s string, from, length int64) string {
	runes := []rune(s)
	n := int64(len(runes))
	switch {
	case from > 0:
		from--
	case from < 0:
		from += n
	}
	to := min(from+length, n)
	from = max(from, 0)
	if from >= to {
		return ""
	}
	return string(runes[from:to])
}

func lastCharacters(s string, n int64) string {
	runes := []rune(s)
	return string(runes[len(runes)-int(max(0, min(n, int64(len(runes))))):])
}

func reversed(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// maxRepeated bounds the text of repeat, in bytes.
const maxRepeated = 16 << 20

func repeated(s string, n int64) string {
	if n <= 0 || s == "" {
		return ""
	}
	if n > maxRepeated/int64(len(s)) {
		fail("COLLECTION_SIZE_LIMIT_EXCEEDED", "repeat makes a text of more than %d MiB", maxRepeated>>20)
	}
	return strings.Repeat(s, int(n))
}

func replaceText(s []string) any {
	by := ""
	if len(s) > 2 {
		by = s[2]
	}
	if s[1] == "" {
		return s[0]
	}
	return strings.ReplaceAll(s[0], s[1], by)
}

// position counts characters from 1; 0 means that the piece does not occur.
func position(s, piece string) int64 {
	at := strings.Index(s, piece)
	if at < 0 {
		return 0
	}
	return int64(utf8.RuneCountInString(s[:at])) + 1
}

// compiled returns the regular expression of an argument. known is false if it is NULL.
func (b *binder) compiled(of, pattern term, op string) (re javaRegexp, known bool, err error) {
	written, known, err := b.patternOf(of, pattern, op)
	if err != nil || !known {
		return re, false, err
	}
	if re, err = compileJava(written); err != nil {
		return re, false, b.wrong(pattern.at, "%v", err)
	}
	return re, true, nil
}

// bindExtract is a group of the first match, or an empty text.
func bindExtract(b *binder, n call, args []term) (term, error) {
	re, known, err := b.compiled(args[0], args[1], n.name)
	if err != nil {
		return term{}, err
	}
	group := any(int64(1))
	if len(args) > 2 {
		if !args[2].constant || classOf(args[2].t) != integer {
			return term{}, b.wrong(args[2].at, "the group of %s must be a number here", n.name)
		}
		if group, err = b.constantValue(args[2]); err != nil {
			return term{}, err
		}
	}
	if !known {
		return args[0].mapped(n.at(), arrow.BinaryTypes.String, func(any) any { return nil }), nil
	}
	g := int(group.(int64))
	if g < 0 || g > re.NumSubexp() {
		return term{}, b.wrong(n.at(), "the regular expression has %d groups, and no group %d; write the group as the third argument, 0 for the whole match", re.NumSubexp(), g)
	}
	return args[0].mapped(n.at(), arrow.BinaryTypes.String, notNull(func(v any) any {
		m := re.find(v.(string))
		if m == nil || m[2*g] < 0 {
			return ""
		}
		return v.(string)[m[2*g]:m[2*g+1]]
	})), nil
}

func bindReplace(b *binder, n call, args []term) (term, error) {
	re, known, err := b.compiled(args[0], args[1], n.name)
	if err != nil {
		return term{}, err
	}
	by, knownBy, err := b.patternOf(args[0], args[2], n.name)
	if err != nil {
		return term{}, err
	}
	if !known || !knownBy {
		return args[0].mapped(n.at(), arrow.BinaryTypes.String, func(any) any { return nil }), nil
	}
	if re.ends {
		return term{}, b.wrong(args[1].at, "$ and \\Z are not supported in %s; write \\z for the end of the text", n.name)
	}
	if re.matchesEmpty() {
		return term{}, b.wrong(args[1].at, "this regular expression can match an empty text, and cannot be replaced here")
	}
	parts, err := replacementOf(by, re.NumSubexp())
	if err != nil {
		return term{}, b.wrong(args[2].at, "%v", err)
	}
	return args[0].mapped(n.at(), arrow.BinaryTypes.String, notNull(func(v any) any { return re.replace(v.(string), parts) })), nil
}
