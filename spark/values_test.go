package spark

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

func TestDecimal(t *testing.T) {
	for _, s := range []string{"0", "-0.05", "12.50", "99999999999999999999999999999999999999", "-1"} {
		d, err := ParseDecimal(s)
		if err != nil || d.String() != s {
			t.Errorf("%s: %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", ".", "1.2.3", "1e5", "x", "1_0", "1.-5", "999999999999999999999999999999999999999"} {
		if d, err := ParseDecimal(s); err == nil {
			t.Errorf("%q gives %v", s, d)
		}
	}
	if f := (Decimal{Unscaled: big.NewInt(-1250), Scale: 2}).Float64(); f != -12.5 {
		t.Error(f)
	}
	if s := (Decimal{}).String(); s != "0" {
		t.Error(s)
	}
}

func TestLiterals(t *testing.T) {
	type label string
	type raw []byte
	seven := 7
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "null:{null:{}}"},
		{"x", `string:"x"`},
		{label("x"), `string:"x"`},
		{true, "boolean:true"},
		{1, "integer:1"},
		{math.MaxInt32 + 1, "long:2147483648"},
		{int64(1), "long:1"},
		{int8(1), "byte:1"},
		{int16(1), "short:1"},
		{uint32(7), "integer:7"},
		{1.5, "double:1.5"},
		{float32(1.5), "float:1.5"},
		{[]byte("x"), `binary:"x"`},
		{time.Unix(1, 2000), "timestamp:1000002"},
		{Decimal{Unscaled: big.NewInt(-5), Scale: 2}, `decimal:{value:"-0.05" precision:2 scale:2}`},
		{&seven, "integer:7"},
		{(*string)(nil), "null:{string:{}}"},
		{[]string{"a"}, `array:{element_type:{string:{}} elements:{string:"a"}}`},
		{[]string{}, "array:{element_type:{string:{}}}"},
		{[]int{1}, "array:{element_type:{long:{}} elements:{long:1}}"},
		{[]*int{&seven}, "array:{element_type:{long:{}} elements:{long:7}}"},
		{raw("x"), `binary:"x"`},
		{raw(nil), "null:{binary:{}}"},
		{[]string(nil), "null:{array:{element_type:{string:{}} contains_null:true}}"},
	} {
		e, err := constant(c.value)
		if err != nil {
			t.Errorf("%#v: %v", c.value, err)
			continue
		}
		// protobuf's text form has random spaces.
		got := strings.ReplaceAll(strings.ReplaceAll(e.GetLiteral().String(), "  ", " "), ": ", ":")
		if got != c.want {
			t.Errorf("%#v: %s, want %s", c.value, got, c.want)
		}
	}
	for _, v := range []any{make(chan int), func() {}, uint64(math.MaxUint64), []chan int{}, map[string]int{}, struct{ X int }{}} {
		if c := Lit(v); c.err == nil {
			t.Errorf("%T became a literal", v)
		}
	}
	if c := Call("f", make(chan int)); c.err == nil || c.Alias("x").Cast("int").Plus(1).err == nil {
		t.Error("the error was lost")
	}
	// A value without a literal becomes a function of literals.
	for _, v := range []any{[]*string{nil}, time.Second, []time.Duration{0}} {
		if e, err := constant(v); err != nil || e.GetUnresolvedFunction() == nil {
			t.Errorf("%T: %v, %v", v, e, err)
		}
	}
}

func TestTypeRoundTrips(t *testing.T) {
	for _, d := range []DataType{
		VoidType, BooleanType, ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, StringType, BinaryType,
		DateType, TimestampType, TimestampNTZType, DayTimeIntervalType, VariantType, DecimalType{20, 3}, ArrayType{StringType, true},
		MapType{StringType, ArrayType{DoubleType, false}, true},
		StructType{[]StructField{{"a b", LongType, false, ""}, {"c", StructType{[]StructField{{"d", DateType, true, `{"k":1}`}}}, true, ""}}},
	} {
		got, err := typeFromWire(d.wire())
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%s is %v, %v after the round trip", d, got, err)
		}
		if d == VariantType {
			continue // has no Arrow type
		}
		a, err := arrowType(d)
		if err != nil {
			t.Errorf("%s: %v", d, err)
			continue
		}
		back, err := typeFromArrow(a)
		if err != nil || back.String() != d.String() {
			t.Errorf("%s is %v, %v after the round trip through Arrow", d, back, err)
		}
	}
	s := StructType{[]StructField{{"a b", LongType, false, ""}, {"c`d", ArrayType{StringType, true}, true, ""}}}
	if got, want := s.DDL(), "`a b` BIGINT NOT NULL,`c``d` ARRAY<STRING>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestIncompleteTypes(t *testing.T) {
	for _, d := range []DataType{nil, ArrayType{}, MapType{Key: StringType}, StructType{[]StructField{{Name: "x"}}}, ArrayType{Element: MapType{Value: StringType}}} {
		if err := complete(d); err == nil || !strings.Contains(err.Error(), "the type is nil") {
			t.Errorf("%#v: %v", d, err)
		}
	}
	for _, to := range []any{5, nil, ArrayType{}} {
		if c := Col("x").Cast(to); c.err == nil {
			t.Errorf("%v was accepted as a type", to)
		}
	}
	if _, err := (StructType{[]StructField{{Name: "x"}}}).ArrowSchema(); err == nil {
		t.Error("a field without a type has an Arrow schema")
	}
}

