//go:build linux

package integration

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// The examples label a Delta and an Iceberg table into another one, and merge
// into it what has come since; the model has not been asked for "kept".
func TestLakehouseUpsert(t *testing.T) {
	testkit.Integration(t)
	for _, c := range []struct {
		name, version, prefix string
		jars                  []string
		conf                  map[string]string
	}{
		{"delta", lakeSpark, "", deltaPackage, map[string]string{
			"spark.sql.extensions":            "io.delta.sql.DeltaSparkSessionExtension",
			"spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
			// Else each look at a table is 50 tasks.
			"spark.databricks.delta.snapshotPartitions": "2",
		}},
		{"iceberg", "4.1.4", "lake.shop.", []string{"org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0"}, map[string]string{
			"spark.sql.extensions":             "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
			"spark.sql.catalog.lake":           "org.apache.iceberg.spark.SparkCatalog",
			"spark.sql.catalog.lake.type":      "hadoop",
			"spark.sql.catalog.lake.warehouse": filepath.Join(t.TempDir(), "lake"),
			// Else a session sees what others have written after 30 seconds.
			"spark.sql.catalog.lake.cache-enabled": "false",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.conf["spark.sql.shuffle.partitions"] = "2"
			c.conf["spark.jars"] = strings.Join(jars(t, c.jars...), ",")
			server := testkit.Spark(t, localspark.Options{Version: c.version, Conf: c.conf})
			plain, err := spark.Connect(t.Context(), server.URL())
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			reviews, labelled := c.prefix+"reviews", c.prefix+"labelled"
			do := func(statements ...string) {
				t.Helper()
				for _, statement := range statements {
					query(t, plain, statement)
				}
			}
			upsert := func(want ...string) {
				t.Helper()
				firesteel(t, "sql", "--remote", server.URL(), "-f", filepath.Join("..", "..", "examples", c.name, "upsert.sql"))
				var got []string
				for _, row := range query(t, plain, "SELECT concat_ws('|', id, text, mood, day) AS line FROM "+labelled+" ORDER BY id") {
					got = append(got, fmt.Sprint(row.At(0)))
				}
				if !slices.Equal(got, want) {
					t.Errorf("got  %q\nwant %q", got, want)
				}
			}

			do("CREATE TABLE "+reviews+" (id BIGINT, text STRING, day STRING) USING "+c.name+" PARTITIONED BY (day)",
				"INSERT INTO "+reviews+" VALUES (1, 'It arrived.', 'd1'), (2, 'I love it, it works perfectly.', 'd1'), (3, NULL, 'd2')")
			upsert("1|It arrived.|positive|d1", "2|I love it, it works perfectly.|positive|d1", "3|d2")
			do("UPDATE "+labelled+" SET mood = 'kept' WHERE id <> 2",
				"UPDATE "+reviews+" SET text = 'It broke after two days and nobody answers.' WHERE id = 2",
				"INSERT INTO "+reviews+" VALUES (4, 'Works perfectly, the best I ever had.', 'd3')")
			upsert("1|It arrived.|kept|d1", "2|It broke after two days and nobody answers.|negative|d1",
				"3|kept|d2", "4|Works perfectly, the best I ever had.|positive|d3")
		})
	}
}

// deltaPackage is delta-spark with what it needs.
var deltaPackage = []string{
	"io.delta:delta-spark_4.2_2.13:4.4.0", "io.delta:delta-storage:4.4.0",
	"io.delta:delta-kernel-api:4.4.0", "io.delta:delta-kernel-defaults:4.4.0", "io.delta:delta-kernel-unitycatalog:4.4.0",
}
