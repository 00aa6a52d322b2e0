//go:build linux

package integration

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

var update = flag.Bool("update", false, "write the goldens that Spark computes")

// TestANSIExpressions compares the types, values and errors in ansi.txt with Spark's, or writes them.
func TestANSIExpressions(t *testing.T) {
	t.Parallel()
	session, err := spark.Connect(t.Context(), testkit.SharedSpark(t))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if strings.HasPrefix(session.Version(), "3.") {
		t.Skip("Spark 3.5 has no ANSI mode by default")
	}
	if err := session.Conf().Set(t.Context(), "spark.sql.session.timeZone", "UTC"); err != nil {
		t.Fatal(err)
	}
	rows, err := session.CreateDataFrame(t.Context(), expressionRows(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.FromSlash("../sqlexpr/testdata/ansi.txt")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var together []string // expressions without an error, which are computed in one query
	wants := map[string]string{}
	last := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			out.WriteString(line + "\n")
		} else if want, ok := strings.CutPrefix(line, "  "); ok {
			wants[last] = want
		} else if last = line; line != "" {
			together = append(together, line)
		}
	}
	all := together
	if !*update {
		together = slices.DeleteFunc(slices.Clone(all), func(e string) bool { return strings.HasPrefix(wants[e], "error ") })
		for i, got := range computed(t, rows, together...) {
			if got != wants[together[i]] {
				t.Errorf("%s\nSpark %s\n want %s", together[i], got, wants[together[i]])
			}
		}
	}
	for _, e := range all {
		if !*update && !strings.HasPrefix(wants[e], "error ") {
			continue
		}
		got := computed(t, rows, e)[0]
		if !*update && got != wants[e] {
			t.Errorf("%s\nSpark %s\n want %s", e, got, wants[e])
		}
		out.WriteString(e + "\n  " + got + "\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 250 {
		t.Errorf("only %d expressions were compared", len(all))
	}
}

// computed returns the type and the values of each expression; of one, also the class of its error.
func computed(t *testing.T, rows *spark.DataFrame, expressions ...string) []string {
	t.Helper()
	columns := make([]spark.Column, len(expressions))
	for i, e := range expressions {
		columns[i] = spark.Expr(e).Alias(fmt.Sprint("c", i))
	}
	df := rows.Select(columns...)
	results := make([]string, len(expressions))
	schema, err := df.Schema(t.Context())
	if err == nil {
		for i := range results {
			results[i] = schema.Fields[i].Type.String()
		}
		for b, e := range df.Batches(t.Context()) {
			if err = e; err != nil {
				break
			}
			for i := range results {
				for row := range int(b.NumRows()) {
					results[i] += "|" + b.Column(i).ValueStr(row)
				}
			}
		}
	}
	if err != nil {
		var failed *spark.Error
		if !errors.As(err, &failed) || len(expressions) > 1 {
			t.Fatalf("%q: %v", expressions, err)
		}
		return []string{"error " + failed.Class}
	}
	for i, r := range results {
		quoted := strconv.Quote(r)
		results[i] = quoted[1 : len(quoted)-1]
	}
	return results
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
		nullable("at", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}),
		nullable("ntz", &arrow.TimestampType{Unit: arrow.Microsecond}),
		nullable("small", arrow.PrimitiveTypes.Int16),
		nullable("f", arrow.PrimitiveTypes.Float32),
		nullable("digits", arrow.BinaryTypes.String),
	}, nil)
	rows, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rows.Release)
	return rows
}
