package sqlexpr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

var boundedSchema = arrow.NewSchema([]arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "long", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "at", Type: timestampType, Nullable: true},
	{Name: "money", Type: &arrow.Decimal128Type{Precision: 6, Scale: 2}, Nullable: true},
}, nil)

var boundedConstants = map[string][]string{
	"n":     {"-3", "0", "'2'", "2", "2.5", "1e0", "9", "NULL"},
	"long":  {"-3", "0", "2", "9007199254740992", "9007199254740993", "9007199254740992D"},
	"x":     {"-1.5D", "0", "-0.0D", "2", "1e300"},
	"s":     {"''", "'a'", "'ab'", "'b'", "'é'", "'zz'"},
	"day":   {"DATE'1970-01-01'", "'1970-01-03'", "DATE'1969-12-31'"},
	"at":    {"'1970-01-01'", "TIMESTAMP'1970-01-01 00:00:00.000002'", "DATE'1969-12-31'"},
	"money": {"0", "1.5", "-0.25", "2e0", "7", "'1.5'"},
}

// randomBatch has few distinct values, so that a part often has one value only.
func randomBatch(rng *rand.Rand, rows int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, boundedSchema)
	defer b.Release()
	base, nulls := rng.IntN(6)-3, rng.IntN(4)
	for _, column := range b.Fields() {
		for range rows {
			if v := base + rng.IntN(3); nulls == 0 || nulls == 1 && rng.IntN(3) == 0 {
				column.AppendNull()
			} else {
				switch b := column.(type) {
				case *array.Int32Builder:
					b.Append(int32(v))
				case *array.Int64Builder:
					b.Append([]int64{int64(v), 9007199254740992 + int64(v)}[nulls%2])
				case *array.Float64Builder:
					b.Append([]float64{float64(v), math.NaN(), math.Copysign(0, -1), float64(v) / 2}[rng.IntN(3)+nulls%2])
				case *array.StringBuilder:
					b.Append([]string{"", "a", "ab", "abc", "b", "é", "éa", "zz"}[v+3])
				case *array.Date32Builder:
					b.Append(arrow.Date32(v))
				case *array.TimestampBuilder:
					b.Append(arrow.Timestamp(v))
				case *array.Decimal128Builder:
					if err := b.AppendValueFromString(fmt.Sprintf("%.2f", float64(v)/4)); err != nil {
						panic(err)
					}
				}
			}
		}
	}
	return b.NewRecordBatch()
}

// statedBounds are those that a writer states: without NaN, and with texts cut to the first characters.
func statedBounds(rng *rand.Rand, a arrow.Array) Bounds {
	b := Bounds{Rows: int64(a.Len()), Nulls: int64(a.NullN())}
	if rng.IntN(8) == 0 {
		b.Nulls = -1
	}
	var least, most any
	of := read(a)
	for i := range a.Len() {
		v := of(i)
		if v == nil || isNaN(v) {
			continue
		}
		if least == nil || order(v, least) < 0 {
			least = v
		}
		if most == nil || order(v, most) > 0 {
			most = v
		}
	}
	if least == nil || rng.IntN(8) == 0 {
		return b
	}
	if s, ok := least.(string); ok && rng.IntN(2) == 0 {
		least, most = s[:len(s)/2], most.(string)+"\xff"
	}
	b.Range, _ = build(memory.DefaultAllocator, a.DataType(), 2, func(i int) any { return []any{least, most}[i] })
	return b
}

func randomCondition(rng *rand.Rand, depth int) string {
	if depth > 0 && rng.IntN(2) == 0 {
		a, b := randomCondition(rng, depth-1), randomCondition(rng, depth-1)
		return []string{"(" + a + " AND " + b + ")", "(" + a + " OR " + b + ")", "NOT (" + a + ")", "(" + a + ") IS NOT TRUE", "(" + a + ") IS FALSE", "(" + a + ") IS TRUE"}[rng.IntN(6)]
	}
	names := []string{"n", "long", "x", "s", "day", "at", "money"}
	name := names[rng.IntN(len(names))]
	constants := boundedConstants[name]
	c := func() string { return constants[rng.IntN(len(constants))] }
	switch rng.IntN(9) {
	case 0:
		return name + " IS NULL"
	case 1:
		return name + " IS NOT NULL"
	case 2:
		return fmt.Sprintf("%s IN (%s, %s)", name, c(), c())
	case 3:
		return fmt.Sprintf("%s BETWEEN %s AND %s", name, c(), c())
	case 4:
		return fmt.Sprintf("s LIKE '%s'", []string{"a%", "ab_", "é%", "%", "b", "zz%", "q%"}[rng.IntN(7)])
	case 5:
		return fmt.Sprintf("%s IS DISTINCT FROM %s", name, c())
	case 6:
		return fmt.Sprintf("%s %s %s", c(), []string{"<", ">="}[rng.IntN(2)], name)
	}
	return fmt.Sprintf("%s %s %s", name, []string{"=", "<>", "<", "<=", ">", ">=", "<=>"}[rng.IntN(7)], c())
}

// A part that the bounds exclude has no row that meets the condition, and most parts without such rows are excluded.
func TestExcludes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	excluded, without := 0, 0
	for range 30000 {
		text := randomCondition(rng, 2)
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := BindCondition(e, boundedSchema)
		if err != nil {
			t.Fatal(err)
		}
		batch := randomBatch(rng, 1+rng.IntN(4))
		excludes := c.Excludes(func(column string) Bounds {
			return statedBounds(rng, batch.Column(boundedSchema.FieldIndices(column)[0]))
		})
		kept, err := c.KeepPlain(memory.DefaultAllocator, batch)
		if err != nil {
			t.Fatal(err)
		}
		any := slices.Contains(kept, true)
		if excludes && any {
			t.Fatalf("%s is true for a row of %v, but excludes it", text, batch)
		}
		if !any {
			without++
		}
		if excludes {
			excluded++
		}
		batch.Release()
	}
	t.Logf("%d of %d parts without a row were excluded", excluded, without)
	if excluded*2 < without {
		t.Errorf("only %d of %d parts without a row were excluded", excluded, without)
	}
}

// Conditions that the bounds say nothing about, and NaN.
func TestExcludesNothing(t *testing.T) {
	for _, text := range []string{"x > 5", "x >= 5", "x = 'NaN'", "NOT (x < 5)", "length(s) > 100", "n = long", "s LIKE '%z'"} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := BindCondition(e, boundedSchema)
		if err != nil {
			if strings.Contains(text, "NaN") {
				continue
			}
			t.Fatal(err)
		}
		zeros := func(column string) Bounds {
			f, _ := boundedSchema.FieldsByName(column)
			a, err := build(memory.DefaultAllocator, f[0].Type, 2, func(int) any {
				switch f[0].Type.ID() {
				case arrow.FLOAT64:
					return 0.0
				case arrow.STRING:
					return "a"
				}
				return int64(0)
			})
			if err != nil {
				t.Fatal(err)
			}
			return Bounds{Rows: 5, Range: a}
		}
		if c.Excludes(zeros) {
			t.Errorf("%s excludes rows that statistics do not show", text)
		}
	}
}
