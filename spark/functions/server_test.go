package functions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
	F "github.com/firesteel/firesteel/spark/functions"
)

// pair is a function, and what it means in SQL.
type pair struct {
	column spark.Column
	sql    string
}

var scalars = []pair{
	{F.Upper(spark.Col("name")), `upper(name)`},
	{F.Lower(spark.Col("name")), `lower(name)`},
	{F.InitCap(spark.Col("name")), `initcap(name)`},
	{F.Length(spark.Col("name")), `length(name)`},
	{F.Trim(spark.Col("name")), `trim(name)`},
	{F.LTrim(spark.Col("name")), `ltrim(name)`},
	{F.RTrim(spark.Col("name")), `rtrim(name)`},
	{F.LPad(spark.Col("name"), 5, "*"), `lpad(name, 5, '*')`},
	{F.RPad(spark.Col("name"), 5, "*"), `rpad(name, 5, '*')`},
	{F.Substring(spark.Col("name"), 2, 5), `substring(name, 2, 5)`},
	{F.SubstringIndex(spark.Col("name"), " ", 1), `substring_index(name, ' ', 1)`},
	{F.Concat(spark.Col("name"), spark.Col("day")), `concat(name, day)`},
	{F.ConcatWS("-", spark.Col("name"), spark.Col("day")), `concat_ws('-', name, day)`},
	{F.Split(spark.Col("name"), " "), `split(name, ' ')`},
	{F.RegexpReplace(spark.Col("name"), "[a-z]+", "#"), `regexp_replace(name, '[a-z]+', '#')`},
	{F.RegexpExtract(spark.Col("name"), "[a-z]+", 0), `regexp_extract(name, '[a-z]+', 0)`},
	{F.RegexpExtractAll(spark.Col("name"), "[a-z]+", 0), `regexp_extract_all(name, '[a-z]+', 0)`},
	{F.RegexpCount(spark.Col("name"), "[a-z]+"), `regexp_count(name, '[a-z]+')`},
	{F.RegexpSubstr(spark.Col("name"), "[a-z]+"), `regexp_substr(name, '[a-z]+')`},
	{F.RegexpInStr(spark.Col("name"), "[a-z]+"), `regexp_instr(name, '[a-z]+')`},
	{F.Replace(spark.Col("name"), "n", "#"), `replace(name, 'n', '#')`},
	{F.Translate(spark.Col("name"), "nL", "#"), `translate(name, 'nL', '#')`},
	{F.Reverse(spark.Col("name")), `reverse(name)`},
	{F.Repeat(spark.Col("name"), 2), `repeat(name, 2)`},
	{F.InStr(spark.Col("name"), "n"), `instr(name, 'n')`},
	{F.Locate("n", spark.Col("name"), 2), `locate('n', name, 2)`},
	{F.Left(spark.Col("name"), 2), `left(name, 2)`},
	{F.Right(spark.Col("name"), 2), `right(name, 2)`},
	{F.SplitPart(spark.Col("name"), " ", 2), `split_part(name, ' ', 2)`},
	{F.Levenshtein(spark.Col("name"), spark.Col("day")), `levenshtein(name, day)`},
	{F.Soundex(spark.Col("name")), `soundex(name)`},
	{F.ASCII(spark.Col("name")), `ascii(name)`},
	{F.Chr(spark.Col("i")), `chr(i)`},
	{F.FormatString("%s!", spark.Col("name")), `format_string('%s!', name)`},
	{F.FormatNumber(spark.Col("x"), 1), `format_number(x, 1)`},
	{F.Base64(spark.Col("b")), `base64(b)`},
	{F.UnBase64(spark.Col("b64")), `unbase64(b64)`},
	{F.Encode(spark.Col("name"), "UTF-8"), `encode(name, 'UTF-8')`},
	{F.Decode(spark.Col("b"), "UTF-8"), `decode(b, 'UTF-8')`},
	{F.MD5(spark.Col("name")), `md5(name)`},
	{F.SHA1(spark.Col("name")), `sha1(name)`},
	{F.SHA2(spark.Col("name"), 256), `sha2(name, 256)`},
	{F.Hex(spark.Col("name")), `hex(name)`},
	{F.UnHex(spark.Col("hx")), `unhex(hx)`},
	{F.Overlay(spark.Col("name"), spark.Lit("xy"), 1, 2), `overlay(name, 'xy', 1, 2)`},
	{F.CharLength(spark.Col("name")), `char_length(name)`},
	{F.BitLength(spark.Col("name")), `bit_length(name)`},
	{F.OctetLength(spark.Col("name")), `octet_length(name)`},
	{F.Contains(spark.Col("name"), "n"), `contains(name, 'n')`},
	{F.StartsWith(spark.Col("name"), "A"), `startswith(name, 'A')`},
	{F.EndsWith(spark.Col("name"), "e"), `endswith(name, 'e')`},
	{F.URLEncode(spark.Col("name")), `url_encode(name)`},
	{F.URLDecode(spark.Col("name")), `url_decode(name)`},
	{F.ParseURL(spark.Col("url"), "HOST"), `parse_url(url, 'HOST')`},
	{F.Abs(spark.Col("x")), `abs(x)`},
	{F.Ceil(spark.Col("x")), `ceil(x)`},
	{F.Floor(spark.Col("x")), `floor(x)`},
	{F.Round(spark.Col("x"), 1), `round(x, 1)`},
	{F.BRound(spark.Col("x"), 1), `bround(x, 1)`},
	{F.Sqrt(spark.Col("x")), `sqrt(x)`},
	{F.Cbrt(spark.Col("x")), `cbrt(x)`},
	{F.Exp(spark.Col("x")), `exp(x)`},
	{F.Expm1(spark.Col("x")), `expm1(x)`},
	{F.Ln(spark.Col("x")), `ln(x)`},
	{F.Log(2.0, spark.Col("x")), `log(2.0D, x)`},
	{F.Log10(spark.Col("x")), `log10(x)`},
	{F.Log2(spark.Col("x")), `log2(x)`},
	{F.Log1p(spark.Col("x")), `log1p(x)`},
	{F.Pow(spark.Col("x"), 2), `pow(x, 2)`},
	{F.Signum(spark.Col("x")), `signum(x)`},
	{F.Sin(spark.Col("x")), `sin(x)`},
	{F.Cos(spark.Col("x")), `cos(x)`},
	{F.Tan(spark.Col("x")), `tan(x)`},
	{F.Asin(spark.Col("s")), `asin(s)`},
	{F.Acos(spark.Col("s")), `acos(s)`},
	{F.Atan(spark.Col("x")), `atan(x)`},
	{F.Atan2(spark.Col("x"), spark.Col("s")), `atan2(x, s)`},
	{F.Degrees(spark.Col("x")), `degrees(x)`},
	{F.Radians(spark.Col("x")), `radians(x)`},
	{F.PMod(spark.Col("i"), 2), `pmod(i, 2)`},
	{F.Factorial(spark.Col("i")), `factorial(i)`},
	{F.Greatest(spark.Col("x"), spark.Col("s")), `greatest(x, s)`},
	{F.Least(spark.Col("x"), spark.Col("s")), `least(x, s)`},
	{F.Rand(1), `rand(1)`},
	{F.Randn(1), `randn(1)`},
	{F.Bin(spark.Col("i")), `bin(i)`},
	{F.Conv(spark.Col("i"), 10, 2), `conv(i, 10, 2)`},
	{F.Hash(spark.Col("x"), spark.Col("name")), `hash(x, name)`},
	{F.XXHash64(spark.Col("x"), spark.Col("name")), `xxhash64(x, name)`},
	{F.CRC32(spark.Col("b")), `crc32(b)`},
	{F.ShiftLeft(spark.Col("i"), 2), `shiftleft(i, 2)`},
	{F.ShiftRight(spark.Col("i"), 2), `shiftright(i, 2)`},
	{F.WidthBucket(spark.Col("x"), 0, 10, 5), `width_bucket(x, 0, 10, 5)`},
	{F.TryDivide(spark.Col("x"), 2), `try_divide(x, 2)`},
	{F.TryAdd(spark.Col("x"), 1), `try_add(x, 1)`},
	{F.TrySubtract(spark.Col("x"), 1), `try_subtract(x, 1)`},
	{F.TryMultiply(spark.Col("x"), 1), `try_multiply(x, 1)`},
	{F.CurrentDate(), `current_date()`},
	{F.Year(F.CurrentTimestamp()), `year(current_timestamp())`},
	{F.Year(spark.Col("at")), `year(at)`},
	{F.Quarter(spark.Col("at")), `quarter(at)`},
	{F.Month(spark.Col("at")), `month(at)`},
	{F.Day(spark.Col("at")), `day(at)`},
	{F.DayOfWeek(spark.Col("at")), `dayofweek(at)`},
	{F.DayOfYear(spark.Col("at")), `dayofyear(at)`},
	{F.WeekOfYear(spark.Col("at")), `weekofyear(at)`},
	{F.WeekDay(spark.Col("at")), `weekday(at)`},
	{F.Hour(spark.Col("at")), `hour(at)`},
	{F.Minute(spark.Col("at")), `minute(at)`},
	{F.Second(spark.Col("at")), `second(at)`},
	{F.DateAdd(spark.Col("at"), 3), `date_add(at, 3)`},
	{F.DateSub(spark.Col("at"), 3), `date_sub(at, 3)`},
	{F.DateDiff(spark.Col("at"), spark.Lit(spark.Expr("date'2024-01-01'"))), `datediff(at, date'2024-01-01')`},
	{F.AddMonths(spark.Col("at"), 1), `add_months(at, 1)`},
	{F.MonthsBetween(spark.Col("at"), spark.Expr("date'2024-01-01'")), `months_between(at, date'2024-01-01')`},
	{F.LastDay(spark.Col("at")), `last_day(at)`},
	{F.NextDay(spark.Col("at"), "Mon"), `next_day(at, 'Mon')`},
	{F.DateFormat(spark.Col("at"), "yyyy-MM"), `date_format(at, 'yyyy-MM')`},
	{F.ToDate(spark.Col("day"), "yyyy-MM-dd"), `to_date(day, 'yyyy-MM-dd')`},
	{F.ToTimestamp(spark.Col("day"), "yyyy-MM-dd"), `to_timestamp(day, 'yyyy-MM-dd')`},
	{F.TryToTimestamp(spark.Col("day"), spark.Lit("yyyy-MM-dd")), `try_to_timestamp(day, 'yyyy-MM-dd')`},
	{F.UnixTimestamp(spark.Col("day"), "yyyy-MM-dd"), `unix_timestamp(day, 'yyyy-MM-dd')`},
	{F.FromUnixTime(spark.Col("i"), "yyyy"), `from_unixtime(i, 'yyyy')`},
	{F.TimestampSeconds(spark.Col("i")), `timestamp_seconds(i)`},
	{F.TimestampMillis(spark.Col("i")), `timestamp_millis(i)`},
	{F.UnixMillis(spark.Col("at")), `unix_millis(at)`},
	{F.Trunc(spark.Col("at"), "month"), `trunc(at, 'month')`},
	{F.DateTrunc("month", spark.Col("at")), `date_trunc('month', at)`},
	{F.FromUTCTimestamp(spark.Col("at"), "Europe/Berlin"), `from_utc_timestamp(at, 'Europe/Berlin')`},
	{F.ToUTCTimestamp(spark.Col("at"), "Europe/Berlin"), `to_utc_timestamp(at, 'Europe/Berlin')`},
	{F.MakeDate(spark.Lit(2024), spark.Lit(2), spark.Lit(29)), `make_date(2024, 2, 29)`},
	{F.Array(spark.Col("x"), spark.Col("s")), `array(x, s)`},
	{F.Struct(spark.Col("x"), spark.Col("name")), `struct(x, name)`},
	{F.NamedStruct("a", spark.Col("x")), `named_struct('a', x)`},
	{F.Map("a", spark.Col("x")), `map('a', x)`},
	{F.Size(spark.Col("xs")), `size(xs)`},
	{F.ArrayContains(spark.Col("xs"), 2), `array_contains(xs, 2)`},
	{F.ArrayDistinct(spark.Col("xs")), `array_distinct(xs)`},
	{F.ArrayJoin(spark.Col("names"), "-"), `array_join(names, '-')`},
	{F.ArrayMax(spark.Col("xs")), `array_max(xs)`},
	{F.ArrayMin(spark.Col("xs")), `array_min(xs)`},
	{F.ArrayPosition(spark.Col("xs"), 2), `array_position(xs, 2)`},
	{F.ArrayRemove(spark.Col("xs"), 2), `array_remove(xs, 2)`},
	{F.ArrayAppend(spark.Col("xs"), 2), `array_append(xs, 2)`},
	{F.ArrayUnion(spark.Col("xs"), spark.Col("ys")), `array_union(xs, ys)`},
	{F.ArrayIntersect(spark.Col("xs"), spark.Col("ys")), `array_intersect(xs, ys)`},
	{F.ArrayExcept(spark.Col("xs"), spark.Col("ys")), `array_except(xs, ys)`},
	{F.ArraysOverlap(spark.Col("xs"), spark.Col("ys")), `arrays_overlap(xs, ys)`},
	{F.ArraysZip(spark.Col("xs"), spark.Col("names")), `arrays_zip(xs, names)`},
	{F.SortArray(spark.Col("xs"), false), `sort_array(xs, false)`},
	{F.Flatten(spark.Col("xss")), `flatten(xss)`},
	{F.Slice(spark.Col("xs"), 2, 1), `slice(xs, 2, 1)`},
	{F.Sequence(spark.Lit(1), spark.Lit(3)), `sequence(1, 3)`},
	{F.ElementAt(spark.Col("xs"), 1), `element_at(xs, 1)`},
	{F.TryElementAt(spark.Col("xs"), spark.Lit(9)), `try_element_at(xs, 9)`},
	{F.MapKeys(spark.Col("m")), `map_keys(m)`},
	{F.MapValues(spark.Col("m")), `map_values(m)`},
	{F.MapEntries(spark.Col("m")), `map_entries(m)`},
	{F.MapFromArrays(spark.Col("names"), spark.Expr("array(1, 2)")), `map_from_arrays(names, array(1, 2))`},
	{F.MapFromEntries(spark.Col("entries")), `map_from_entries(entries)`},
	{F.MapConcat(spark.Col("m")), `map_concat(m)`},
	{F.MapContainsKey(spark.Col("m"), "k"), `map_contains_key(m, 'k')`},
	{F.Shuffle(spark.Expr("array(1)")), `shuffle(array(1))`},
	{F.ArrayRepeat(spark.Col("x"), 2), `array_repeat(x, 2)`},
	{F.Transform(spark.Col("xs"), func(e spark.Column) spark.Column { return e.Plus(1) }), `transform(xs, e -> e + 1)`},
	{F.FilterArray(spark.Col("xs"), func(e spark.Column) spark.Column { return e.Gt(1) }), `filter(xs, e -> e > 1)`},
	{F.Exists(spark.Col("xs"), func(e spark.Column) spark.Column { return e.Gt(1) }), `exists(xs, e -> e > 1)`},
	{F.ForAll(spark.Col("xs"), func(e spark.Column) spark.Column { return e.Gt(1) }), `forall(xs, e -> e > 1)`},
	{F.Aggregate(spark.Col("xs"), 0, func(a, b spark.Column) spark.Column { return a.Plus(b) }), `aggregate(xs, 0, (a, b) -> a + b)`},
	{F.TransformValues(spark.Col("m"), func(k, v spark.Column) spark.Column { return v.Plus(1) }), `transform_values(m, (k, v) -> v + 1)`},
	{F.TransformKeys(spark.Col("m"), func(k, v spark.Column) spark.Column { return F.Upper(k) }), `transform_keys(m, (k, v) -> upper(k))`},
	{F.MapFilter(spark.Col("m"), func(k, v spark.Column) spark.Column { return v.Gt(0) }), `map_filter(m, (k, v) -> v > 0)`},
	{F.ZipWith(spark.Col("xs"), spark.Col("ys"), func(a, b spark.Column) spark.Column { return a.Plus(b) }), `zip_with(xs, ys, (a, b) -> a + b)`},
	{F.FromJSON(spark.Col("json"), "a INT"), `from_json(json, 'a INT')`},
	{F.ToJSON(spark.Col("m")), `to_json(m)`},
	{F.GetJSONObject(spark.Col("json"), "$.a"), `get_json_object(json, '$.a')`},
	{F.JSONArrayLength(spark.Col("jsons")), `json_array_length(jsons)`},
	{F.SchemaOfJSON(spark.Lit(`{"a": 1}`)), `schema_of_json('{"a": 1}')`},
	{F.FromCSV(spark.Col("csv"), "a INT"), `from_csv(csv, 'a INT')`},
	{F.ToCSV(spark.Col("st")), `to_csv(st)`},
	{F.ParseJSON(spark.Col("json")), `parse_json(json)`},
	{F.VariantGet(F.ParseJSON(spark.Col("json")), "$.a", "int"), `variant_get(parse_json(json), '$.a', 'int')`},
	{F.Coalesce(spark.Col("x"), spark.Col("s")), `coalesce(x, s)`},
	{F.IfNull(spark.Col("x"), 0.0), `ifnull(x, 0.0D)`},
	{F.NullIf(spark.Col("x"), 2.5), `nullif(x, 2.5D)`},
	{F.NVL2(spark.Col("x"), 1.0, 0.0), `nvl2(x, 1.0D, 0.0D)`},
	{F.NaNVL(spark.Col("x"), spark.Col("s")), `nanvl(x, s)`},
	{F.IsNaN(spark.Col("x")), `isnan(x)`},
	{F.IsNull(spark.Col("x")), `isnull(x)`},
	{F.IsNotNull(spark.Col("x")), `isnotnull(x)`},
	{F.If(spark.Col("t"), "y", "n"), `if(t, 'y', 'n')`},
	{F.MonotonicallyIncreasingID(), `monotonically_increasing_id()`},
	{F.SparkPartitionID(), `spark_partition_id()`},
	{F.InputFileName(), `input_file_name()`},
	{F.Length(F.UUID()), `length(uuid())`},
	{F.TypeOf(spark.Col("x")), `typeof(x)`},
	{F.AssertTrue(spark.Col("t"), "no"), `assert_true(t, 'no')`},
	{F.CurrentUser(), `current_user()`},
	{F.Version(), `version()`},
}

