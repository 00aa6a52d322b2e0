//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/procfs"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// demoTable is the output in the README.
const demoTable = `+---+------------------------------+-------------+
|id |sentence                      |output_column|
+---+------------------------------+-------------+
|1  |It is a good test for Spark.  |positive     |
|2  |Spark DataFrames are powerful.|positive     |
|3  |LLMs could be very slow.      |negative     |
|4  |It is a naive statement.      |negative     |
+---+------------------------------+-------------+
`

// sparks are the newest version, the first series of Spark 4, and 3.5.
var sparks = []string{localspark.DefaultVersion, "4.0.5", "3.5.1"}

func TestDemo(t *testing.T) {
	t.Parallel()
	program(t)
	for _, version := range sparks {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			if got := firesteel(t, "demo", "--spark-version", version); got != demoTable {
				t.Errorf("got\n%swant\n%s", got, demoTable)
			}
			t.Logf("%.1f s", time.Since(begin).Seconds())
		})
	}
}

var keptLine = regexp.MustCompile(`is still running at (sc://\S+) \(process (\d+),`)

// firesteel sql in all its forms uses a server that firesteel demo leaves running.
func TestKeepSpark(t *testing.T) {
	out, errs, err := run(t, "", "demo", "--keep-spark")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if out != demoTable {
		t.Errorf("got\n%s", out)
	}
	kept := keptLine.FindStringSubmatch(errs)
	if kept == nil {
		t.Fatalf("the address is not printed: %s", errs)
	}
	url, text := kept[1], kept[2]
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			syscall.Kill(-pid, syscall.SIGKILL)
		}
	}()

	const statement = "SELECT ai_analyze_sentiment('It is a good test for Spark.') AS s"
	const table = "+--------+\n|s       |\n+--------+\n|positive|\n+--------+\n"
	if got := firesteel(t, "sql", "--remote", url, "-e", statement); got != table {
		t.Errorf("-e: got\n%s", got)
	}
	script := filepath.Join(t.TempDir(), "job.sql")
	if err := os.WriteFile(script, []byte("-- a view; and a query\nCREATE TEMP VIEW v AS "+statement+";\nSELECT * FROM v;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := firesteel(t, "sql", "--remote", url, "-f", script); got != table {
		t.Errorf("-f: got\n%s", got)
	}
	if err := os.WriteFile(script, []byte(statement+";\nBEGIN\n  DECLARE x INT DEFAULT 1;\n  IF x = 2 THEN SELECT 'wrong' AS s; ELSE "+statement+
		"; END IF;\nEND;\nBEGIN\n  l: FOR r AS SELECT 1 AS a DO LEAVE l; END FOR l;\nEND; -- done\n"+statement), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := firesteel(t, "sql", "--remote", url, "-f", script); got != table+table+table {
		t.Errorf("-f, with blocks: got\n%s", got)
	}
	t.Run("stranger", func(t *testing.T) { otheruser.Attack(t, pid) })
	t.Setenv("SPARK_REMOTE", url)
	if got, errs, err := run(t, statement, "sql"); got != table || err != nil {
		t.Errorf("standard input: %v\n%s%s", err, got, errs)
	}
	_, errs, err = run(t, "", "sql", "-e", "SELECT ai_analyze_sentiment(nothing)")
	if err == nil || !strings.Contains(errs, "UNRESOLVED_COLUMN") || strings.Contains(errs, "\tat ") {
		t.Errorf("a mistake: %v\n%s", err, errs)
	}

	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if !alive(pid) {
			stopped = true
			return
		}
		if time.Since(begin) > patience {
			t.Fatal("the server does not end")
		}
	}
}

// alive reports whether a process runs. A zombie does not.
func alive(pid int) bool {
	p, err := procfs.Read(pid)
	return err == nil && !p.Zombie
}
