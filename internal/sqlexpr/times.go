package sqlexpr

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Expressions compute dates as days, and timestamps as microseconds, since 1970 in the proleptic Gregorian calendar. The time zone
// of the session is UTC, which jobs on Spark set.
const (
	microsOfSecond = 1_000_000
	microsOfDay    = 86400 * microsOfSecond
)

var (
	timestampType    = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	timestampNTZType = &arrow.TimestampType{Unit: arrow.Microsecond}
	// monthSpan and timeSpan are the types of intervals, which are int64 months and microseconds. They occur within expressions only.
	monthSpan = arrow.FixedWidthTypes.MonthInterval
	timeSpan  = arrow.FixedWidthTypes.DayTimeInterval
	daySpan   = arrow.FixedWidthTypes.MonthDayNanoInterval // of whole days
)

func isNTZ(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.TimeZone == ""
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// micros converts a timestamp of any unit to microseconds.
func micros(t term) term {
	ts, ok := t.t.(*arrow.TimestampType)
	if !ok || ts.Unit == arrow.Microsecond {
		return t
	}
	to := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: ts.TimeZone}
	return t.mapped(t.at, to, func(v any) any {
		n, ok := v.(int64)
		if !ok {
			return nil
		}
		switch ts.Unit {
		case arrow.Second:
			return multiply(n, microsOfSecond, 64, "seconds as a TIMESTAMP")
		case arrow.Millisecond:
			return multiply(n, 1000, 64, "milliseconds as a TIMESTAMP")
		}
		return floorDiv(n, 1000)
	})
}

func dayTime(days int64) time.Time { return time.Unix(days*86400, 0).UTC() }

func instantTime(us int64) time.Time { return time.UnixMicro(us).UTC() }

func daysOf(year, month, day int) int64 {
	return floorDiv(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix(), 86400)
}

// addMonths keeps the day of the month, or takes the last one of a shorter month.
func addMonths(days, months int64) int64 {
	t := dayTime(days)
	total := int64(t.Year())*12 + int64(t.Month()) - 1 + months
	year, month := int(floorDiv(total, 12)), int(total-12*floorDiv(total, 12))+1
	return daysOf(year, month, min(t.Day(), daysIn(year, month)))
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// year0 formats a year as Java does: with at least 4 digits, and a sign if it has more.
func year0(year int) string {
	s := strconv.Itoa(max(year, -year))
	for len(s) < 4 {
		s = "0" + s
	}
	switch {
	case year < 0:
		return "-" + s
	case len(s) > 4:
		return "+" + s
	}
	return s
}

func dateText(days int64) string {
	t := dayTime(days)
	return year0(t.Year()) + t.Format("-01-02")
}

func timestampText(us int64) string {
	t := instantTime(us)
	text := year0(t.Year()) + t.Format("-01-02 15:04:05")
	if us := t.Nanosecond() / 1000; us > 0 {
		digits := strconv.Itoa(1_000_000 + us)[1:]
		text += "." + strings.TrimRight(digits, "0")
	}
	return text
}

// isSpace is what Spark trims around values of texts.
func isSpace(r rune) bool { return r <= ' ' || r == 0x7f }

// parseDate parses a text as Spark casts it: year[-month[-day]] with 4 to 7 digits of the year, and anything after a space or T.
func parseDate(s string) (days int64, ok bool) {
	s = strings.TrimFunc(s, isSpace)
	sign := 1
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		s, sign = rest, -1
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	parts := strings.SplitN(s, "-", 3)
	if len(parts) == 3 {
		if at := strings.IndexAny(parts[2], " T"); at >= 0 {
			parts[2] = parts[2][:at]
		}
	}
	fields := [3]int{1, 1, 1}
	for i, p := range parts {
		least, most := 1, 2
		if i == 0 {
			least, most = 4, 7
		}
		n, good := digits(p, least, most)
		if !good {
			return 0, false
		}
		fields[i] = n
	}
	year, month, day := sign*fields[0], fields[1], fields[2]
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return daysOf(year, month, day), true
}

func digits(s string, least, most int) (n int, ok bool) {
	if len(s) < least || len(s) > most {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// parseTimestamp parses a text as Spark casts it: a date, and [h]h:[m]m[:[s]s[.fraction]] after a space or T, with a zone such as Z,
// UTC or +02:00. zoned reports whether there was a zone.
func parseTimestamp(s string) (us int64, zoned, ok bool) {
	s = strings.TrimFunc(s, isSpace)
	at := strings.IndexAny(s, " T")
	if at < 0 {
		days, ok := parseDate(s)
		return days * microsOfDay, false, ok
	}
	date, clock := s[:at], s[at+1:]
	days, ok := parseDate(date)
	if !ok || strings.Count(strings.TrimLeft(date, "+-"), "-") != 2 || clock == "" {
		return 0, false, false
	}
	offset := int64(0)
	if at := strings.IndexFunc(clock, func(r rune) bool { return r != ':' && r != '.' && !isASCIIDigit(r) }); at >= 0 {
		zone := strings.TrimFunc(clock[at:], isSpace)
		if clock = clock[:at]; zone != "" {
			if offset, ok = zoneOffset(zone); !ok {
				return 0, false, false
			}
			zoned = true
		}
	}
	clock, fraction, hasFraction := strings.Cut(clock, ".")
	parts := strings.Split(clock, ":")
	if len(parts) < 2 || len(parts) > 3 || hasFraction && len(parts) != 3 {
		return 0, false, false
	}
	var fields [3]int
	for i, p := range parts {
		if fields[i], ok = digits(p, 1, 2); !ok {
			return 0, false, false
		}
	}
	if fields[0] > 23 || fields[1] > 59 || fields[2] > 59 {
		return 0, false, false
	}
	part := 0
	if hasFraction {
		if len(fraction) > 6 {
			if _, ok := digits(fraction[6:], 0, 100); !ok {
				return 0, false, false
			}
			fraction = fraction[:6]
		}
		n, ok := digits(fraction, 0, 6)
		if !ok {
			return 0, false, false
		}
		for range 6 - len(fraction) {
			n *= 10
		}
		part = n
	}
	seconds := int64(fields[0]*3600+fields[1]*60+fields[2]) - offset
	return days*microsOfDay + seconds*microsOfSecond + int64(part), zoned, true
}

// zoneOffset returns the seconds east of UTC. Names of regions are not known.
func zoneOffset(zone string) (seconds int64, ok bool) {
	for _, prefix := range []string{"UTC", "GMT", "UT"} {
		if rest, has := strings.CutPrefix(zone, prefix); has {
			if rest == "" {
				return 0, true
			}
			zone = rest
			break
		}
	}
	if zone == "Z" {
		return 0, true
	}
	sign := int64(1)
	switch {
	case strings.HasPrefix(zone, "-"):
		sign = -1
	case !strings.HasPrefix(zone, "+"):
		return 0, false
	}
	parts := strings.Split(zone[1:], ":")
	if len(parts) == 1 && len(zone) == 5 {
		parts = []string{zone[1:3], zone[3:]}
	}
	hours, ok := digits(parts[0], 1, 2)
	minutes := 0
	if ok && len(parts) == 2 {
		minutes, ok = digits(parts[1], 1, 2)
	}
	if !ok || len(parts) > 2 || hours > 18 || minutes > 59 || hours == 18 && minutes > 0 {
		return 0, false
	}
	return sign * int64(hours*3600+minutes*60), true
}