var aggs = []pair{
	{F.Count(spark.Col("x")), `count(x)`},
	{F.Sum(spark.Col("x")), `sum(x)`},
	{F.Avg(spark.Col("x")), `avg(x)`},
	{F.Min(spark.Col("x")), `min(x)`},
	{F.Max(spark.Col("x")), `max(x)`},
	{F.MinBy(spark.Col("x"), spark.Col("s")), `min_by(x, s)`},
	{F.MaxBy(spark.Col("x"), spark.Col("s")), `max_by(x, s)`},
	{F.First(spark.Col("x")), `first(x)`},
	{F.Last(spark.Col("x")), `last(x)`},
	{F.AnyValue(spark.Col("x")), `any_value(x)`},
	{F.Mode(spark.Col("x")), `mode(x)`},
	{F.Median(spark.Col("x")), `median(x)`},
	{F.Percentile(spark.Col("x"), 0.5), `percentile(x, 0.5D)`},
	{F.PercentileApprox(spark.Col("x"), 0.5, 100), `percentile_approx(x, 0.5D, 100)`},
	{F.StdDev(spark.Col("x")), `stddev(x)`},
	{F.StdDevPop(spark.Col("x")), `stddev_pop(x)`},
	{F.Variance(spark.Col("x")), `variance(x)`},
	{F.VarPop(spark.Col("x")), `var_pop(x)`},
	{F.Skewness(spark.Col("x")), `skewness(x)`},
	{F.Kurtosis(spark.Col("x")), `kurtosis(x)`},
	{F.Corr(spark.Col("x"), spark.Col("s")), `corr(x, s)`},
	{F.CovarSamp(spark.Col("x"), spark.Col("s")), `covar_samp(x, s)`},
	{F.CovarPop(spark.Col("x"), spark.Col("s")), `covar_pop(x, s)`},
	{F.CollectList(spark.Col("x")), `collect_list(x)`},
	{F.CollectSet(spark.Col("x")), `collect_set(x)`},
	{F.ApproxCountDistinct(spark.Col("x")), `approx_count_distinct(x)`},
	{F.CountIf(spark.Col("t")), `count_if(t)`},
	{F.BoolAnd(spark.Col("t")), `bool_and(t)`},
	{F.BoolOr(spark.Col("t")), `bool_or(t)`},
}

