// Command roundtrip checks that firesteel preserves the content of files, for all
// types that other programs write:
//
//	go run ./bench/roundtrip [-format parquet|csv|jsonl] [-work FOLDER] [-markdown FILE]
//
// Each program (Spark 3.5, Spark 4.3, pyarrow, DuckDB and polars, in the versions
// below) writes a file of each of its types. firesteel copies the file, once
// unchanged and once with an added column. Each program reads the three files:
// the types and values that it reads must be equal, except for the added column.
// The values that firesteel writes as JSON must be those that pyarrow reads. The
// table lists for each type the programs that cannot read the file.
//
// It needs Python and Java 17, and downloads the programs to the work folder.
// Each format has a script in this folder.
package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

//go:embed *.py
var scripts embed.FS

// environment is a Python environment and its packages.
type environment struct {
	name     string
	packages []string
}

var (
	tables  = environment{"tables", []string{"pyarrow==26.0.1", "duckdb==2.0.1", "polars==2.1.0", "pandas==3.1.1", "numpy==2.4.6"}}
	spark35 = environment{"spark35", []string{"pyspark==3.5.9"}}
	spark43 = environment{"spark43", []string{"pyspark==4.3.0"}}
)

// programs are the programs that write and read files. name is the name in the
// scripts.
var programs = []struct {
	name, title string
	in          environment
}{
	{"spark35", "Spark 3.5.9", spark35},
	{"spark43", "Spark 4.3.0", spark43},
	{"pyarrow", "pyarrow 26.0.1", tables},
	{"duckdb", "DuckDB 2.0.1", tables},
	{"polars", "polars 2.1.0", tables},
}

// formats maps a format to the script that writes and reads it.
var formats = map[string]string{"parquet": "parquet.py", "csv": "text.py", "jsonl": "text.py"}

type settings struct {
	work, format, markdown, only string
	keep                         bool
}

func main() {
	var s settings
	flag.StringVar(&s.work, "work", ".cache/roundtrip", "folder for programs and files")
	flag.StringVar(&s.format, "format", "parquet", "parquet, csv or jsonl")
	flag.StringVar(&s.markdown, "markdown", "", "file for the table; default: standard runCommand")
	flag.StringVar(&s.only, "only", "", "try only types whose name contains this")
	flag.BoolVar(&s.keep, "keep", false, "use the files of an earlier run instead of writing them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "roundtrip:", err)
		os.Exit(1)
	}
}

// file is the file of a type that a program wrote, with the results of the checks.
type file struct {
	program, kind, path string
	refused             string   // error of the program if it cannot write the type
	failed              bool     // firesteel could not read or write the file
	readers             int      // number of programs that read it
	nonReaders          []string // programs that cannot read it
	errors              []string
}

func run(ctx context.Context, s settings) error {
	var err error
	if s.work, err = filepath.Abs(s.work); err != nil {
		return err
	}
	script, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	files, err := s.write(ctx, script)
	if err != nil {
		return err
	}
	firesteel := filepath.Join(s.work, "firesteel")
	if err := runCommand(ctx, nil, "go", "build", "-o", firesteel, "./cmd/firesteel"); err != nil {
		return err
	}
	for _, f := range files {
		if f.refused == "" {
			f.copy(ctx, firesteel, s.format)
		}
	}
	for _, p := range append(programs, struct {
		name, title string
		in          environment
	}{"json", "JSON", tables}) {
		if err := s.compare(ctx, script, p.name, p.in, files); err != nil {
			return err
		}
	}
	return s.report(files)
}

// prepare creates the environments and copies the scripts to the work folder.
func (s settings) prepare(ctx context.Context) (script string, err error) {
	if err := os.MkdirAll(filepath.Join(s.work, "files"), 0o777); err != nil {
		return "", err
	}
	entries, err := scripts.ReadDir(".")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		b, err := scripts.ReadFile(e.Name())
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(s.work, e.Name()), b, 0o666); err != nil {
			return "", err
		}
	}
	name := formats[s.format]
	if name == "" {
		return "", fmt.Errorf("there is no script for the format %s", s.format)
	}
	script = filepath.Join(s.work, name)
	for _, e := range []environment{tables, spark35, spark43} {
		folder := filepath.Join(s.work, e.name)
		if _, err := os.Stat(filepath.Join(folder, "bin", "pip")); err != nil {
			if err := runCommand(ctx, nil, "python3", "-m", "venv", folder); err != nil {
				return "", err
			}
		}
		args := append([]string{"install", "--quiet", "--disable-pip-version-check"}, e.packages...)
		if err := runCommand(ctx, nil, filepath.Join(folder, "bin", "pip"), args...); err != nil {
			return "", err
		}
	}
	return script, nil
}

