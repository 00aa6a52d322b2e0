package spark

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark/internal/pb"
)

func TestShippedModel(t *testing.T) {
	reference := func(text string) models.Reference {
		r, err := models.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		model models.Resolved
		want  bundle.Model
	}{
		{
			models.Resolved{Reference: reference("pypi:tiny"), Info: llm.Info{Name: "tiny", Digest: "ab", Precision: llm.Int8}, Root: "/cache/tiny.gguf", Size: 7},
			bundle.Model{Ref: "pypi:tiny", Name: "tiny", File: "tiny.gguf", Size: 7, SHA256: "ab", Precision: "int8"},
		},
		{
			models.Resolved{Reference: reference("hf:o/flan"), Info: llm.Info{Name: "flan", Digest: "cd", Precision: llm.Float32}, Root: "/hub/snapshots/0123", Size: 9,
				Files: []models.File{{Name: "config.json", Size: 2, SHA256: "ef"}, {Name: "model.safetensors", Size: 7, SHA256: "ab"}}},
			bundle.Model{Ref: "hf:o/flan", Name: "flan", File: "flan", Size: 9, SHA256: "cd", Precision: "f32",
				Files: []bundle.File{{Name: "config.json", Size: 2, SHA256: "ef"}, {Name: "model.safetensors", Size: 7, SHA256: "ab"}}},
		},
		{
			models.Resolved{Reference: reference("openai:m@https://h/v1?key=K"), Info: llm.Info{Name: "openai:m@https://h/v1"}},
			bundle.Model{Ref: "openai:m@https://h/v1?key=K", Name: "openai:m@https://h/v1"},
		},
	} {
		c.want.Aliases = []string{"default"}
		if got := shippedModel(c.want.Aliases, &c.model); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v; want %+v", got, c.want)
		}
	}
}

