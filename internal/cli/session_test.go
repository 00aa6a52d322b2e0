package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// Errors of package spark name no flag; the command adds it.
func TestShipHint(t *testing.T) {
	for flag, err := range map[string]error{
		"--ship path":   &spark.TooLargeError{Model: "m", Size: 3 << 30},
		"--ship with":   spark.ErrNodeCopy,
		"--executors N": &spark.ExecutorsUnknownError{Setting: "spark.executor.instances"},
	} {
		if hinted := shipHint(fmt.Errorf("connecting: %w", err)).Error(); !strings.Contains(hinted, flag) || strings.Contains(err.Error(), "--") {
			t.Errorf("%v\n becomes %s; want %s", err, hinted, flag)
		}
	}
}

func TestModelFlags(t *testing.T) {
	f := shipFlags{models: []string{"big=/m/b.gguf", "small=/m/s.gguf"}}
	if got := f.reference(llm.Text); got != "/m/b.gguf" {
		t.Errorf("without a model named default, the default is %s", got)
	}
	f.models = append(f.models, "/m/d.gguf")
	for name, want := range map[string]string{"default": "/m/d.gguf", "BIG": "/m/b.gguf", "/m/x.gguf": "/m/x.gguf"} {
		if got := f.find(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, c := range []struct {
		models []string
		want   string
	}{
		{[]string{""}, "--model is empty"},
		{[]string{"big="}, "--model is empty"},
		{[]string{"a", "b"}, `two models are named "default"; give each its own name: --model NAME=REFERENCE`},
		{[]string{"hf:one"}, "--model: bad model reference"},
		{[]string{"openai:m"}, "--model: bad model reference: the endpoint has no address"},
	} {
		f.models = c.models
		if err := f.check(); !errors.Is(err, errUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %s", c.models, err, c.want)
		}
	}
}
