package safetensors

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/malformed"
)

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":12,"more":[{}]},"weight_map":{"b":"2.safetensors","a":"1.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := parseIndex("fuzz", text)
		if err != nil {
			if !errors.Is(err, malformed.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		for _, name := range x.files() {
			if filepath.Dir(filepath.Join("folder", name)) != "folder" {
				t.Fatalf("%q is not in the folder of the index", name)
			}
		}
	})
}
