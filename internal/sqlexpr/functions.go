package sqlexpr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

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
	plainFunctions = map[string]plain{} // in init, because hints list the names
	for names, f := range map[string]plain{
		"coalesce":     {"coalesce(value, ...)", 1, -1, bindCoalesce},
		"ifnull nvl":   {"ifnull(value, otherwise)", 2, 2, bindCoalesce},
		"nullif":       {"nullif(value, other)", 2, 2, bindNullIf},
		"if iff":       {"if(condition, value, otherwise)", 3, 3, func(b *binder, n call, args []term) (term, error) { return b.chosen(n.at(), args[:1], args[1:]) }},
		"nvl2":         {"nvl2(value, if not null, if null)", 3, 3, bindNVL2},
		"isnull":       {"isnull(value)", 1, 1, func(_ *binder, n call, args []term) (term, error) { return isNullTerm(n.at(), args[0]), nil }},
		"isnotnull":    {"isnotnull(value)", 1, 1, bindIsNotNull},
		"greatest":     {"greatest(value, value, ...)", 2, -1, bindExtreme(1)},
		"least":        {"least(value, value, ...)", 2, -1, bindExtreme(-1)},
		"array":        {"array(value, ...)", 0, -1, bindArray},
		"map":          {"map('key', value, ...)", 0, -1, bindMap},
		"named_struct": {"named_struct('name', value, ...)", 2, -1, bindNamedStruct},
		"struct":       {"struct(value, ...)", 1, -1, bindStruct},
	} {
		addPlain(names, f)
	}
	for _, group := range []map[string]plain{textFunctions(), timeFunctions(), numberFunctions()} {
		for names, f := range group {
			addPlain(names, f)
		}
	}
}

// addPlain adds a function by its names, which spaces separate.
func addPlain(names string, f plain) {
	for _, name := range strings.Fields(names) {
		plainFunctions[name] = f
	}
}

// plainNames lists the functions.
func plainNames() string { return strings.Join(slices.Sorted(maps.Keys(plainFunctions)), ", ") }

func isNullTerm(at int, of term) term {
	result := of.mapped(at, arrow.FixedWidthTypes.Boolean, func(v any) any { return v == nil })
	result.judge = judgeNull(of)
	return result
}

func bindIsNotNull(_ *binder, n call, args []term) (term, error) {
	of := isNullTerm(n.at(), args[0])
	result := of.mapped(n.at(), arrow.FixedWidthTypes.Boolean, func(v any) any { return !v.(bool) })
	result.judge = judgeNot(of)
	return result, nil
}

func bindNVL2(b *binder, n call, args []term) (term, error) {
	present, _ := bindIsNotNull(b, n, args[:1])
	return b.chosen(n.at(), []term{present}, args[1:])
}

// bindExtreme is the greatest or the least value that is not NULL.
func bindExtreme(sign int) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		t, err := b.common(n.at(), args)
		if err == nil && classOf(t) == other {
			err = b.wrong(n.at(), "values of type %s cannot be compared here", sqlType(t))
		}
		if err != nil {
			return term{}, err
		}
		return combined(n.at(), t, args, func(v []values, i int) any {
			var best any
			for _, of := range v {
				if x := of(i); x != nil && (best == nil || sign*order(x, best) > 0) {
					best = x
				}
			}
			return best
		}), nil
	}
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
