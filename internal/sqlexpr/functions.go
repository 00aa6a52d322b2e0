package sqlexpr

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// plain is a function of Spark itself.
type plain struct {
	form        string
	least, most int // number of arguments; most is -1 for no bound
	bind        func(b *binder, n call, args []term) (term, error)
}

var plainFunctions map[string]plain

func init() {
	length := plain{"length(text)", 1, 1, overTexts(arrow.PrimitiveTypes.Int32, func(s []string) any { return int64(utf8.RuneCountInString(s[0])) })}
	lower := plain{"lower(text)", 1, 1, overTexts(arrow.BinaryTypes.String, func(s []string) any { return cases.Lower(language.Und).String(s[0]) })}
	upper := plain{"upper(text)", 1, 1, overTexts(arrow.BinaryTypes.String, func(s []string) any { return cases.Upper(language.Und).String(s[0]) })}
	substring := plain{"substring(text, from[, length])", 2, 3, bindSubstring}
	ifNull := plain{"ifnull(value, otherwise)", 2, 2, bindCoalesce}
	plainFunctions = map[string]plain{ // in init, because hints list the names
		"length": length, "char_length": length, "character_length": length, "len": length,
		"lower": lower, "lcase": lower, "upper": upper, "ucase": upper,
		"trim":      {"trim(text)", 1, 1, overTexts(arrow.BinaryTypes.String, func(s []string) any { return strings.Trim(s[0], " ") })},
		"ltrim":     {"ltrim(text)", 1, 1, overTexts(arrow.BinaryTypes.String, func(s []string) any { return strings.TrimLeft(s[0], " ") })},
		"rtrim":     {"rtrim(text)", 1, 1, overTexts(arrow.BinaryTypes.String, func(s []string) any { return strings.TrimRight(s[0], " ") })},
		"concat":    {"concat(text, ...)", 1, -1, overTexts(arrow.BinaryTypes.String, func(s []string) any { return strings.Join(s, "") })},
		"substring": substring, "substr": substring,
		"contains":     {"contains(text, piece)", 2, 2, overTexts(arrow.FixedWidthTypes.Boolean, func(s []string) any { return strings.Contains(s[0], s[1]) })},
		"startswith":   {"startswith(text, beginning)", 2, 2, overTexts(arrow.FixedWidthTypes.Boolean, func(s []string) any { return strings.HasPrefix(s[0], s[1]) })},
		"endswith":     {"endswith(text, end)", 2, 2, overTexts(arrow.FixedWidthTypes.Boolean, func(s []string) any { return strings.HasSuffix(s[0], s[1]) })},
		"coalesce":     {"coalesce(value, ...)", 1, -1, bindCoalesce},
		"ifnull":       ifNull,
		"nvl":          ifNull,
		"nullif":       {"nullif(value, other)", 2, 2, bindNullIf},
		"if":           {"if(condition, value, otherwise)", 3, 3, func(b *binder, n call, args []term) (term, error) { return b.chosen(n.at(), args[:1], args[1:]) }},
		"array":        {"array(value, ...)", 0, -1, bindArray},
		"map":          {"map('key', value, ...)", 0, -1, bindMap},
		"named_struct": {"named_struct('name', value, ...)", 2, -1, bindNamedStruct},
		"struct":       {"struct(value, ...)", 1, -1, bindStruct},
	}
}

// plainNames lists the functions.
func plainNames() string { return strings.Join(slices.Sorted(maps.Keys(plainFunctions)), ", ") }

// overTexts binds a function of texts. Its value is NULL if an argument is NULL.
// Integers and booleans are converted to text.
func overTexts(returns arrow.DataType, f func([]string) any) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		for _, a := range args {
			switch classOf(a.t) {
			case void, text, integer, boolean:
			default:
				return term{}, b.wrong(a.at, "this is %s, but %s takes a text", sqlType(a.t), n.name)
			}
		}
		return combined(n.at(), returns, args, func(v []values, i int) any {
			texts := make([]string, len(v))
			for k, of := range v {
				value := of(i)
				if value == nil {
					return nil
				}
				texts[k] = asText(value)
			}
			return f(texts)
		}), nil
	}
}