func TestInvalidTypesFromServer(t *testing.T) {
	deep := StringType.wire()
	for range 2 * maxTypeDepth {
		deep = &pb.DataType{Kind: &pb.DataType_Array_{Array: &pb.DataType_Array{ElementType: deep}}}
	}
	for name, d := range map[string]*pb.DataType{
		"nil":                           nil,
		"no kind":                       {},
		"nested too deeply":             deep,
		"array without element type":    {Kind: &pb.DataType_Array_{Array: &pb.DataType_Array{}}},
		"interval with reversed units":  {Kind: &pb.DataType_DayTimeInterval_{DayTimeInterval: &pb.DataType_DayTimeInterval{StartField: proto.Int32(3), EndField: proto.Int32(1)}}},
		"interval with an unknown unit": {Kind: &pb.DataType_YearMonthInterval_{YearMonthInterval: &pb.DataType_YearMonthInterval{EndField: proto.Int32(9)}}},
	} {
		if got, err := typeFromWire(d); err == nil {
			t.Errorf("%s gives %v", name, got)
		}
	}
}

// A schema with a type that is newer than this client is accepted; that column's
// type is UNKNOWN.
func TestNewerTypes(t *testing.T) {
	of := func(field protowire.Number, message ...byte) *pb.DataType {
		d := &pb.DataType{}
		d.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), message))
		return d
	}
	srid := protowire.AppendVarint([]byte{1 << 3}, 4326)
	for want, d := range map[string]*pb.DataType{
		"GEOMETRY(4326)": of(26, append(srid, 2<<3, 7)...),
		"GEOMETRY(0)":    of(26),
		"GEOGRAPHY(ANY)": of(27, protowire.AppendVarint([]byte{1 << 3}, math.MaxUint64)...),
		"UNKNOWN":        of(99, 1, 2, 3),
		"ARRAY<UNKNOWN>": {Kind: &pb.DataType_Array_{Array: &pb.DataType_Array{ElementType: of(26, 0xff)}}},
	} {
		if got, err := typeFromWire(d); err != nil || got.String() != want {
			t.Errorf("got %v, %v; want %s", got, err, want)
		}
	}
}