var wins = []pair{
	{F.RowNumber(), `row_number()`},
	{F.Rank(), `rank()`},
	{F.DenseRank(), `dense_rank()`},
	{F.PercentRank(), `percent_rank()`},
	{F.CumeDist(), `cume_dist()`},
	{F.NTile(2), `ntile(2)`},
	{F.Lag(spark.Col("x"), 1, 0.0), `lag(x, 1, 0.0D)`},
	{F.Lead(spark.Col("x"), 1, 0.0), `lead(x, 1, 0.0D)`},
	{F.NthValue(spark.Col("x"), 1), `nth_value(x, 1)`},
}

const sample = `SELECT *, timestamp'2024-02-29 13:14:15' AS at, array(1, 2, 2) AS xs, array(2, 3, 4) AS ys, array('a', 'b') AS names, map('k', 1) AS m, array(array(1), array(2)) AS xss,
	array(struct('a' AS k, 1 AS v)) AS entries, named_struct('a', 1, 'b', 'x') AS st, X'41' AS b
	FROM VALUES ('Ann Lee', '2024-02-29', 2.5D, 0.5D, 5, true, 'QQ==', '41', 'http://h/p?q=1', '{"a": 1}', '[1, 2]', '7') AS t(name, day, x, s, i, t, b64, hx, url, json, jsons, csv)`

