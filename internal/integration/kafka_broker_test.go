//go:build linux

package integration

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/network/maven"
)

// jars returns the paths of artifacts of Maven, or skips the test.
func jars(t testing.TB, artifacts ...string) []string {
	t.Helper()
	paths, err := downloadJars(t.Context(), artifacts...)
	if err != nil {
		t.Skip(err)
	}
	return paths
}

// downloadJars returns the paths of artifacts of Maven in the cache.
func downloadJars(ctx context.Context, artifacts ...string) (paths []string, err error) {
	central := maven.Repository{Client: &fetch.Client{Progress: fetch.NewProgress(os.Stderr)}}
	for _, artifact := range artifacts {
		path, err := central.Jar(ctx, artifact)
		if err != nil {
			return nil, fmt.Errorf("the jar of %s cannot be downloaded: %w", artifact, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// listed returns the artifacts in a file, one in each line.
func listed(t testing.TB, file string) (artifacts []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			artifacts = append(artifacts, line)
		}
	}
	return artifacts
}

// javaHome returns the folder of the Java of JAVA_HOME, or else of PATH.
func javaHome(t testing.TB) string {
	t.Helper()
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return home
	}
	path, err := exec.LookPath("java")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(path))
}

// startKafka starts a broker that is its own controller, and returns its address.
// The broker ends with the test or with the test process.
func startKafka(t testing.TB) string {
	t.Helper()
	classes := strings.Join(jars(t, listed(t, filepath.Join("testdata", "kafka.txt"))...), ":")
	folder := t.TempDir()
	address, controller := freeAddress(t), freeAddress(t)
	settings := filepath.Join(folder, "server.properties")
	err := os.WriteFile(settings, fmt.Appendf(nil, `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%s
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://%s,CONTROLLER://%s
log.dirs=%s
num.partitions=2
offsets.topic.replication.factor=1
`, controller, address, controller, filepath.Join(folder, "log")), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	java := func(class string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(javaHome(t), "bin", "java"), append([]string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, class}, args...)...)
		c.Dir = folder
		return c
	}
	if text, err := java("kafka.tools.StorageTool", "format", "--cluster-id", "firesteel-test-cluster", "--config", settings).CombinedOutput(); err != nil {
		t.Fatalf("formatting the broker's folder: %v\n%s", err, text)
	}
	log, err := os.Create(filepath.Join(folder, "kafka.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	broker := java("kafka.Kafka", settings)
	broker.Stdout, broker.Stderr = log, log
	broker.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { broker.Wait(); close(ended) }()
	t.Cleanup(func() {
		broker.Process.Kill()
		<-ended
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("the broker's log: ...%s", text[max(0, len(text)-3000):])
		}
	})
	guardGroup(t, broker.Process.Pid)
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			c.Close()
			return address
		}
		select {
		case <-ended:
			t.Fatal("the broker ended")
		default:
		}
		if time.Since(begin) > patience {
			t.Fatal("the broker does not listen")
		}
	}
}

// freeAddress returns an address whose port is free, and below the range from which
// systems take the ports of outgoing connections.
func freeAddress(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+mathrand.IntN(12_000))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal(err)
	return ""
}
