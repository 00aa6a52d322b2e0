package parquet

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	pq "github.com/apache/arrow-go/v18/parquet"
)

// pairsOf returns the key-value pairs of a file.
func pairsOf(t testing.TB, b []byte) map[string]string {
	t.Helper()
	m, err := parseMetaData(metaOf(b))
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]string{}
	for _, kv := range m.keyValues {
		pairs[kv.key] = kv.value
	}
	return pairs
}

// A file's key-value pairs are kept. If columns are added, the schemas of Spark and
// Arrow are extended to them, and the schema of Avro is removed: Spark reads only
// the columns of its schema, and Avro's readers reject additional columns.
func TestKeyValuesDescribeAddedColumns(t *testing.T) {
	days := fieldOf(t, leafOf(optional, "m", pq.Types.Int32))
	span := fieldOf(t, leafOf(optional, "d", pq.Types.Int64))
	span.Type = arrow.FixedWidthTypes.Duration_us
	spark := `{"type":"struct","fields":[{"name":"m","type":"interval year to month","nullable":true,"metadata":{"k": 1.0}},{"name":"d","type":"long","nullable":true,"metadata":{}}]}`
	stored, err := encodeArrow(arrow.NewSchema([]arrow.Field{
		{Name: "m", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "d", Type: arrow.FixedWidthTypes.Duration_us, Nullable: true, Metadata: arrow.NewMetadata([]string{"note"}, []string{"kept"})},
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	metadata := arrow.NewMetadata([]string{"owner", "empty", sparkKey, arrowKey, "parquet.avro.schema"}, []string{"me", "", spark, stored, `{"type": "record"}`})
	same := arrow.NewSchema([]arrow.Field{days, span}, &metadata)
	want := map[string]string{"owner": "me", "empty": "", sparkKey: spark, arrowKey: stored, "parquet.avro.schema": `{"type": "record"}`}
	if got := pairsOf(t, fileOf(t, batchOf(t, same, `[{"m": 1, "d": "5us"}]`))); !reflect.DeepEqual(got, want) {
		t.Errorf("without added columns: %v", got)
	}

	extendedSchema := arrow.NewSchema([]arrow.Field{days, span, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "scores", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64), Nullable: true}}, &metadata)
	b := fileOf(t, batchOf(t, extendedSchema, `[{"m": 1, "d": "5us", "text": "x", "scores": [{"key": "a", "value": 0.5}]}]`))
	got := pairsOf(t, b)
	if got["owner"] != "me" || got["parquet.avro.schema"] != "" {
		t.Errorf("with two added columns: %v", got)
	}
	var sparkFields struct {
		Fields []json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal([]byte(got[sparkKey]), &sparkFields); err != nil || len(sparkFields.Fields) != 4 {
		t.Fatalf("Spark's schema is %s: %v", got[sparkKey], err)
	}
	for i, want := range []string{
		`{"name":"m","type":"interval year to month","nullable":true,"metadata":{"k":1.0}}`, `{"name":"d","type":"long","nullable":true,"metadata":{}}`,
		`{"name":"text","type":"string","nullable":true,"metadata":{}}`,
		`{"name":"scores","type":{"keyType":"string","type":"map","valueContainsNull":true,"valueType":"double"},"nullable":true,"metadata":{}}`,
	} {
		if string(sparkFields.Fields[i]) != want {
			t.Errorf("Spark's field %d is %s, want %s", i, sparkFields.Fields[i], want)
		}
	}
	extended := arrowSchema(got[arrowKey])
	var names []string
	for _, f := range extended.Fields() {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"m", "d", "text", "scores"}) || extended.Field(1).Type.ID() != arrow.DURATION || !extended.Field(1).HasMetadata() {
		t.Errorf("Arrow's schema is %s", extended)
	}
	r, rows := readBack(t, b, defaultOptions)
	if r.Schema().Field(1).Type.ID() != arrow.DURATION || rows[0].Column(1).ValueStr(0) != "5us" {
		t.Errorf("the duration is read as %s, %s", r.Schema().Field(1), rows[0].Column(1))
	}
}

// Spark's schema is removed if Spark has no type for an added column. A value that
// is not a schema is kept if no column is added.
func TestSparkSchemaRemoved(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int32}, {Name: "b", Type: arrow.FixedWidthTypes.Time64us}}, nil)
	text := `{"type":"struct","fields":[{"name":"a","type":"integer","nullable":true,"metadata":{}}]}`
	if got, keep := sparkSchema(text, s, []bool{true, false}); keep {
		t.Errorf("the schema is kept as %s", got)
	}
	if got, keep := sparkSchema("{", s, []bool{true, true}); !keep || got != "{" {
		t.Errorf("an invalid schema: %s, %t", got, keep)
	}
}

// The key-value pairs that a column chunk has in every row group are kept, also in
// a file without rows.
func TestChunkKeyValuesAreKept(t *testing.T) {
	batch := batchOf(t, arrow.NewSchema([]arrow.Field{fieldOf(t, leafOf(optional, "c", pq.Types.Int32))}, nil), `[{"c": 1}]`)
	var pair, without, other thriftWriter
	pair.text(1, "foo")
	pair.text(2, "bar")
	without.text(1, "a key without a value")
	other.text(1, "n")
	list := appendList(nil, 2, kindStruct)
	list = append(append(list, pair.end()...), without.end()...)
	for name, rows := range map[string][]arrow.RecordBatch{"rows": {batch}, "no rows": nil} {
		var b []byte
		if rows == nil {
			empty := batch.NewSlice(0, 0)
			b = fileOf(t, empty)
		} else {
			b = fileOf(t, rows...)
		}
		b = withMeta(b, editChunks(func(chunk []byte) []byte { return editField(chunk, 3, withField(8, kindList, list)) }))
		r, _ := readBack(t, b, defaultOptions)
		rewritten := fileOf(t, batchOf(t, r.Schema(), `[]`))
		foot, err := parseFooter(metaOf(rewritten), int64(len(rewritten)))
		if err != nil {
			t.Fatal(err)
		}
		if kvs := foot.chunkKeyValues[0]; len(kvs) != 2 || string(kvs[0]) != string(pair.b)+"\x00" || string(kvs[1]) != string(without.b)+"\x00" {
			t.Errorf("%s: %q", name, kvs)
		}
	}
	f := &footer{chunkKeyValues: make([][][]byte, 1)}
	f.keepKeyValues(0, 0, [][]byte{pair.end(), other.end()})
	f.keepKeyValues(0, 1, [][]byte{pair.end()})
	if len(f.chunkKeyValues[0]) != 1 {
		t.Errorf("%q are kept", f.chunkKeyValues[0])
	}
}
