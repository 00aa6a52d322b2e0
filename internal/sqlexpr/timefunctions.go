package sqlexpr

import (
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// begun is the time of current_date and current_timestamp: one for all rows and expressions of the process.
var begun = sync.OnceValue(time.Now)

// timeFunctions are Spark's functions of dates and timestamps, by their names.
func timeFunctions() map[string]plain {
	parts := func(form string, f func(time.Time) int) plain {
		return plain{form, 1, 1, overTimes(arrow.FixedWidthTypes.Date32, func(v int64) any { return int64(f(dayTime(v))) })}
	}
	clock := func(form string, f func(time.Time) int) plain {
		return plain{form, 1, 1, overTimes(timestampType, func(v int64) any { return int64(f(instantTime(v))) })}
	}
	converted := func(form string, to arrow.DataType) plain {
		return plain{form, 1, 1, func(b *binder, n call, args []term) (term, error) { return b.castTo(n.at(), args[0], to, false) }}
	}
	now := func(form string, t arrow.DataType, f func(time.Time) int64) plain {
		return plain{form, 0, 0, func(_ *binder, n call, _ []term) (term, error) { return constantTerm(n.at(), f(begun()), t), nil }}
	}
	return map[string]plain{
		"year":                  parts("year(date)", func(t time.Time) int { return t.Year() }),
		"quarter":               parts("quarter(date)", func(t time.Time) int { return (int(t.Month()) + 2) / 3 }),
		"month":                 parts("month(date)", func(t time.Time) int { return int(t.Month()) }),
		"day dayofmonth":        parts("day(date)", func(t time.Time) int { return t.Day() }),
		"dayofyear":             parts("dayofyear(date)", func(t time.Time) int { return t.YearDay() }),
		"dayofweek":             parts("dayofweek(date)", func(t time.Time) int { return int(t.Weekday()) + 1 }),
		"weekday":               parts("weekday(date)", func(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }),
		"weekofyear":            parts("weekofyear(date)", func(t time.Time) int { _, week := t.ISOWeek(); return week }),
		"hour":                  clock("hour(timestamp)", time.Time.Hour),
		"minute":                clock("minute(timestamp)", time.Time.Minute),
		"second":                clock("second(timestamp)", time.Time.Second),
		"to_date":               converted("to_date(value)", arrow.FixedWidthTypes.Date32),
		"date":                  converted("date(value)", arrow.FixedWidthTypes.Date32),
		"to_timestamp":          converted("to_timestamp(value)", timestampType),
		"timestamp":             converted("timestamp(value)", timestampType),
		"last_day":              {"last_day(date)", 1, 1, bindLastDay},
		"date_add dateadd":      {"date_add(date, days)", 2, 2, bindDateAdd(1)},
		"date_sub":              {"date_sub(date, days)", 2, 2, bindDateAdd(-1)},
		"add_months":            {"add_months(date, months)", 2, 2, bindAddMonths},
		"datediff date_diff":    {"datediff(end, begin)", 2, 2, bindDateDiff},
		"current_date curdate":  now("current_date()", arrow.FixedWidthTypes.Date32, func(t time.Time) int64 { return floorDiv(t.Unix(), 86400) }),
		"current_timestamp now": now("current_timestamp()", timestampType, time.Time.UnixMicro),
	}
}

// overTimes binds a function of a date or a timestamp that returns an INT.
func overTimes(of arrow.DataType, f func(int64) any) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		arg, err := b.asTime(n, args[0], of)
		return arg.mapped(n.at(), arrow.PrimitiveTypes.Int32, notNull(func(v any) any { return f(v.(int64)) })), err
	}
}

// asTime converts an argument to DATE or TIMESTAMP. TIMESTAMP_NTZ stays.
func (b *binder) asTime(n call, of term, to arrow.DataType) (term, error) {
	if c := classOf(of.t); c != void && c != text && !(isTime(c) && c != span) {
		return term{}, b.wrong(of.at, "this is %s, but %s takes a date or a timestamp", sqlType(of.t), n.name)
	}
	return b.castTo(of.at, of, to, false)
}

func bindLastDay(b *binder, n call, args []term) (term, error) {
	d, err := b.asTime(n, args[0], arrow.FixedWidthTypes.Date32)
	return d.mapped(n.at(), arrow.FixedWidthTypes.Date32, notNull(func(v any) any {
		t := dayTime(v.(int64))
		return daysOf(t.Year(), int(t.Month()), daysIn(t.Year(), int(t.Month())))
	})), err
}

// dateAndInt converts the arguments of date_add and add_months.
func (b *binder) dateAndInt(n call, args []term) ([]term, error) {
	d, err := b.asTime(n, args[0], arrow.FixedWidthTypes.Date32)
	if err != nil {
		return nil, err
	}
	k := args[1]
	if c := classOf(k.t); c != void && c != text && (c != integer || bitsOf(k.t) > 32) {
		return nil, b.wrong(k.at, "this is %s, but %s takes an INT", sqlType(k.t), n.name)
	}
	if k, err = b.castTo(k.at, k, arrow.PrimitiveTypes.Int32, false); err != nil {
		return nil, err
	}
	return []term{d, k}, nil
}

func bindDateAdd(sign int64) func(*binder, call, []term) (term, error) {
	return func(b *binder, n call, args []term) (term, error) {
		operands, err := b.dateAndInt(n, args)
		return both(n.at(), arrow.FixedWidthTypes.Date32, operands, func(d, k any) any { return day32(d.(int64) + sign*k.(int64)) }), err
	}
}

func bindAddMonths(b *binder, n call, args []term) (term, error) {
	operands, err := b.dateAndInt(n, args)
	return both(n.at(), arrow.FixedWidthTypes.Date32, operands, func(d, k any) any { return day32(addMonths(d.(int64), k.(int64))) }), err
}

func bindDateDiff(b *binder, n call, args []term) (term, error) {
	var operands []term
	for _, a := range args {
		d, err := b.asTime(n, a, arrow.FixedWidthTypes.Date32)
		if err != nil {
			return term{}, err
		}
		operands = append(operands, d)
	}
	return both(n.at(), arrow.PrimitiveTypes.Int32, operands, func(end, begin any) any { return fitting(end.(int64)-begin.(int64), 32, "the number of days") }), nil
}
