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
	"slices"
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

// A streaming query runs outside of its session: Spark has no archive unpacked
// for its tasks. So a batch query of the session has each worker install itself
// on its node, in a folder named by its content, and the stream names the
// program there by its absolute path. Models go where other nodes' copies are.

// installFunction does it; see bundle.Install.
type installFunction struct{}

func (installFunction) name() string { return bundle.Install }

func (installFunction) bind(args []argument) ([]int, error) {
	return bindColumns(ai.Signature{Function: bundle.Install, Params: []ai.Param{{Name: "folder"}, {Name: "row"}}}, args)
}

func (installFunction) returns(s *scope) arrow.DataType { return s.results.Of(ai.String) }

// holdTask is how long a task of an installation lasts at least, so that as
// many run at once as the cluster has room for: each executor gets one.
const holdTask = time.Second

func (installFunction) eval(ctx context.Context, s *scope, args []arrow.Array, rows int) (arrow.Array, error) {
	text, err := columns.Text(args[0])
	if err != nil {
		return nil, err
	}
	b := s.newStringBuilder()
	defer b.Release()
	if rows > 0 {
		hold := time.After(holdTask)
		done := bundle.Installed{}
		done.Host, _ = os.Hostname() // "" where the system keeps it to itself
		if done.Executable, err = s.install(ctx, text(0)); err != nil {
			done.Error = err.Error()
		}
		answer, err := json.Marshal(done)
		if err != nil {
			return nil, err
		}
		for range rows {
			b.Append(string(answer))
		}
		if s.stats.batches == 0 {
			select {
			case <-hold:
			case <-ctx.Done():
			}
		}
	}
	return b.NewArray(), nil
}

// installations are those of this process, by folder.
type installations struct {
	mu   sync.Mutex
	done map[string]string
}

// install copies program, manifest and models into a folder, or if that is
// empty into the node's cache, and gives the program's path there.
func (p *process) install(ctx context.Context, folder string) (string, error) {
	p.installed.mu.Lock()
	defer p.installed.mu.Unlock()
	if executable, done := p.installed.done[folder]; done {
		if _, err := os.Stat(executable); err == nil {
			return executable, nil
		}
	}
	place := folder
	if place == "" {
		cache, err := cachedir.Dir()
		if err != nil {
			return "", fmt.Errorf("%w (spark.executorEnv.FIRESTEEL_CACHE sets it for executors), or name a folder by spark.WithStreamFolder", err)
		}
		place = cache
	}
	if !filepath.IsAbs(place) {
		return "", fmt.Errorf("the folder %q is not an absolute path", place)
	}
	executable, err := p.installAt(ctx, filepath.Join(place, "shipped"))
	var untrusted *privatefile.UntrustedError
	if errors.As(err, &untrusted) {
		err = fmt.Errorf("%w (spark.executorEnv.%s sets it for executors)", err, privatefile.TrustVariable)
	}
	if err != nil {
		return "", fmt.Errorf("installing the worker below %s: %w", place, err)
	}
	if p.installed.done == nil {
		p.installed.done = map[string]string{}
	}
	p.installed.done[folder] = executable
	return executable, nil
}

// installAt makes sure that place has the program, with its manifest, in a
// folder named by its content.
func (p *process) installAt(ctx context.Context, place string) (executable string, err error) {
	if err := privatefile.MakeDir(place); err != nil {
		return "", err
	}
	manifest := p.models.manifest
	manifest.Models = slices.Clone(manifest.Models)
	for i, m := range p.models.all {
		if manifest.Models[i].Place, err = m.keep(ctx, place); err != nil {
			return "", err
		}
		manifest.Models[i].NodeCopy = false
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return "", err
	}
	content, err := contentOf(ctx, text, filepath.Join(p.models.root, "bin"))
	if err != nil {
		return "", fmt.Errorf("this worker's own archive: %w", err)
	}
	target := filepath.Join(place, content)
	executable = filepath.Join(target, "bin", filepath.Base(bundle.Executable))
	if installed(ctx, target) == nil {
		return executable, nil
	}
	fresh, err := os.MkdirTemp(place, content+".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := copyPrograms(ctx, filepath.Join(p.models.root, "bin"), filepath.Join(fresh, "bin")); err != nil {
		return "", err
	}
	if err := privatefile.Replace(filepath.Join(fresh, bundle.ManifestName), text); err != nil {
		return "", err
	}
	// What is there is damaged, or another executor of the node is faster.
	if err := os.Rename(fresh, target); err != nil && installed(ctx, target) != nil {
		if err := errors.Join(os.RemoveAll(target), os.Rename(fresh, target)); err != nil {
			return "", err
		}
	}
	if err := installed(ctx, target); err != nil {
		return "", err
	}
	p.log.Info("installed for streams", "executable", executable)
	return executable, nil
}

// installed compares what is in a folder with its name.
func installed(ctx context.Context, target string) error {
	bin := filepath.Join(target, "bin")
	if err := privatefile.Check(bin); err != nil {
		return err
	}
	manifest, err := privatefile.ReadFile(filepath.Join(target, bundle.ManifestName), maxManifest)
	if err != nil {
		return err
	}
	content, err := contentOf(ctx, manifest, bin)
	if err == nil && content != filepath.Base(target) {
		err = fmt.Errorf("%s does not hold what was installed there", target)
	}
	return err
}

// maxManifest bounds a manifest, in bytes.
const maxManifest = 16 << 20

// contentOf names a manifest and the programs in a folder by their SHA-256.
func contentOf(ctx context.Context, manifest []byte, bin string) (string, error) {
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

// keep makes sure that the model's files are where they outlive the session,
// and says where: below place if they came with the archive.
func (s *sharedModel) keep(ctx context.Context, place string) (string, error) {
	if s.spec.Endpoint != nil {
		return s.spec.Place, nil
	}
	path, _, err := s.locate(ctx)
	if err != nil || !strings.HasPrefix(path, s.root+string(filepath.Separator)) {
		return path, err
	}
	if !sha256Form.MatchString(s.spec.SHA256) {
		return "", fmt.Errorf("the manifest gives no SHA-256 for the model, but %q", s.spec.SHA256)
	}
	to := filepath.Join(place, s.spec.SHA256, s.spec.File)
	for _, part := range s.spec.Parts() {
		r := fetch.Request{Path: filepath.Join(to, part.Name), Size: part.Size, Sum: fetch.SHA256(part.SHA256), Name: s.spec.Name}
		if err := fetch.Copy(ctx, filepath.Join(path, part.Name), r); err != nil {
			return "", err
		}
	}
	return to, nil
}
