package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/firesteel/firesteel/internal/bundle"
)

// process holds the state that all tasks of this worker share.
type process struct {
	log    *slog.Logger
	getenv func(string) string
	mem    memory.Allocator
	spark  string // Spark's version, "" if unknown
	layout layout // of the init message; layoutUnknown if the version is unknown
	// refusal, if not nil, is the error with which every task fails.
	refusal error
	models  *archiveModels
	python  *python      // nil if Python functions are refused
	tasks   atomic.Int64 // started so far

	installed installations
	ledgers   *ledgers

	socketMu sync.Mutex
	socket   string // path of the Unix socket to remove at exit
}

// newProcess reads the manifest of the executable's archive and the environment.
func newProcess(log *slog.Logger, getenv func(string) string) *process {
	p := &process{log: log, getenv: getenv, mem: memory.DefaultAllocator}
	root, err := archiveRoot()
	var manifest bundle.Manifest
	if err == nil {
		manifest, err = readManifest(root)
	}
	if err != nil {
		p.refusal = err
	}
	// The executor's version takes precedence: the archive may have been made
	// for another server.
	if p.spark = sparkOfPath(getenv("PYTHONPATH")); p.spark == "" {
		p.spark = manifest.Spark
	} else if manifest.Spark != "" && manifest.Spark != p.spark {
		log.Warn("the archive was made for another version of Spark than this executor's", "archive", manifest.Spark, "executor", p.spark)
	}
	if p.spark != "" {
		if p.layout, err = layoutOf(p.spark); err != nil && p.refusal == nil {
			p.refusal = err
		}
	}
	if p.models, err = newArchiveModels(log, root, manifest); err != nil && p.refusal == nil {
		p.refusal = fmt.Errorf("the archive's manifest %s is malformed: %w; upload the archive again", filepath.Join(root, bundle.ManifestName), err)
	}
	p.ledgers = newLedgers(log, p.models)
	if manifest.Python != nil {
		p.python = &python{executable: executableOf(manifest.Python.Executable, getenv), log: log}
	}
	return p
}

// archiveRoot returns the folder of the archive that holds this program.
func archiveRoot() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the path of this program: %w", err)
	}
	return filepath.Dir(filepath.Dir(exe)), nil
}

// readManifest reads the manifest of the archive in the folder root. Without a
// manifest, as for a program installed by hand, it returns an empty one: the
// worker then serves functions that need no model.
func readManifest(root string) (m bundle.Manifest, err error) {
	file := filepath.Join(root, bundle.ManifestName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return bundle.Manifest{}, fmt.Errorf("the archive's manifest %s cannot be read: %w; upload the archive again", file, err)
	}
	return m, nil
}

// coreJar matches Spark's core jar, which Spark adds to the PYTHONPATH of its
// workers.
var coreJar = regexp.MustCompile(`^spark-core_[0-9.]+-(\d+\.\d+\.\d+.*)\.jar$`)

// sparkOfPath returns Spark's version as found in a PYTHONPATH, or "".
func sparkOfPath(path string) string {
	for _, entry := range strings.Split(path, string(os.PathListSeparator)) {
		if m := coreJar.FindStringSubmatch(filepath.Base(entry)); m != nil {
			return m[1]
		}
	}
	return ""
}

func (p *process) setSocket(path string) {
	p.socketMu.Lock()
	defer p.socketMu.Unlock()
	p.socket = path
}

func (p *process) removeSocket() {
	p.socketMu.Lock()
	defer p.socketMu.Unlock()
	if p.socket != "" {
		os.Remove(p.socket) // best effort: Spark empties the folder too
	}
}