func bindSubstring(b *binder, n call, args []term) (term, error) {
	switch classOf(args[0].t) {
	case void, text, integer, boolean:
	default:
		return term{}, b.wrong(args[0].at, "this is %s, but %s takes a text", sqlType(args[0].t), n.name)
	}
	for _, a := range args[1:] {
		if c := classOf(a.t); c != void && (c != integer || a.t.ID() == arrow.INT64) {
			return term{}, b.wrong(a.at, "this is %s, but %s takes an INT", sqlType(a.t), n.name)
		}
	}
	return combined(n.at(), arrow.BinaryTypes.String, args, func(v []values, i int) any {
		s, from, length := v[0](i), v[1](i), any(int64(math.MaxInt32))
		if len(v) > 2 {
			length = v[2](i)
		}
		if s == nil || from == nil || length == nil {
			return nil
		}
		return substring(asText(s), from.(int64), length.(int64))
	}), nil
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

func bindCoalesce(b *binder, n call, args []term) (term, error) {
	t, err := b.common(n.at(), args)
	if err != nil {
		return term{}, err
	}
	return combined(n.at(), t, args, func(v []values, i int) any {
		for _, of := range v {
			if value := of(i); value != nil {
				return value
			}
		}
		return nil
	}), nil
}

func bindNullIf(b *binder, n call, args []term) (term, error) {
	equal, err := b.comparing(n.at(), "=", args[0], args[1])
	if err != nil {
		return term{}, err
	}
	return combined(n.at(), plainType(args[0].t), []term{equal, args[0]}, func(v []values, i int) any {
		if v[0](i) == true {
			return nil
		}
		return v[1](i)
	}), nil
}

func bindArray(b *binder, n call, args []term) (term, error) {
	t, err := b.common(n.at(), args)
	if err != nil {
		return term{}, err
	}
	return combined(n.at(), arrow.ListOf(t), args, func(v []values, i int) any {
		l := make(list, len(v))
		for k, of := range v {
			l[k] = of(i)
		}
		return l
	}), nil
}

func bindMap(b *binder, n call, args []term) (term, error) {
	if len(args)%2 != 0 {
		return term{}, b.wrong(n.at(), "the keys and values of map come in pairs: map('key', value, ...)")
	}
	var keys, items []term
	for i := 0; i < len(args); i += 2 {
		key := args[i]
		if !key.constant || classOf(key.t) != text {
			return term{}, b.wrong(key.at, "a key of map must be a text in quotes here")
		}
		for _, k := range keys {
			if k.value() == key.value() {
				return term{}, b.wrong(key.at, "the key %s occurs twice", sensitive.Of(key.value()))
			}
		}
		keys, items = append(keys, key), append(items, args[i+1])
	}
	t, err := b.common(n.at(), items)
	if err != nil {
		return term{}, err
	}
	var keyType arrow.DataType = arrow.BinaryTypes.String
	if len(keys) == 0 {
		return term{}, b.wrong(n.at(), "the map is empty; remove it")
	}
	return combined(n.at(), arrow.MapOf(keyType, t), items, func(v []values, i int) any {
		m := mapping{}
		for k, of := range v {
			m.keys, m.values = append(m.keys, keys[k].value()), append(m.values, of(i))
		}
		return m
	}), nil
}

func bindNamedStruct(b *binder, n call, args []term) (term, error) {
	if len(args)%2 != 0 {
		return term{}, b.wrong(n.at(), "the names and values of named_struct come in pairs: named_struct('name', value, ...)")
	}
	var names []string
	var values []term
	for i := 0; i < len(args); i += 2 {
		name := args[i]
		if !name.constant || classOf(name.t) != text {
			return term{}, b.wrong(name.at, "a name of named_struct must be a text in quotes")
		}
		names, values = append(names, name.value().(string)), append(values, args[i+1])
	}
	return b.fields(n, names, values)
}

// bindStruct names the fields as Spark does: by their column, or else by their
// number.
func bindStruct(b *binder, n call, args []term) (term, error) {
	names := make([]string, len(args))
	for i, a := range n.args {
		switch of := a.value.(type) {
		case name:
			names[i] = of.name
		case field:
			names[i] = of.name
		default:
			names[i] = fmt.Sprintf("col%d", i+1)
		}
	}
	return b.fields(n, names, args)
}

func (b *binder) fields(n call, names []string, args []term) (term, error) {
	fields := make([]arrow.Field, len(args))
	for i, a := range args {
		if classOf(a.t) == other && a.array != nil {
			return term{}, b.wrong(a.at, "a value of type %s cannot be put into a struct here", sqlType(a.t))
		}
		fields[i] = arrow.Field{Name: names[i], Type: plainType(a.t), Nullable: true}
	}
	return combined(n.at(), arrow.StructOf(fields...), args, func(v []values, i int) any {
		set := make(fieldSet, len(v))
		for k, of := range v {
			set[k] = of(i)
		}
		return set
	}), nil
}