func TestUnsupportedArrowTypes(t *testing.T) {
	for _, a := range []arrow.DataType{
		arrow.PrimitiveTypes.Uint8, arrow.BinaryTypes.LargeString, &arrow.TimestampType{Unit: arrow.Nanosecond},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, arrow.ListOf(arrow.PrimitiveTypes.Uint64),
	} {
		_, err := SchemaFromArrow(arrow.NewSchema([]arrow.Field{{Name: "x", Type: a}}, nil))
		if err == nil || !strings.Contains(err.Error(), "column x") {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestScan(t *testing.T) {
	row := Row{
		[]string{"id", "Name", "tags", "price", "none", "inner", "counts"},
		[]any{int32(5), "x", []any{"a", nil}, Decimal{Unscaled: big.NewInt(150), Scale: 2}, nil, Row{[]string{"n"}, []any{int8(3)}}, map[any]any{"k": int64(1)}},
	}
	type inner struct{ N int }
	var v struct {
		ID     int64
		Name   string
		Tags   []*string `spark:"tags"`
		Price  float64   `spark:"price"`
		None   *string   `spark:"none"`
		Inner  inner     `spark:"inner"`
		Counts map[string]int
		hidden int
	}
	if err := row.Scan(&v); err != nil {
		t.Fatal(err)
	}
	a := "a"
	if v.ID != 5 || v.Name != "x" || !reflect.DeepEqual(v.Tags, []*string{&a, nil}) || v.Price != 1.5 || v.None != nil || v.Inner.N != 3 || v.Counts["k"] != 1 || v.hidden != 0 {
		t.Errorf("%+v", v)
	}
	for name, target := range map[string]any{
		`no column "Missing"`:                           &struct{ Missing int }{},
		"the value is NULL":                             &struct{ None string }{},
		"type string, which cannot be converted to int": &struct{ Name int }{},
		"which cannot be converted to uint8":            &struct{ Price uint8 }{},
		"element 1: the value is NULL":                  &struct{ Tags []string }{},
		"pointer to a struct":                           struct{ ID int }{},
		"no exported fields":                            &struct{ x int }{},
		`two fields for the column "id"`: &struct {
			A, B int `spark:"id"`
		}{},
	} {
		if err := row.Scan(target); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
	big := Row{[]string{"n"}, []any{int64(300)}}
	if _, err := Get[int8](big, "n"); err == nil || !strings.Contains(sensitive.Shown(err), `"300" does not fit`) {
		t.Error(err)
	}
	if _, err := Get[uint8](Row{[]string{"n"}, []any{int64(-1)}}, "n"); err == nil {
		t.Error("-1 was converted to a uint8")
	}
	if n, err := Get[any](big, "N"); err != nil || n != int64(300) {
		t.Error(n, err)
	}
}

func TestActionReturnsEarlierErrors(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	r := s.Range(0, 1, 1, 0)
	other, _ := newFake(t).start(t, "")
	for want, d := range map[string]*DataFrame{
		"step is 0":               s.Range(0, 1, 0, 0).Select(Col("id")),
		"limit: -1":               r.Limit(-1).Limit(5),
		"not a join type":         r.Join(r, Lit(true), "sideways").Distinct(),
		"no columns are named":    r.GroupBy().Agg(),
		"different sessions":      r.Union(other.Range(0, 1, 1, 0)),
		"DataFrame is nil":        r.CrossJoin(nil).UnionByName(r),
		"repartition: 0":          r.Repartition(0),
		"column x: a value of Go": r.WithColumn("x", Lit(make(chan int))),

		"sample: the fraction is NaN":         r.Sample(math.NaN(), 1),
		"sample: the fraction is 1.5":         r.Sample(1.5, 1).DropDuplicates("id"),
		"coalesce: 0":                         r.Coalesce(0),
		"hint: its name is empty":             r.Hint("").DropNA(),
		"hint merge: a value of Go type chan": r.Hint("merge", make(chan int)),
		"the value has the Go type <nil>":     r.FillNA(nil, "id"),
		"the value has the Go type time.Time": r.FillNA(time.Time{}),
		"FillNA: a value of Go type chan":     r.FillNA(make(chan int)),
		"rollup: an empty spark.Column":       r.Rollup(Column{}).Count(),
		"pivot: it must follow GroupBy":       r.Cube(Col("id")).Pivot(Col("id"), 1).Count(),
		"follow GroupBy, and only once":       r.GroupBy().Pivot(Col("id"), 1).Pivot(Col("id"), 2).Count(),
		"pivot: value 2: a value of Go type":  r.GroupBy().Pivot(Col("id"), 1, Col("id")).Count(),
		"pivot: value 1: a value of Go type":  r.GroupBy().Pivot(Col("id"), time.Second).Count(),
		"pivot: an empty spark.Column":        r.GroupBy().Pivot(Column{}).Count(),
		"without Otherwise":                   r.Select(Lit(When(Col("id").Gt(0), 1))),
		"an empty spark.Case":                 r.Select(Case{}.Otherwise(1)),
		"argument 4 of when: a value of":      r.Select(When(Lit(true), 1).When(Lit(false), make(chan int)).Otherwise(2)),
		"partition by: an empty spark.Column": r.Select(Count(Col("*")).Over(PartitionBy(Column{}).OrderBy(Col("id")))),
		"order by: an empty spark.Column":     r.Select(Count(Col("*")).Over(Window{}.OrderBy(Column{}).RowsBetween(0, 1))),
		"ends before it starts":               r.Select(Count(Col("*")).Over(Window{}.RowsBetween(1, -1))),
		"4294967296 is out of range":          r.Select(Count(Col("*")).Over(Window{}.RowsBetween(0, 1<<32))),
		"starts at the end or ends at":        r.Select(Count(Col("*")).Over(Window{}.RowsBetween(UnboundedFollowing, UnboundedFollowing))),
		"range between: the frame starts":     r.Select(Count(Col("*")).Over(Window{}.RangeBetween(0, UnboundedPreceding))),
		"range between: a value of Go type":   r.Select(Count(Col("*")).Over(Window{}.RangeBetween([]chan int{nil}, 0))),
	} {
		_, err := d.Collect(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
		if _, err := d.Schema(t.Context()); err == nil {
			t.Errorf("%q: Schema returned no error", want)
		}
	}
	if f.count("execute") != 0 {
		t.Error("an invalid query was sent")
	}
}
