package safetensors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// The files of the data set safetensors-attacks are accepted or rejected as its table says.
func TestAttacks(t *testing.T) {
	folder := filepath.Join(testkit.Data(t, "data/safetensors-attacks"), "malformed")
	table, err := os.ReadFile(filepath.Join(folder, "INDEX.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]string{
		"MetadataIncompleteBuffer":     "data",
		"HeaderTooLarge":               "too large",
		"HeaderTooSmall":               "has 0 bytes",
		"InvalidHeaderLength":          "does not fit into the remaining 0 bytes",
		"InvalidHeader":                "not valid UTF-8",
		"InvalidHeaderDeserialization": "JSON text ends",
		"TensorInvalidInfo":            "span 4 bytes, but [2 2] of I32 takes 16",
		"ValidationOverflow":           "shape holds ",
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		path := filepath.Join(folder, fields[0])
		f, err := safetensors.Open(path)
		if checked := safetensors.Check(path); (checked == nil) != (err == nil) {
			t.Errorf("%s: Check returns %v, Open %v", fields[0], checked, err)
		}
		if fields[2] == "accepted" {
			if err != nil {
				t.Errorf("%s: %v", fields[0], err)
			} else if err := f.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		want := messages[fields[2]]
		if err == nil || want == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; expected %s", fields[0], err, fields[2])
		}
	}
	if len(lines) < 16 {
		t.Errorf("only %d files", len(lines))
	}
}
