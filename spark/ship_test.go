package spark

import (
	"reflect"
	"testing"

	"github.com/firesteel/firesteel/llm/weights"
	"github.com/firesteel/firesteel/worker/bundle"
)

func TestShipped(t *testing.T) {
	for _, c := range []struct {
		model weights.Model
		want  bundle.Model
	}{
		{
			weights.Model{Name: "tiny", Ref: "pypi:tiny", Path: "/cache/tiny.gguf", Size: 7, SHA256: "ab"},
			bundle.Model{Name: "tiny", File: "tiny.gguf", Size: 7, SHA256: "ab"},
		},
		{
			weights.Model{Name: "flan", Ref: "hf:o/flan", Path: "/hub/snapshots/0123", Size: 9, SHA256: "cd", Files: []weights.File{{Name: "config.json", Size: 2, SHA256: "ef"}, {Name: "model.safetensors", Size: 7, SHA256: "ab"}}},
			bundle.Model{Name: "flan", File: "flan", Size: 9, SHA256: "cd", Files: []bundle.File{{Name: "config.json", Size: 2, SHA256: "ef"}, {Name: "model.safetensors", Size: 7, SHA256: "ab"}}},
		},
	} {
		if got := shipped(c.model); !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%+v; want %+v", *got, c.want)
		}
	}
}
