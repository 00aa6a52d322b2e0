//go:build linux

package worker

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/bundle"
)

// Idle connections of other programs do not exhaust the file descriptors:
// Spark's tasks are served before and after they are opened, and the log gets
// few lines about them.
func TestIdleConnections(t *testing.T) {
	for _, unix := range []bool{false, true} {
		t.Run("unix="+strconv.FormatBool(unix), func(t *testing.T) {
			var env []string
			if unix {
				env = []string{"PYTHON_UNIX_DOMAIN_ENABLED=True", "PYTHON_WORKER_FACTORY_SOCK_DIR=" + t.TempDir()}
			}
			root, _ := install(t, "4.3.0", "fine")
			d := runDaemon(t, "/bin/sh", "4.3.0", []string{"-c", `ulimit -n 64 && exec "$0" "$@"`, installSelf(t, root), "-m", "pyspark.daemon", "pyspark.worker"}, env...)
			batch := textBatch("first", "last")
			stream := arrowBytes(t, batch.Schema(), batch)
			serve := func(s *sparkSide) {
				t.Helper()
				if a := s.do(ask(bundle.Command{Kind: bundle.AI, Function: "ai_gen"}, 0), stream); a.failure != "" || a.batches == 0 {
					t.Fatalf("got %+v", a)
				}
			}
			first, _ := d.connect(testSecret)
			serve(first)
			const idle = 400
			for i := range idle {
				conn, err := net.DialTimeout(d.network, d.address, 10*time.Second)
				if err != nil {
					t.Fatalf("connection %d: %v", i, err)
				}
				defer conn.Close()
			}
			s, reply := d.connect(testSecret)
			if !unix && reply != "ok" {
				t.Fatalf("the secret was answered %q", reply)
			}
			serve(s)
			serve(first)
			first.conn.Close()
			s.conn.Close()
			if n := strings.Count(d.log.String(), "connection refused"); n < 1 || n > 2 {
				t.Errorf("the log has %d lines about %d idle connections", n, idle)
			}
			d.stop()
		})
	}
}
