// Command release builds what a release consists of: an archive for each
// system, with the program, its man pages and completion scripts, a wheel of
// Python with the program, a software bill of materials (CycloneDX) for each
// program, and SHA256SUMS.
//
// The same commit and Go version give the same bytes: programs are built with
// -trimpath, and archives have the commit's date and no owner.
//
//	go run ./internal/release -version v0.1.0
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const module = "github.com/firesteel/firesteel"

// targets are the systems of a release.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}

func main() {
	r := release{}
	only := flag.String("targets", strings.Join(targets, ","), "systems, as GOOS/GOARCH with commas")
	flag.StringVar(&r.version, "version", "", "version, such as v0.1.0 (default: the tag of the commit)")
	flag.StringVar(&r.out, "out", "dist", "folder for the results; it must be absent or empty")
	flag.BoolVar(&r.dirty, "dirty", false, "build although the work tree has changes")
	flag.BoolVar(&r.archives, "archives", true, "write an archive for each system")
	flag.BoolVar(&r.wheels, "wheels", true, "write a wheel of the Python package for each system")
	flag.BoolVar(&r.sbom, "sbom", true, "write a bill of materials for each program")
	flag.Parse()
	r.targets = strings.Split(*only, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.build(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one run of the command.
type release struct {
	version  string
	targets  []string
	out      string // folder of the results
	dirty    bool
	archives bool
	wheels   bool
	sbom     bool

	root   string // of the module
	commit string
	date   time.Time // of the commit
}

var semver = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// build writes all results.
func (r *release) build(ctx context.Context) error {
	if err := r.describe(ctx); err != nil {
		return err
	}
	if have, err := os.ReadDir(r.out); err == nil && len(have) > 0 {
		return fmt.Errorf("%s is not empty: remove it, or name another folder", r.out)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	shared, err := r.documents()
	if err != nil {
		return err
	}
	var results []string
	for _, target := range r.targets {
		names, err := r.buildTarget(ctx, target, shared)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		results = append(results, names...)
	}
	return writeSums(r.out, results)
}

// describe finds the commit, its date and the version.
func (r *release) describe(ctx context.Context) error {
	top, err := output(ctx, ".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	r.root = top
	if r.commit, err = output(ctx, top, "git", "rev-parse", "HEAD"); err != nil {
		return err
	}
	date, err := output(ctx, top, "git", "show", "-s", "--format=%cI", "HEAD")
	if err != nil {
		return err
	}
	if r.date, err = time.Parse(time.RFC3339, date); err != nil {
		return err
	}
	r.date = r.date.UTC()
	changed, err := output(ctx, top, "git", "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return err
	}
	if changed != "" && !r.dirty {
		return fmt.Errorf("the work tree has changes, which no commit would describe:\n%s", changed)
	}
	if changed != "" {
		r.commit += "-dirty"
	}
	if r.version == "" {
		if r.version, err = output(ctx, top, "git", "describe", "--tags", "--exact-match"); err != nil {
			return fmt.Errorf("the commit has no tag, so -version must name the version: %w", err)
		}
	}
	if !semver.MatchString(r.version) {
		return fmt.Errorf("the version %q does not look like v1.2.3", r.version)
	}
	return nil
}

// buildTarget builds the program for one system, and returns the names of its
// archive, its wheel and its bill of materials.
func (r *release) buildTarget(ctx context.Context, target string, shared []entry) ([]string, error) {
	goos, goarch, ok := strings.Cut(target, "/")
	if !ok {
		return nil, errors.New("a system looks like linux/amd64")
	}
	work, err := os.MkdirTemp("", "firesteel-release")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	program := filepath.Join(work, "firesteel")
	if goos == "windows" {
		program += ".exe"
	}
	stamp := func(name, value string) string { return "-X " + module + "/internal/version." + name + "=" + value }
	flags := strings.Join([]string{"-s", "-w", stamp("releaseVersion", r.version), stamp("releaseCommit", r.commit),
		stamp("releaseDate", r.date.Format(time.RFC3339))}, " ")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", program, "./cmd/firesteel")
	c.Dir, c.Env = r.root, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if text, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, text)
	}
	code, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("firesteel_%s_%s_%s", strings.TrimPrefix(r.version, "v"), goos, goarch)
	built := entry{filepath.Base(program), 0o755, code}
	var names []string
	if r.archives {
		archive := name + ".tar.gz"
		write := writeTarGz
		if goos == "windows" {
			archive, write = name+".zip", writeZip
		}
		if err := write(filepath.Join(r.out, archive), name, append([]entry{built}, shared...), r.date); err != nil {
			return nil, err
		}
		names = append(names, archive)
	}
	if r.wheels {
		wheel, err := r.writeWheel(target, built)
		if err != nil {
			return nil, fmt.Errorf("the wheel: %w", err)
		}
		names = append(names, wheel)
	}
	if r.sbom {
		bill := name + ".cdx.json"
		if err := r.writeBill(ctx, program, filepath.Join(r.out, bill)); err != nil {
			return nil, err
		}
		names = append(names, bill)
	}
	return names, nil
}

// writeBill writes the bill of materials that the program's build information
// gives: its modules with versions and hashes, and the standard library.
func (r *release) writeBill(ctx context.Context, program, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "go", "tool", "-modfile=internal/lint/tools/go.mod", "cyclonedx-gomod", "bin",
		"-json", "-std", "-noserial", "-notimestamp", "-version", r.version, "-output", path, program)
	c.Dir = r.root
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("cyclonedx-gomod: %w\n%s", err, text)
	}
	return nil
}

// output runs a command and returns its standard output without the last line
// break.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(exit.Stderr)))
	}
	return strings.TrimSpace(string(out)), err
}
