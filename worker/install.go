package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/columns"
	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/digest"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/network/fetch"
)

// A streaming query does not run in its session, so Spark does not unpack the
// session's archive for its tasks. Before a stream starts, a batch query of the
// session calls installFunction on every node. It copies the worker to a folder
// named by the content's SHA-256, and the stream starts the program there by its
// absolute path. Models are copied below the same parent folder.

// installFunction installs this worker on its node; see bundle.Install.
type installFunction struct{}

func (installFunction) name() string { return bundle.Install }

func (installFunction) bind(args []argument) ([]int, error) {
	return bindColumns(ai.Signature{Function: bundle.Install, Params: []ai.Param{{Name: "folder"}, {Name: "row"}}}, args)
}

func (installFunction) returns(s *scope) arrow.DataType { return s.results.Of(ai.String) }

// minTaskTime is the shortest duration of an installing task. It keeps the slots
// of an executor busy, so that Spark gives tasks to all executors.
const minTaskTime = time.Second

func (installFunction) eval(ctx context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	text, err := columns.Text(args[0])
	if err != nil {
		return nil, err
	}
	b := s.newStringBuilder()
	defer b.Release()
	if rows > 0 {
		minTime := time.After(minTaskTime)
		result := bundle.Installed{}
		result.Host, _ = os.Hostname() // "" if the system does not give one
		if result.Executable, err = s.install(ctx, text(0)); err != nil {
			result.Error = err.Error()
		}
		answer, err := json.Marshal(result)
		if err != nil {
			return nil, err
		}
		for range rows {
			b.Append(string(answer))
		}
		if s.stats.batches == 0 {
			select {
			case <-minTime:
			case <-ctx.Done():
			}
		}
	}
	return b.NewArray(), nil
}

// installation is a folder with a number of models, since more models may arrive.
type installation struct {
	folder string
	models int
}

// installations records the installations that this process has made.
type installations struct {
	mu          sync.Mutex
	executables map[installation]string
}

// install copies the program, the manifest and the models to folder, or to the
// node's cache if folder is empty, and returns the program's path there.
func (p *process) install(ctx context.Context, folder string) (string, error) {
	p.installed.mu.Lock()
	defer p.installed.mu.Unlock()
	_, all, err := p.models.arrived()
	if err != nil {
		return "", err
	}
	key := installation{folder, len(all)}
	if executable, ok := p.installed.executables[key]; ok {
		if _, err := os.Stat(executable); err == nil {
			return executable, nil
		}
	}
	parent := folder
	if parent == "" {
		cache, err := cachedir.Dir()
		if err != nil {
			return "", fmt.Errorf("%w (spark.executorEnv.FIRESTEEL_CACHE sets it for executors), or name a folder with spark.WithStreamFolder", err)
		}
		parent = cache
	}
	if !filepath.IsAbs(parent) {
		return "", fmt.Errorf("the folder %q is not an absolute path", parent)
	}
	executable, err := p.installIn(ctx, filepath.Join(parent, "shipped"))
	var untrusted *privatefile.UntrustedError
	if errors.As(err, &untrusted) {
		err = fmt.Errorf("%w (spark.executorEnv.%s sets it for executors)", err, privatefile.TrustVariable)
	}
	if err != nil {
		return "", fmt.Errorf("installing the worker in %s: %w", parent, err)
	}
	if p.installed.executables == nil {
		p.installed.executables = map[installation]string{}
	}
	p.installed.executables[key] = executable
	return executable, nil
}

