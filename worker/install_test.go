package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

func askInstall(t *testing.T, f *fixture, folder string) bundle.Installed {
	t.Helper()
	rows := batchOf(textBatch(folder, folder).Column(0), fromJSON(t, memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, `[1, 2]`))
	a := f.connect(t, "4.3.0").do(ask(hostCall(bundle.Install), 0, 1), arrowBytes(t, rows.Schema(), rows))
	if len(a.columns) != 1 || len(a.columns[0]) != 2 || a.columns[0][0] != a.columns[0][1] {
		t.Fatalf("got %+v", a)
	}
	var i bundle.Installed
	if err := json.Unmarshal([]byte(a.columns[0][0].(string)), &i); err != nil {
		t.Fatal(err)
	}
	return i
}

// An installed worker serves after the archive has been removed, and is
// installed once.
func TestInstall(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	if err := os.WriteFile(filepath.Join(root, "bin", "firesteel"), []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	first := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), parent)
	second := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), parent)
	if first.Error != "" || first != second || !strings.HasPrefix(first.Executable, filepath.Join(parent, "shipped")+"/") {
		t.Fatalf("the first installation is %+v, the second %+v", first, second)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(first.Executable); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the program: %v, %v", info, err)
	}
	installed := filepath.Dir(filepath.Dir(first.Executable))
	text, err := os.ReadFile(filepath.Join(installed, bundle.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var manifest bundle.Manifest
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	f := serveProcess(t, "4.3.0", manifest.Models, installed)
	batch := textBatch("one")
	a := f.connect(t, "4.3.0").do(ask(bundle.Command{Kind: bundle.AI, Function: "ai_gen"}, 0), arrowBytes(t, batch.Schema(), batch))
	if a.failure != "" || len(a.columns) != 1 {
		t.Errorf("the installed model: got %+v", a)
	}
	if left, err := filepath.Glob(filepath.Join(parent, "shipped", "*.new-*")); err != nil || len(left) > 0 {
		t.Errorf("temporary folders are left: %q, %v", left, err)
	}
}

func TestInstallErrors(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{
		"relative": `the folder "relative" is not an absolute path`,
		file:       "not a directory",
	} {
		if i := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), folder); !strings.Contains(i.Error, want) || i.Executable != "" {
			t.Errorf("%s: got %+v, want %q", folder, i, want)
		}
	}
}

// A damaged or replaced installation is installed again, and nothing is
// installed in a folder where another user could replace it.
func TestReplacedInstallation(t *testing.T) {
	root, m := install(t, "4.3.0", "fine")
	program := []byte("a program")
	if err := os.WriteFile(filepath.Join(root, "bin", "firesteel"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	installed := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), parent)
	if installed.Error != "" {
		t.Fatal(installed.Error)
	}
	folder := filepath.Dir(filepath.Dir(installed.Executable))
	for name, change := range map[string]func() error{
		"another program": func() error { return os.WriteFile(installed.Executable, []byte("A program"), 0o700) },
		"a link to one": func() error {
			return errors.Join(os.Remove(installed.Executable), os.Symlink("/bin/true", installed.Executable))
		},
		"no program":            func() error { return os.Remove(installed.Executable) },
		"an additional program": func() error { return os.WriteFile(installed.Executable+"-arm64", program, 0o700) },
		"another manifest": func() error {
			return os.WriteFile(filepath.Join(folder, bundle.ManifestName), []byte(`{"models": []}`), 0o600)
		},
		"an empty folder": func() error { return errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		again := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), parent)
		if b, _ := os.ReadFile(again.Executable); again != installed || !bytes.Equal(b, program) {
			t.Errorf("%s: got %+v with the program %q", name, again, b)
		}
		if entries, _ := os.ReadDir(filepath.Dir(again.Executable)); len(entries) != 1 {
			t.Errorf("%s: the folder contains %v", name, entries)
		}
	}

	shared := otheruser.Dir(t)
	otheruser.Run(t, `cd "$1" && mkdir -p "shipped/$2/bin" && cp /bin/true "shipped/$2/bin/firesteel" && echo '{}' >"shipped/$2/manifest.json"`, shared, filepath.Base(folder))
	refused := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), shared)
	if refused.Executable != "" || !strings.Contains(refused.Error, "is not trusted") || !strings.Contains(refused.Error, "spark.executorEnv."+privatefile.TrustVariable) {
		t.Errorf("in a folder that all users can write: got %+v", refused)
	}
	// In a trusted folder the planted program is replaced.
	t.Setenv(privatefile.TrustVariable, shared)
	trusted := askInstall(t, serveProcess(t, "4.3.0", m.Models, root), shared)
	if b, _ := os.ReadFile(trusted.Executable); !bytes.Equal(b, program) {
		t.Errorf("in a trusted folder: got %+v with the program %q", trusted, b)
	}
}