func TestModelNames(t *testing.T) {
	for _, c := range []struct {
		options []Option
		want    string // or the error
	}{
		{nil, ""},
		{[]Option{WithModel("")}, ""},
		{[]Option{WithModel("a"), WithModel("b")}, "[default]=b"},
		{[]Option{WithNamedModel("big", "b"), WithModel("a")}, "[default]=a [big]=b"},
		{[]Option{WithNamedModel("big", "b"), WithNamedModel("Default", "a")}, "[Default]=a [big]=b"},
		{[]Option{WithNamedModel("big", "b"), WithNamedModel("small", "a")}, "[default big]=b [small]=a"},
		{[]Option{WithModel("a"), WithNamedModel("x", "b"), WithNamedModel("y", "a")}, "[default y]=a [x]=b"},
		{[]Option{WithModel("a"), WithNamedModel("default", "b")}, `two models are named "default"`},
		{[]Option{WithNamedModel("x", "a"), WithNamedModel("X", "a")}, `two models are named "X"`},
		{[]Option{WithModelFor(llm.Embed, "e"), WithModel("a")}, "[default]=a [embed]=e"},
		{[]Option{WithModelFor(llm.Embed, "e")}, "[embed]=e"},
		{[]Option{WithModelFor(llm.Text, "x"), WithNamedModel("big", "b")}, "[default text]=x [big]=b"},
		{[]Option{WithModelFor(llm.Tag, "e"), WithModelFor(llm.Tag, "f")}, `two models are named "tag"`},
		{[]Option{WithNamedModel("a/b", "a")}, `"a/b" cannot name a model`},
		{[]Option{WithModel("a"), WithNamedModel("x", "a"), WithModelAt("/mnt/a", false)}, "[default x]=a"},
		{[]Option{WithModel("a"), WithNamedModel("x", "b"), WithModelAt("path", false)}, "[default]=a [x]=b"},
		{[]Option{WithModel("a"), WithNamedModel("x", "b"), WithModelAt("/mnt/a", false)}, "the place /mnt/a is that of one model, but the session has 2"},
		{[]Option{WithNamedModel("a", "")}, `model "a": bad model reference: it is empty`},
	} {
		var of config
		for _, o := range c.options {
			o(&of)
		}
		var all []string
		set, err := of.ship.models()
		for _, e := range set {
			all = append(all, fmt.Sprintf("%v=%s", e.Names, e.Reference))
		}
		got := strings.Join(all, " ")
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != c.want || err != nil && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestFindPython(t *testing.T) {
	const own, before = "firesteel/bin/firesteel", "/opt/python"
	for _, c := range []struct {
		session string
		conf    map[string]string
		want    string // or a part of the error
	}{
		{"", nil, "add ;session_id=... and ;user_id=..."},
		{"/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", nil, ""},
		{"/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", map[string]string{"spark.pyspark.python": before}, before},
		{"/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", map[string]string{"spark.pyspark.python": "python", pythonKey: before}, before},
		{"/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", map[string]string{pythonKey: own, originalPythonKey: before}, before},
		{"/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e", map[string]string{pythonKey: own}, "was opened by firesteel without WithPythonSession"},
	} {
		f := newFake(t)
		f.conf = c.conf
		s, _ := f.start(t, c.session)
		p, err := s.findPython(t.Context())
		if err != nil {
			if c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: the error is %v, want %q", c, err, c.want)
			}
		} else if p.Executable != c.want {
			t.Errorf("%v: got %q", c, p.Executable)
		}
	}
}

// A session that no client has open is not joined, and not opened.
func TestSessionNotOpen(t *testing.T) {
	f := newFake(t)
	f.reattach = func(int, func(int, int), context.Context) error {
		return sparkError(codes.Internal, "[INVALID_HANDLE.SESSION_NOT_FOUND] The handle is invalid.", "INVALID_HANDLE.SESSION_NOT_FOUND", nil)
	}
	s, _ := f.start(t, "/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e;user_id=")
	if err := s.findOpen(t.Context()); err != nil {
		t.Errorf("without a Python client: %v", err)
	}
	s.config.ship.python = true
	var refused *SessionNotOpenError
	if err := s.findOpen(t.Context()); !errors.As(err, &refused) || refused.UserID != "" {
		t.Errorf("%v; want a SessionNotOpenError without a user", err)
	}
	f.reattach = func(int, func(int, int), context.Context) error {
		return sparkError(codes.Internal, "[INVALID_HANDLE.OPERATION_NOT_FOUND] The handle is invalid.", "INVALID_HANDLE.OPERATION_NOT_FOUND", nil)
	}
	if err := s.findOpen(t.Context()); err != nil {
		t.Errorf("an open session: %v", err)
	}
}

// After a statement that changes the setting by which Spark finds the session's
// functions, the setting is restored.
func TestRestoreWorker(t *testing.T) {
	const joined = "/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e"
	for _, c := range []struct {
		session, statement string
		restored           bool
	}{
		{"", "RESET", true},
		{"", "/* a */ reset `spark.sql.execution.pyspark.python` -- b", true},
		{"", "SET spark.sql.execution.pyspark.python=python3", true},
		{"", "EXECUTE IMMEDIATE 'RESET'", true},
		{"", "BEGIN EXECUTE IMMEDIATE 'RESET'; END", true},
		{"", "SELECT 'RESET'", false},
		{joined, "SELECT 1", true}, // another client changed it
	} {
		f := newFake(t)
		f.responses = []*pb.ExecutePlanResponse{{ResponseType: &pb.ExecutePlanResponse_SqlCommandResult_{
			SqlCommandResult: &pb.ExecutePlanResponse_SqlCommandResult{Relation: &pb.Relation{}}}}}
		s, _ := f.start(t, c.session)
		if err := s.useWorker(t.Context(), bundle.Executable); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		f.conf[pythonKey] = "python3"
		f.mu.Unlock()
		if _, err := s.SQL(t.Context(), c.statement); err != nil {
			t.Fatal(err)
		}
		if now := f.conf[pythonKey]; (now == bundle.Executable) != c.restored {
			t.Errorf("%s: the setting is %s", c.statement, now)
		}
		for _, err := range []error{s.Conf().Set(t.Context(), pythonKey, "python3"), s.Conf().Unset(t.Context(), pythonKey)} {
			if err == nil || !strings.Contains(err.Error(), "must remain "+bundle.Executable) {
				t.Errorf("the setting can be changed: %v", err)
			}
		}
	}
}
