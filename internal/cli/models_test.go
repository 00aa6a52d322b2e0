package cli

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A model of several files is one line of the list. Its path is the folder, and
// it is removed as a whole.
func TestModelsOfSeveralFiles(t *testing.T) {
	root := t.TempDir()
	t.Setenv("FIRESTEEL_CACHE", filepath.Join(root, "cache"))
	t.Setenv("HF_HUB_CACHE", filepath.Join(root, "hub"))
	t.Setenv("HF_HUB_OFFLINE", "1")
	const commit = "0123456789abcdef0123456789abcdef01234567"
	repository := filepath.Join(root, "hub", "models--org--flan")
	snapshot := filepath.Join(repository, "snapshots", commit)
	for name, text := range map[string]string{
		"config.json": "{}", "tokenizer.json": "{}",
		"model.safetensors": string(binary.LittleEndian.AppendUint64(nil, 2)) + "{}",
		"../../refs/main":   commit,
	} {
		path := filepath.Join(snapshot, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	status, out, errs := do("models")
	if status != exitOK || errs != "" || strings.Count(out, "\n") != 2 || !strings.Contains(out, "hf:org/flan@"+commit+":model.safetensors   14 B   "+snapshot+"\n") {
		t.Errorf("models: %d %s%s", status, out, errs)
	}
	if status, out, errs := do("models", "get", "hf:org/flan"); status != exitOK || errs != "" || out != snapshot+"\n" {
		t.Errorf("get: %d %s%s", status, out, errs)
	}
	if status, out, errs := do("models", "remove", "hf:org/flan"); status != exitOK || out+errs != "" {
		t.Errorf("remove: %d %s%s", status, out, errs)
	}
	if _, err := os.Stat(repository); err == nil {
		t.Error("remove left files")
	}
	if err := os.WriteFile(filepath.Join(root, "model.safetensors"), []byte("PK this is an archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "tokenizer.json"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, out, errs := do("models", "get", root); status != exitFailed || out != "" || !strings.Contains(errs, "model.safetensors: the header of ") {
		t.Errorf("damaged: %d %s%s", status, out, errs)
	}
}
