package functions

import "github.com/firesteel/firesteel/spark"

// Functions of dates and times.

// CurrentDate is the date at the start of the query.
func CurrentDate() spark.Column {
	return spark.Call("current_date")
}

// CurrentTimestamp is the time at the start of the query.
func CurrentTimestamp() spark.Column {
	return spark.Call("current_timestamp")
}

// Year is the year.
func Year(c spark.Column) spark.Column {
	return spark.Call("year", c)
}

// Quarter is the quarter, 1 to 4.
func Quarter(c spark.Column) spark.Column {
	return spark.Call("quarter", c)
}

// Month is the month, 1 to 12.
func Month(c spark.Column) spark.Column {
	return spark.Call("month", c)
}

// Day is the day of the month.
func Day(c spark.Column) spark.Column {
	return spark.Call("day", c)
}

// DayOfWeek is the day of the week, from 1 for Sunday to 7.
func DayOfWeek(c spark.Column) spark.Column {
	return spark.Call("dayofweek", c)
}

// DayOfYear is the day of the year.
func DayOfYear(c spark.Column) spark.Column {
	return spark.Call("dayofyear", c)
}

// WeekOfYear is the week of the year, as in ISO 8601.
func WeekOfYear(c spark.Column) spark.Column {
	return spark.Call("weekofyear", c)
}

// WeekDay is the day of the week, from 0 for Monday to 6.
func WeekDay(c spark.Column) spark.Column {
	return spark.Call("weekday", c)
}

// Hour is the hour.
func Hour(c spark.Column) spark.Column {
	return spark.Call("hour", c)
}

// Minute is the minute.
func Minute(c spark.Column) spark.Column {
	return spark.Call("minute", c)
}

// Second is the second.
func Second(c spark.Column) spark.Column {
	return spark.Call("second", c)
}

// DateAdd is the date days later.
func DateAdd(c spark.Column, days any) spark.Column {
	return spark.Call("date_add", c, days)
}

// DateSub is the date days earlier.
func DateSub(c spark.Column, days any) spark.Column {
	return spark.Call("date_sub", c, days)
}

// DateDiff is the number of days from start to c.
func DateDiff(c spark.Column, start spark.Column) spark.Column {
	return spark.Call("datediff", c, start)
}

// AddMonths is the date months later.
func AddMonths(c spark.Column, months any) spark.Column {
	return spark.Call("add_months", c, months)
}

// MonthsBetween is the number of months from start to c.
func MonthsBetween(c spark.Column, start spark.Column) spark.Column {
	return spark.Call("months_between", c, start)
}

// LastDay is the last day of the month.
func LastDay(c spark.Column) spark.Column {
	return spark.Call("last_day", c)
}

// NextDay is the first date later than c that is a day such as Mon.
func NextDay(c spark.Column, day any) spark.Column {
	return spark.Call("next_day", c, day)
}

// DateFormat is the time as text in a pattern such as yyyy-MM-dd.
func DateFormat(c spark.Column, pattern any) spark.Column {
	return spark.Call("date_format", c, pattern)
}

// ToDate is the date of a text in a pattern.
func ToDate(c spark.Column, pattern any) spark.Column {
	return spark.Call("to_date", c, pattern)
}

// ToTimestamp is the time of a text in a pattern.
func ToTimestamp(c spark.Column, pattern any) spark.Column {
	return spark.Call("to_timestamp", c, pattern)
}

// TryToTimestamp is the time of a text in a pattern, or NULL.
func TryToTimestamp(c spark.Column, pattern spark.Column) spark.Column {
	return spark.Call("try_to_timestamp", c, pattern)
}

// UnixTimestamp is the seconds since 1970 of a text in a pattern.
func UnixTimestamp(c spark.Column, pattern any) spark.Column {
	return spark.Call("unix_timestamp", c, pattern)
}

// FromUnixTime is seconds since 1970 as text in a pattern.
func FromUnixTime(c spark.Column, pattern any) spark.Column {
	return spark.Call("from_unixtime", c, pattern)
}

// TimestampSeconds is the time so many seconds after 1970.
func TimestampSeconds(c spark.Column) spark.Column {
	return spark.Call("timestamp_seconds", c)
}

// TimestampMillis is the time so many milliseconds after 1970.
func TimestampMillis(c spark.Column) spark.Column {
	return spark.Call("timestamp_millis", c)
}

// UnixMillis is the milliseconds since 1970.
func UnixMillis(c spark.Column) spark.Column {
	return spark.Call("unix_millis", c)
}

// Trunc is the first day of a unit such as month or year.
func Trunc(c spark.Column, unit any) spark.Column {
	return spark.Call("trunc", c, unit)
}

// DateTrunc is the start of a unit such as hour, day, week or month.
func DateTrunc(unit any, c spark.Column) spark.Column {
	return spark.Call("date_trunc", unit, c)
}

// FromUTCTimestamp is the local time of a zone at a time in UTC.
func FromUTCTimestamp(c spark.Column, zone any) spark.Column {
	return spark.Call("from_utc_timestamp", c, zone)
}

// ToUTCTimestamp is the time in UTC at a local time of a zone.
func ToUTCTimestamp(c spark.Column, zone any) spark.Column {
	return spark.Call("to_utc_timestamp", c, zone)
}

// MakeDate is the date of a year, month and day.
func MakeDate(year spark.Column, month spark.Column, day spark.Column) spark.Column {
	return spark.Call("make_date", year, month, day)
}

// TimeWindow is the window of a duration, such as 10 minutes, that a time is in, as a STRUCT of start and end, to group by.
func TimeWindow(c spark.Column, duration any) spark.Column {
	return spark.Call("window", c, duration)
}

// SessionWindow is the session that a time is in: one ends when no row comes for the gap.
func SessionWindow(c spark.Column, gap any) spark.Column {
	return spark.Call("session_window", c, gap)
}
