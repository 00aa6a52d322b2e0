//go:build linux

package integration

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/procfs"
	"github.com/firesteel/firesteel/spark"
)

// workerOf returns the process id of a session's worker.
func workerOf(t testing.TB, s *spark.Session) int {
	t.Helper()
	rows := query(t, s, "SELECT get_json_object(firesteel_worker_info(), '$.pid') AS pid")
	text, err := spark.Get[string](rows[0], "pid")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// cpuTime returns the CPU time of a process.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	p, err := procfs.Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	return p.Used
}

// waitBusy waits until a process has used a quarter of a second of CPU time.
func waitBusy(t testing.TB, pid int) {
	t.Helper()
	first := cpuTime(t, pid)
	for begin := time.Now(); cpuTime(t, pid) < first+250*time.Millisecond; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatal("the worker uses no CPU time")
		}
	}
}

// listening returns the TCP ports on which a process listens.
func listening(t testing.TB, pid int) []int {
	t.Helper()
	sockets := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	table, err := os.Open(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	var ports []int
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		const listen = "0A"
		if len(fields) < 10 || fields[3] != listen || !sockets[fields[9]] {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		n, err := strconv.ParseUint(port, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, int(n))
	}
	return ports
}

// greetWrongly sends a wrong secret in Spark's protocol, and returns the answer.
func greetWrongly(t testing.TB, port int) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text := func() string {
		var n uint32
		if err := binary.Read(conn, binary.BigEndian, &n); err != nil || n > 1000 {
			t.Fatalf("length %d: %v", n, err)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var pid uint32
	if err := binary.Read(conn, binary.BigEndian, &pid); err != nil {
		t.Fatal(err)
	}
	const secret = "not the secret at all"
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(secret))), secret...)); err != nil {
		t.Fatal(err)
	}
	return text()
}
