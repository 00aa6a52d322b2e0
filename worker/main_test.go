package worker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// TestMain also makes the test program a worker, which tests start as Spark does.
func TestMain(m *testing.M) {
	OpenModel = func(_ context.Context, m *models.Resolved, _ models.Options) (llm.Model, error) {
		return openFake(m.Path())
	}
	registerTestFunctions()
	declareTestFunctions()
	Main()
	os.Exit(m.Run())
}

// stopped counts the calls of "test_hang" whose context has ended.
var stopped atomic.Int64

// hanging receives a value for each call of "test_hang" that has begun.
var hanging = make(chan struct{}, 16)

func registerTestFunctions() {
	Register("test_show", func(_ context.Context, args []arrow.Array, rows int) (arrow.Array, error) {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		for i := range rows {
			texts := make([]string, len(args))
			for k, a := range args {
				texts[k] = a.ValueStr(i)
			}
			b.Append(strings.Join(texts, "|"))
		}
		return b.NewArray(), nil
	}, "first", "second")
	Register("test_bang", func(_ context.Context, args []arrow.Array, _ int) (arrow.Array, error) {
		if a := args[0].(*array.String); a.Len() > 0 && a.IsValid(0) && a.Value(0) == "boom" {
			return nil, errors.New("the text says boom")
		}
		args[0].Retain()
		return args[0], nil
	})
	Register("test_panic", func(context.Context, []arrow.Array, int) (arrow.Array, error) {
		var none []int
		return nil, fmt.Errorf("%d", none[3])
	})
	Register("test_short", func(context.Context, []arrow.Array, int) (arrow.Array, error) {
		return array.NewNull(1), nil
	})
	Register("test_hang", func(ctx context.Context, _ []arrow.Array, _ int) (arrow.Array, error) {
		hanging <- struct{}{}
		<-ctx.Done()
		stopped.Add(1)
		return nil, ctx.Err()
	})
}

// fakeModel chooses the first label and counts the requests.
type fakeModel struct {
	llm.Unsupported

	path     string
	threads  atomic.Int64
	requests atomic.Int64
	closed   atomic.Bool
}

func openFake(path string) (llm.Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	switch string(text) {
	case "damaged":
		return nil, fmt.Errorf("%s: no magic at offset 0", path)
	case "panics":
		panic("index out of range")
	case "canary":
		return &canaryModel{}, nil
	}
	return &fakeModel{path: path}, nil
}

func (m *fakeModel) SetThreads(n int) { m.threads.Store(int64(n)) }
func (m *fakeModel) Info() llm.Info {
	return llm.Info{Name: "fake", Context: 100, Roles: []llm.ModelRole{llm.Text}}
}
func (m *fakeModel) CountTokens(s string) int           { return len(strings.Fields(s)) }
func (m *fakeModel) Cut(s string, _ int) (string, bool) { return s, false }
func (m *fakeModel) Close() error                       { m.closed.Store(true); return nil }

func (m *fakeModel) Do(_ context.Context, requests []llm.Request) ([]llm.Result, error) {
	m.requests.Add(int64(len(requests)))
	results := make([]llm.Result, len(requests))
	for i, q := range requests {
		all := q.Prefix + q.Text
		for _, msg := range q.Messages {
			all += msg.Text
		}
		if strings.Contains(all, "unanswerable") {
			results[i].Err = llm.ErrTooLong
			continue
		}
		if strings.Contains(all, "lost") {
			return nil, errors.New("the model is lost")
		}
		results[i] = llm.Result{Text: "an answer", Finish: llm.FinishStop}
		if c, ok := q.Constraint.(llm.Choice); ok {
			results[i].Text = c.Labels[0]
			results[i].Scores = make([]float64, len(c.Labels))
			for k := range c.Labels {
				results[i].Scores[k] = -float64(k + 1)
			}
		}
	}
	return results, nil
}

// syncBuffer is a buffer that several goroutines may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// fixture serves connections over real sockets, inside the test process.
type fixture struct {
	*process
	log     *syncBuffer
	served  sync.WaitGroup
	network string
}

// serveProcess returns a fixture for a Spark version and models. At the end of
// the test it waits for all tasks and checks that they freed their Arrow memory.
func serveProcess(t testing.TB, version string, shipped []bundle.Model, root string) *fixture {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	log := &syncBuffer{}
	env := map[string]string{"SPARK_REUSE_WORKER": "1"}
	f := &fixture{log: log, network: "tcp", process: &process{
		log: slog.New(slog.NewTextHandler(log, nil)), getenv: func(k string) string { return env[k] },
		mem: mem, spark: version,
	}}
	if version != "" {
		l, err := layoutOf(version)
		if err != nil {
			t.Fatal(err)
		}
		f.layout = l
	}
	var err error
	if f.models, err = newArchiveModels(f.process.log, root, bundle.Manifest{Models: shipped}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.served.Wait()
		mem.AssertSize(t, 0)
		if t.Failed() {
			t.Logf("the worker's log:\n%s", log)
		}
	})
	return f
}

// connect opens a connection that has completed the handshake.
func (f *fixture) connect(t testing.TB, version string) *sparkSide {
	t.Helper()
	address := "127.0.0.1:0"
	if f.network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(f.network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f.served.Go(func() {
		conn, err := net.Dial(f.network, l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		newConnection(f.process, conn).serve()
	})
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // a test that hangs fails with a stack trace
	t.Cleanup(func() { conn.Close() })
	return &sparkSide{t: t, version: version, conn: conn, r: bufio.NewReader(conn)}
}

// modelFolder is the folder of the model's file in an archive made by install.
var modelFolder = filepath.Join(bundle.ModelDir, "default")

// install writes an unpacked archive whose model file contains text, and returns
// its root folder and its manifest.
func install(t testing.TB, version, text string) (root string, m bundle.Manifest) {
	t.Helper()
	root = filepath.Join(t.TempDir(), bundle.Dir)
	sum := sha256.Sum256([]byte(text))
	m = bundle.Manifest{Firesteel: "test", Spark: version, Models: []bundle.Model{{
		Aliases: []string{"default"}, Ref: "test:model", Name: "model",
		File: "model.gguf", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]),
	}}}
	for _, dir := range []string{"bin", modelFolder} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, modelFolder, m.Models[0].File), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, bundle.ManifestName), manifest, 0o644); err != nil {
		t.Fatal(err)
	}
	return root, m
}

// installSelf copies the test program into an archive as its worker.
func installSelf(t testing.TB, root string) (exe string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe = filepath.Join(root, "bin", "firesteel")
	if os.Link(self, exe) == nil {
		return exe
	}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(exe, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return exe
}