func (s settings) python(e environment) string {
	return filepath.Join(s.work, e.name, "bin", "python")
}

// runCommand runs a command with its standard runCommand to to. Its error contains the
// standard error.
func runCommand(ctx context.Context, to io.Writer, name string, args ...string) error {
	var errs bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = to, &errs
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, errs.Bytes())
	}
	return nil
}

// write runs the programs, which write their files.
func (s settings) write(ctx context.Context, script string) ([]*file, error) {
	var all []*file
	for _, p := range programs {
		var refused bytes.Buffer
		if !s.keep {
			fmt.Fprintln(os.Stderr, p.title, "writes")
			if err := runCommand(ctx, &refused, s.python(p.in), script, "write", p.name, filepath.Join(s.work, "files"), s.format); err != nil {
				return nil, err
			}
		}
		for line := range strings.Lines(refused.String()) {
			var r struct{ Type, Error string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", p.name, line, err)
			}
			all = append(all, &file{program: p.name, kind: r.Type, refused: r.Error})
		}
		paths, err := filepath.Glob(filepath.Join(s.work, "files", p.name+"-*."+s.format))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			kind := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), p.name+"-"), "."+s.format)
			if strings.Contains(kind, s.only) {
				all = append(all, &file{program: p.name, kind: kind, path: path})
			}
		}
	}
	return all, nil
}

const added = "added_by_firesteel"

// unchanged, extended and jsonLines return the paths of the files that firesteel
// writes: an unchanged copy, a copy with an added column, and the rows as JSON.
func (f *file) unchanged() string {
	return filepath.Join(filepath.Dir(f.path), "unchanged", filepath.Base(f.path))
}
func (f *file) extended() string {
	return filepath.Join(filepath.Dir(f.path), "extended", filepath.Base(f.path))
}
func (f *file) jsonLines() string { return f.unchanged() + ".jsonl" }

// copy runs firesteel, which reads the file and writes its copies.
func (f *file) copy(ctx context.Context, firesteel, format string) {
	for _, run := range [][]string{
		{"--where", "true", "-o", f.unchanged()},
		{"--add", added + "=coalesce(NULL, 'x')", "-o", f.extended()},
		{"--where", "true", "-o", f.jsonLines()},
	} {
		os.MkdirAll(filepath.Dir(run[len(run)-1]), 0o777)
		args := append([]string{"run", f.path, "--no-ledger", "--overwrite"}, run...)
		if err := runCommand(ctx, io.Discard, firesteel, args...); err != nil {
			f.errors, f.failed = append(f.errors, lastLine(err)), true
			return
		}
	}
}

func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return lines[len(lines)-1]
}

// compare lets a program read all files, and compares its readings of them.
func (s settings) compare(ctx context.Context, script, program string, in environment, files []*file) error {
	fmt.Fprintln(os.Stderr, program, "reads")
	var paths []string
	for _, f := range files {
		if f.refused != "" || f.failed {
			continue
		}
		paths = append(paths, f.path)
		if program != "json" {
			paths = append(paths, f.unchanged(), f.extended())
		}
	}
	c := exec.CommandContext(ctx, s.python(in), script, "read", program)
	c.Stdin = strings.NewReader(strings.Join(paths, "\n") + "\n")
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	read := map[string]reading{}
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var r struct {
			Path string
			reading
		}
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			return fmt.Errorf("output of %s: %q: %w", program, scanner.Text(), err)
		}
		read[r.Path] = r.reading
	}
	if err := errors.Join(scanner.Err(), c.Wait()); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, errs.Bytes())
	}
	for _, f := range files {
		if f.refused == "" && !f.failed {
			f.check(program, read)
		}
	}
	return nil
}

// reading is the content of a file as a program reads it, or the program's error.
type reading struct {
	Content any
	Error   string
}

