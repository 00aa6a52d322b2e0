package safetensorstest

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"testing"
)

// The weights equal those of the Python script that writes the golden files.
func TestDecoderWeightsEqualPython(t *testing.T) {
	for _, c := range Decoders() {
		folder := t.TempDir()
		if err := WriteDecoder(folder, c); err != nil {
			t.Fatal(err)
		}
		_, data := read(t, filepath.Join(folder, "model.safetensors"))
		sum := sha256.Sum256(data) // the tensors are sorted by name
		if got, want := hex.EncodeToString(sum[:]), golden(t, "decoders", c.Name); got != want {
			t.Errorf("%s: the weights' SHA-256 is %s, in Python %s", c.Name, got, want)
		}
	}
}
