//go:build linux

package integration

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/worker"
)

func registerTestFunctions() {
	// show returns its arguments as one text.
	worker.Register("show", func(_ context.Context, args []arrow.Array, rows int) (arrow.Array, error) {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		for i := range rows {
			texts := make([]string, len(args))
			for k, a := range args {
				texts[k] = a.ValueStr(i)
			}
			b.Append(strings.Join(texts, " | "))
		}
		return b.NewArray(), nil
	})
	// fail_at_900 fails at a value of 900 or more.
	worker.Register("fail_at_900", func(_ context.Context, args []arrow.Array, rows int) (arrow.Array, error) {
		ids := args[0].(*array.Int64)
		for i := range rows {
			if ids.Value(i) >= 900 {
				return nil, errors.New("the value is 900 or more")
			}
		}
		args[0].Retain()
		return args[0], nil
	})
}

// A worker on each Spark reads and writes values of all types and NULLs. A batch
// can have several functions, and functions of functions. The worker is reused for
// many batches and tasks, and continues after an error in a stream of batches.
func TestValues(t *testing.T) {
	t.Parallel()
	type server struct {
		name string
		unix bool // the worker listens on a Unix socket
		url  func(*testing.T) string
	}
	servers := []server{{"4.3.0 with Unix sockets, encryption and a daemon of its own", true, func(t *testing.T) string {
		return testkit.Spark(t, localspark.Options{Version: localspark.DefaultVersion, Conf: map[string]string{
			"spark.python.unix.domain.socket.enabled": "true",
			"spark.io.encryption.enabled":             "true",
			"spark.python.daemon.module":              "our.daemon",
		}}).URL()
	}}}
	// One of each layout of the worker's protocol.
	for _, version := range append([]string{"4.2.1", "4.1.4"}, sparks...) {
		servers = append(servers, server{version, false, func(t *testing.T) string { return sparkOf(t, version) }})
	}
	for _, c := range servers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := c.url(t)
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			session, err := spark.Connect(t.Context(), url, spark.WithAllocator(mem), spark.WithProgram())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				session.Close()
				mem.AssertSize(t, 0)
			})
			for name, returns := range map[string]spark.DataType{"show": spark.StringType, "fail_at_900": spark.LongType} {
				if err := session.RegisterProgramFunction(t.Context(), name, returns); err != nil {
					t.Fatal(err)
				}
			}
			if ports := listening(t, workerOf(t, session)); c.unix == (len(ports) > 0) {
				t.Errorf("the worker listens at the ports %v", ports)
			}
			values(t, session)
			manyBatches(t, session)
			errorMidStream(t, session)
		})
	}
}

func values(t *testing.T, s *spark.Session) {
	t.Helper()
	rows := query(t, s, `SELECT show(s, i, l, f, d, b, y) AS plain, show(a, st, m, dec, day) AS nested, show(show(l), firesteel_echo(s)) AS chained
		FROM VALUES
			('é', 1, 2L, 1.5F, 2.5D, true, X'00ff', array('p', NULL), named_struct('x', 1, 'y', array(2.5D)), map('k', 3L), 12.50BD, DATE'2024-02-29'),
			(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
		AS t(s, i, l, f, d, b, y, a, st, m, dec, day) ORDER BY l DESC`)
	want := [][]string{
		{`é | 1 | 2 | 1.5 | 2.5 | true | AP8=`, `["p",null] | {"x":1,"y":[2.5]} | [{"key":"k","value":3}] | 12.5 | 2024-02-29`, `2 | é`},
		{`(null) | (null) | (null) | (null) | (null) | (null) | (null)`, `(null) | (null) | (null) | (null) | (null)`, `(null) | (null)`},
	}
	if len(rows) != len(want) {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		for k, w := range want[i] {
			if row.At(k) != w {
				t.Errorf("row %d, %s:\n got %v\nwant %v", i, row.Names()[k], row.At(k), w)
			}
		}
	}
}

func manyBatches(t *testing.T, s *spark.Session) {
	t.Helper()
	// Hundreds of batches in 16 tasks, some of them at the same time.
	if err := s.Conf().Set(t.Context(), "spark.sql.execution.arrow.maxRecordsPerBatch", "100"); err != nil {
		t.Fatal(err)
	}
	rows := query(t, s, `SELECT count(*) AS n, sum(CAST(shown AS BIGINT)) AS total, count(DISTINCT pid) AS processes FROM (
		SELECT show(id) AS shown, get_json_object(firesteel_worker_info(id), '$.pid') AS pid FROM range(0, 50000, 1, 16))`)
	if got := rows[0]; got.At(0) != int64(50000) || got.At(1) != int64(50000*49999/2) || got.At(2) != int64(1) {
		t.Errorf("rows, sum, processes: %v", got)
	}
}

func errorMidStream(t *testing.T, s *spark.Session) {
	t.Helper()
	df, err := s.SQL(t.Context(), "SELECT sum(fail_at_900(id)) FROM range(0, 1000, 1, 1)")
	if err == nil {
		_, err = df.Collect(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "fail_at_900: the value is 900 or more") {
		t.Errorf("the error is %v", err)
	}
	// The worker continues.
	if rows := query(t, s, "SELECT sum(fail_at_900(id)) FROM range(0, 900, 1, 1)"); rows[0].At(0) != int64(900*899/2) {
		t.Errorf("after the error: %v", rows[0])
	}
}