// check compares a program's readings of the file and its copies.
func (f *file) check(program string, read map[string]reading) {
	original := read[f.path]
	switch {
	case original.Error != "" && program == "json":
		return
	case original.Error != "":
		f.nonReaders = append(f.nonReaders, program)
		return
	case program == "json":
		if difference := f.compareLines(original.Content); difference != "" {
			f.errors = append(f.errors, "JSON: "+difference)
		}
		return
	}
	f.readers++
	for _, path := range []string{f.unchanged(), f.extended()} {
		got := read[path]
		if got.Error != "" {
			f.errors = append(f.errors, fmt.Sprintf("%s cannot read the %s file: %s", program, filepath.Base(filepath.Dir(path)), got.Error))
			continue
		}
		if path == f.extended() && !removeAdded(got.Content) {
			f.errors = append(f.errors, program+" does not read the added column")
		}
		if !reflect.DeepEqual(got.Content, original.Content) {
			f.errors = append(f.errors, fmt.Sprintf("%s reads %v in the original and %v in the %s file", program, original.Content, got.Content, filepath.Base(filepath.Dir(path))))
		}
	}
}

// removeAdded removes the added column, and reports whether it was present.
func removeAdded(content any) (found bool) {
	switch c := content.(type) {
	case map[string]any:
		if _, ok := c[added]; ok {
			delete(c, added)
			return true
		}
		for _, v := range c {
			found = removeAdded(v) || found
		}
	case []any:
		for _, v := range c {
			found = removeAdded(v) || found
		}
	}
	return found
}

// compareLines compares the JSON lines that firesteel wrote with the expected
// rows. It returns the first difference, or "".
func (f *file) compareLines(want any) string {
	b, err := os.ReadFile(f.jsonLines())
	if err != nil {
		return err.Error()
	}
	rows, _ := want.([]any)
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for i := 0; ; i++ {
		var got any
		if err := d.Decode(&got); err == io.EOF {
			if i != len(rows) {
				return fmt.Sprintf("there are %d rows, but pyarrow reads %d", i, len(rows))
			}
			return ""
		} else if err != nil {
			return err.Error()
		}
		switch {
		case i >= len(rows):
			return fmt.Sprintf("there are more than the %d rows that pyarrow reads", len(rows))
		case !sameValue(got, rows[i]):
			return fmt.Sprintf("row %d is %v, but pyarrow reads %v", i, got, rows[i])
		}
	}
}

// sameValue reports whether two values are equal. It compares numbers by value,
// and a number with a decimal, which is a string, by text.
func sameValue(got, want any) bool {
	switch g := got.(type) {
	case json.Number:
		if w, ok := want.(string); ok {
			return g.String() == w
		}
		w, ok := want.(float64)
		v, err := g.Float64()
		return ok && err == nil && v == w
	case []any:
		w, ok := want.([]any)
		return ok && slices.EqualFunc(g, w, sameValue)
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k, v := range g {
			if !sameValue(v, w[k]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(got, want)
}

// report writes the table, with the types that each program writes.
func (s settings) report(files []*file) error {
	var b strings.Builder
	wrong := 0
	fmt.Fprintln(&b, "| written by | types that each program reads the same from firesteel's files |\n|---|---|")
	for _, p := range programs {
		byReaders := map[string][]string{}
		var order []string
		for _, f := range files {
			if f.program != p.name || f.refused != "" {
				continue
			}
			readers := "all"
			switch {
			case len(f.errors) > 0:
				wrong++
				readers = "**wrong**"
				for _, text := range f.errors {
					fmt.Fprintf(os.Stderr, "%s %s: %s\n", f.program, f.kind, text)
				}
			case len(f.nonReaders) > 0:
				readers = "all but " + strings.Join(f.nonReaders, ", ")
			}
			if byReaders[readers] == nil {
				order = append(order, readers)
			}
			byReaders[readers] = append(byReaders[readers], f.kind)
		}
		slices.Sort(order)
		for _, readers := range order {
			fmt.Fprintf(&b, "| %s | %s: %s |\n", p.title, readers, strings.Join(byReaders[readers], ", "))
		}
	}
	for _, f := range files {
		if f.refused != "" {
			fmt.Fprintf(os.Stderr, "%s cannot write %s: %s\n", f.program, f.kind, f.refused)
		}
	}
	fmt.Fprintf(&b, "\n%d files, %d of them wrong.\n", len(files), wrong)
	if s.markdown == "" {
		fmt.Print(b.String())
	} else if err := os.WriteFile(s.markdown, []byte(b.String()), 0o666); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d files differ", wrong)
	}
	return nil
}
