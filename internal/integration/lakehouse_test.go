//go:build linux

package integration

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
)

// lake is a table format, and the newest Spark for which it has a release.
type lake struct {
	version string
	format  string
	prefix  string // of the names of tables
	jars    []string
	conf    map[string]string
}

var lakes = []lake{
	// The jars of Kafka are for the same Spark, so its tests can share the server.
	{lakeSpark, "delta", "", slices.Concat(deltaPackage, kafkaPackage), map[string]string{
		"spark.sql.extensions":            "io.delta.sql.DeltaSparkSessionExtension",
		"spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
		// By default each read of a table's log is 50 tasks.
		"spark.databricks.delta.snapshotPartitions": "2",
	}},
	{"4.1.4", "iceberg", "lake.shop.", []string{"org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0"}, map[string]string{
		"spark.sql.extensions":             "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
		"spark.sql.catalog.lake":           "org.apache.iceberg.spark.SparkCatalog",
		"spark.sql.catalog.lake.type":      "hadoop",
		"spark.sql.catalog.lake.warehouse": "lake", // below the server's working folder
		// By default a session sees what others write after 30 seconds.
		"spark.sql.catalog.lake.cache-enabled": "false",
	}},
}

// server returns the server that tests of the lake's Spark share, or skips the
// test if the jars are missing.
func (l lake) server(t *testing.T) *localspark.Server {
	t.Helper()
	testkit.Integration(t)
	conf := maps.Clone(l.conf)
	conf["spark.jars"] = strings.Join(jars(t, l.jars...), ",")
	return testkit.SharedSparkWith(t, localspark.Options{Version: l.version, Conf: conf})
}

// sparkOf returns the URL of a server of a version that tests share. It may have
// the settings and jars of a table format.
func sparkOf(t *testing.T, version string) string {
	t.Helper()
	for _, l := range lakes {
		if l.version != version {
			continue
		}
		if _, err := downloadJars(t.Context(), l.jars...); err == nil {
			return l.server(t).URL()
		}
	}
	return testkit.SharedSparkOf(t, version)
}

// The examples label a table of Delta and of Iceberg into another table, and
// merge later changes into it. The word "kept" shows that a row was not labelled
// again.
func TestLakehouseUpsert(t *testing.T) {
	t.Parallel()
	for _, l := range lakes {
		t.Run(l.format, func(t *testing.T) {
			t.Parallel()
			server := l.server(t)
			plain, err := spark.Connect(t.Context(), server.URL())
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			reviews, labelled := l.prefix+"reviews", l.prefix+"labelled"
			do := func(statements ...string) {
				t.Helper()
				for _, statement := range statements {
					query(t, plain, statement)
				}
			}
			upsert := func(want ...string) {
				t.Helper()
				firesteel(t, "sql", "--remote", server.URL(), "-f", filepath.Join("..", "..", "examples", l.format, "upsert.sql"))
				var got []string
				for _, row := range query(t, plain, "SELECT concat_ws('|', id, text, mood, day) AS line FROM "+labelled+" ORDER BY id") {
					got = append(got, fmt.Sprint(row.At(0)))
				}
				if !slices.Equal(got, want) {
					t.Errorf("got  %q\nwant %q", got, want)
				}
			}

			do("CREATE TABLE "+reviews+" (id BIGINT, text STRING, day STRING) USING "+l.format+" PARTITIONED BY (day)",
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

// deltaPackage is delta-spark and its dependencies.
var deltaPackage = []string{
	"io.delta:delta-spark_4.2_2.13:4.4.0", "io.delta:delta-storage:4.4.0",
	"io.delta:delta-kernel-api:4.4.0", "io.delta:delta-kernel-defaults:4.4.0", "io.delta:delta-kernel-unitycatalog:4.4.0",
}
