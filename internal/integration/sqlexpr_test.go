//go:build linux

package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// Spark computes the values in the test cases of package sqlexpr, which its own
// tests compare with firesteel's.
func TestExpressions(t *testing.T) {
	t.Parallel()
	session, err := spark.Connect(t.Context(), testkit.SharedSpark(t))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	rows, err := session.CreateDataFrame(t.Context(), expressionRows(t))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.FromSlash("../sqlexpr/testdata/cases.txt"))
	if err != nil {
		t.Fatal(err)
	}
	compared, expr := 0, ""
	for _, line := range strings.Split(string(content), "\n") {
		escaped, isWant := strings.CutPrefix(line, "  ")
		if !isWant {
			expr = line
			continue
		}
		want, err := strconv.Unquote(`"` + escaped + `"`)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for b, err := range rows.Select(spark.Expr(expr).Alias("x")).Batches(t.Context()) {
			if err != nil {
				t.Errorf("%s: %v", expr, err)
				break
			}
			for i := range int(b.NumRows()) {
				got = append(got, b.Column(0).ValueStr(i))
			}
		}
		if compared++; strings.Join(got, "|") != want {
			t.Errorf("%s\nSpark %q\n want %q", expr, strings.Join(got, "|"), want)
		}
	}
	if compared < 50 {
		t.Errorf("only %d cases were compared", compared)
	}
}

func expressionRows(t *testing.T) arrow.RecordBatch {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../sqlexpr/testdata/rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	nullable := func(name string, of arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: of, Nullable: true}
	}
	schema := arrow.NewSchema([]arrow.Field{
		nullable("id", arrow.PrimitiveTypes.Int64),
		nullable("stars", arrow.PrimitiveTypes.Int32),
		nullable("text", arrow.BinaryTypes.String),
		nullable("score", arrow.PrimitiveTypes.Float64),
		nullable("amount", &arrow.Decimal128Type{Precision: 10, Scale: 2}),
		nullable("day", arrow.FixedWidthTypes.Date32),
		nullable("ok", arrow.FixedWidthTypes.Boolean),
		nullable("who", arrow.StructOf(nullable("name", arrow.BinaryTypes.String), nullable("age", arrow.PrimitiveTypes.Int32))),
		nullable("found", arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)),
		nullable("tags", arrow.ListOf(arrow.BinaryTypes.String)),
	}, nil)
	rows, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rows.Release)
	return rows
}
