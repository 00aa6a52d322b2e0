package spark_test

import (
	"fmt"

	"github.com/firesteel/firesteel/spark"
)

func ExampleStructType() {
	schema := spark.StructType{Fields: []spark.StructField{
		{Name: "id", Type: spark.LongType},
		{Name: "text", Type: spark.StringType, Nullable: true},
		{Name: "tags", Type: spark.ArrayType{Element: spark.StringType, ContainsNull: true}, Nullable: true},
	}}
	fmt.Println(schema.DDL())
	fmt.Println(schema.Index("text"), schema.Names())
	// Output:
	// id BIGINT NOT NULL,text STRING,tags ARRAY<STRING>
	// 1 [id text tags]
}

func ExampleParseDecimal() {
	d, err := spark.ParseDecimal("12.50")
	fmt.Println(d, d.Precision(), d.Scale, err)
	// Output: 12.50 4 2 <nil>
}

func ExampleNamed() {
	a := spark.Named("limit", 10) // session.SQL(ctx, "SELECT * FROM t LIMIT :limit", a)
	fmt.Println(a.Name, a.Value)
	// Output: limit 10
}