// installIn copies the programs and the manifest to a folder in parent that is
// named by their content, unless it exists, and returns the program's path.
func (p *process) installIn(ctx context.Context, parent string) (executable string, err error) {
	if err := privatefile.MakeDir(parent); err != nil {
		return "", err
	}
	manifest, all, err := p.models.arrived()
	if err != nil {
		return "", err
	}
	for i, m := range all {
		if manifest.Models[i].Place, err = m.install(ctx, parent); err != nil {
			return "", err
		}
		manifest.Models[i].NodeCopy = false
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return "", err
	}
	sum, err := contentSHA256(ctx, text, filepath.Join(p.models.root, "bin"))
	if err != nil {
		return "", fmt.Errorf("reading this worker's archive: %w", err)
	}
	target := filepath.Join(parent, sum)
	executable = filepath.Join(target, "bin", filepath.Base(bundle.Executable))
	if checkInstalled(ctx, target) == nil {
		return executable, nil
	}
	temp, err := os.MkdirTemp(parent, sum+".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := copyPrograms(ctx, filepath.Join(p.models.root, "bin"), filepath.Join(temp, "bin")); err != nil {
		return "", err
	}
	if err := privatefile.Replace(filepath.Join(temp, bundle.ManifestName), text); err != nil {
		return "", err
	}
	// If the target exists, it is damaged or another executor of the node has
	// just installed it.
	if err := os.Rename(temp, target); err != nil && checkInstalled(ctx, target) != nil {
		if err := errors.Join(os.RemoveAll(target), os.Rename(temp, target)); err != nil {
			return "", err
		}
	}
	if err := checkInstalled(ctx, target); err != nil {
		return "", err
	}
	p.log.Info("installed for streams", "executable", executable)
	return executable, nil
}

// checkInstalled checks that the content of a folder has the SHA-256 that is the
// folder's name.
func checkInstalled(ctx context.Context, target string) error {
	bin := filepath.Join(target, "bin")
	if err := privatefile.Check(bin); err != nil {
		return err
	}
	manifest, err := privatefile.ReadFile(filepath.Join(target, bundle.ManifestName), maxManifest)
	if err != nil {
		return err
	}
	sum, err := contentSHA256(ctx, manifest, bin)
	if err == nil && sum != filepath.Base(target) {
		err = fmt.Errorf("the files in %s changed after the installation", target)
	}
	return err
}

// maxManifest bounds the size of a manifest in bytes.
const maxManifest = 16 << 20

// contentSHA256 returns the SHA-256 of a manifest and the programs in the folder
// bin, in hexadecimal.
func contentSHA256(ctx context.Context, manifest []byte, bin string) (string, error) {
	entries, err := os.ReadDir(bin)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s", len(manifest), manifest)
	for _, e := range entries {
		sum, err := digest.Read(ctx, filepath.Join(bin, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s  %s\n", sum, e.Name())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func copyPrograms(ctx context.Context, from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyProgram(ctx, filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyProgram(ctx context.Context, from, to string) error {
	in, err := regularfile.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := privatefile.Create(to)
	if err != nil {
		return err
	}
	_, err = digest.Copy(ctx, out, in)
	return errors.Join(err, out.Chmod(0o700), out.Close())
}

// install returns the model's place for streams. A model from the session's
// archive, which ends with the session, it copies to a folder in parent.
func (s *sharedModel) install(ctx context.Context, parent string) (string, error) {
	if s.spec.Endpoint != nil {
		return s.spec.Place, nil
	}
	path, _, err := s.locate(ctx)
	if err != nil || !strings.HasPrefix(path, s.root+string(filepath.Separator)) {
		return path, err
	}
	if !sha256Form.MatchString(s.spec.SHA256) {
		return "", fmt.Errorf("the manifest has no valid SHA-256 for the model: %q", s.spec.SHA256)
	}
	to := filepath.Join(parent, s.spec.SHA256, s.spec.File)
	for _, part := range s.spec.Parts() {
		r := fetch.Request{Path: filepath.Join(to, part.Name), Size: part.Size, Sum: fetch.SHA256(part.SHA256), Name: s.spec.Name}
		if err := fetch.Copy(ctx, filepath.Join(path, part.Name), r); err != nil {
			return "", err
		}
	}
	return to, nil
}
