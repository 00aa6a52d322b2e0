package safetensorstest

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"testing"
)

// The numbers are those that the Python script of the goldens makes.
func TestDecoderWeightsAsInPython(t *testing.T) {
	for _, c := range Decoders() {
		folder := t.TempDir()
		if err := WriteDecoder(folder, c); err != nil {
			t.Fatal(err)
		}
		_, data := read(t, filepath.Join(folder, "model.safetensors"))
		sum := sha256.Sum256(data) // the tensors stand in the order of their names
		if got, want := hex.EncodeToString(sum[:]), golden(t, "decoders", c.Name); got != want {
			t.Errorf("%s: the weights' SHA-256 is %s, in Python %s", c.Name, got, want)
		}
	}
}