// Each function gives what SQL gives.
func TestServerFunctions(t *testing.T) {
	testkit.Integration(t)
	s, err := spark.Connect(t.Context(), testkit.SharedSpark(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from, err := s.SQL(t.Context(), sample)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.HasPrefix(s.Version(), "3.")
	compare := func(all []pair, over string) {
		t.Helper()
		var typed, written []spark.Column
		for i, p := range all {
			if old && (strings.HasPrefix(p.sql, "parse_json") || strings.HasPrefix(p.sql, "try_to_timestamp") || strings.HasPrefix(p.sql, "variant_get")) {
				continue
			}
			c := p.column
			if over != "" {
				c = c.Over(spark.PartitionBy(spark.Col("name")).OrderBy(spark.Col("i")))
			}
			typed = append(typed, c.Cast("string").Alias(fmt.Sprint("c", i)))
			written = append(written, spark.Expr(p.sql+over).Cast("string").Alias(p.sql))
		}
		got, err := from.Select(typed...).Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want, err := from.Select(written...).Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range typed {
			if g, w := fmt.Sprint(got[0].At(i)), fmt.Sprint(want[0].At(i)); g != w {
				t.Errorf("%s is %s, and the function gives %s", want[0].Names()[i], w, g)
			}
		}
	}
	compare(scalars, "")
	compare(aggs, "")
	compare(wins, " OVER (PARTITION BY name ORDER BY i)")
	for _, c := range []struct {
		column spark.Column
		want   string
	}{
		{F.Explode(spark.Col("xs")), "[[col=1] [col=2] [col=2]]"},
		{F.ExplodeOuter(F.Array()), "[[col=<nil>]]"},
		{F.PosExplode(spark.Col("names")), "[[pos=0 col=a] [pos=1 col=b]]"},
		{F.Inline(spark.Col("entries")), "[[k=a v=1]]"},
	} {
		rows, err := from.Select(c.column).Collect(t.Context())
		if err != nil || fmt.Sprint(rows) != c.want {
			t.Errorf("%v, %v; want %s", rows, err, c.want)
		}
	}
	rows, err := from.Select(F.Product(spark.Col("x")).Alias("p")).Collect(t.Context()) // SQL does not have it
	if err != nil || fmt.Sprint(rows) != "[[p=2.5]]" {
		t.Errorf("%v, %v", rows, err)
	}
	rows, err = from.GroupBy(F.TimeWindow(spark.Col("at"), "10 minutes").Alias("w")).Agg(F.Count(spark.Col("*")).Alias("n")).Select(F.DateFormat(spark.Col("w.start"), "HH:mm").Alias("from"), spark.Col("n")).Collect(t.Context())
	if err != nil || fmt.Sprint(rows) != "[[from=13:10 n=1]]" {
		t.Errorf("%v, %v", rows, err)
	}
	rows, err = from.GroupBy(F.SessionWindow(spark.Col("at"), "5 minutes").Alias("w")).Count().Select(F.Minute(spark.Col("w.end")).Alias("m")).Collect(t.Context())
	if err != nil || fmt.Sprint(rows) != "[[m=19]]" {
		t.Errorf("%v, %v", rows, err)
	}
	rows, err = from.Rollup(spark.Col("name")).Agg(F.Grouping(spark.Col("name")).Alias("g")).OrderBy(spark.Col("g")).Collect(t.Context())
	if err != nil || fmt.Sprint(rows) != "[[name=Ann Lee g=0] [name=<nil> g=1]]" {
		t.Errorf("%v, %v", rows, err)
	}
	if _, err := from.Select(F.RaiseError(spark.Lit("it failed"))).Collect(t.Context()); err == nil || !strings.Contains(err.Error(), "it failed") {
		t.Error(err)
	}
}
