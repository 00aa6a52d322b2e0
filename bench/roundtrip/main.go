// Command roundtrip shows that files keep what is in them on their way through
// firesteel, for every type that other programs write:
//
//	go run ./bench/roundtrip [-format parquet|csv|jsonl] [-work FOLDER] [-markdown FILE]
//
// Each program (Spark 3.5, Spark 4.3, pyarrow, DuckDB and polars, of the
// versions below) writes a file of each of its types. firesteel reads it and
// writes it again: as it is, and with a column that is added. Each program reads
// the three files; what it says of them, types and values, must be the same but
// for the column that is added. What firesteel writes of the file as JSON must be
// what pyarrow reads. The table tells how many of the programs read the file, all
// of them the same.
//
// It needs Python and Java 17, and downloads the programs into the folder, which
// can be thrown away. A format is a script of its own beside this file.
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

// environment is an environment of Python, and the packages in it.
type environment struct {
	name     string
	packages []string
}

var (
	tables  = environment{"tables", []string{"pyarrow==26.0.1", "duckdb==2.0.1", "polars==2.1.0", "pandas==3.1.1", "numpy==2.4.6"}}
	spark35 = environment{"spark35", []string{"pyspark==3.5.9"}}
	spark43 = environment{"spark43", []string{"pyspark==4.3.0"}}
)

// programs write and read; the names are those that the scripts know.
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

// formats are the scripts that write and read each format.
var formats = map[string]string{"parquet": "parquet.py", "csv": "text.py", "jsonl": "text.py"}

type settings struct {
	work, format, markdown, only string
	keep                         bool
}

func main() {
	var s settings
	flag.StringVar(&s.work, "work", ".cache/roundtrip", "folder for programs and files")
	flag.StringVar(&s.format, "format", "parquet", "parquet, csv or jsonl")
	flag.StringVar(&s.markdown, "markdown", "", "file for the table; default: standard output")
	flag.StringVar(&s.only, "only", "", "types to try: those whose name holds this")
	flag.BoolVar(&s.keep, "keep", false, "take the files that the programs wrote before")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "roundtrip:", err)
		os.Exit(1)
	}
}

// file is what a program wrote of a type, and what became of it.
type file struct {
	program, kind, path string
	refused             string   // why the program does not write it
	failed              bool     // firesteel did not read or write it
	readers             int      // that read it
	not                 []string // and those that do not
	wrong               []string
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
	if err := output(ctx, nil, "go", "build", "-o", firesteel, "./cmd/firesteel"); err != nil {
		return err
	}
	for _, f := range files {
		if f.refused == "" {
			f.through(ctx, firesteel, s.format)
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

// prepare makes the environments and puts the scripts in place.
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
			if err := output(ctx, nil, "python3", "-m", "venv", folder); err != nil {
				return "", err
			}
		}
		args := append([]string{"install", "--quiet", "--disable-pip-version-check"}, e.packages...)
		if err := output(ctx, nil, filepath.Join(folder, "bin", "pip"), args...); err != nil {
			return "", err
		}
	}
	return script, nil
}

func (s settings) python(e environment) string {
	return filepath.Join(s.work, e.name, "bin", "python")
}

// output runs a program that writes nothing but errors.
func output(ctx context.Context, to io.Writer, name string, args ...string) error {
	var errs bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = to, &errs
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, errs.Bytes())
	}
	return nil
}

// write has the programs write their files.
func (s settings) write(ctx context.Context, script string) ([]*file, error) {
	var all []*file
	for _, p := range programs {
		var refused bytes.Buffer
		if !s.keep {
			fmt.Fprintln(os.Stderr, p.title, "writes")
			if err := output(ctx, &refused, s.python(p.in), script, "write", p.name, filepath.Join(s.work, "files"), s.format); err != nil {
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

// The files that firesteel makes of one.
func (f *file) as() string { return filepath.Join(filepath.Dir(f.path), "as", filepath.Base(f.path)) }
func (f *file) with() string {
	return filepath.Join(filepath.Dir(f.path), "with", filepath.Base(f.path))
}
func (f *file) lines() string { return f.as() + ".jsonl" }

// through has firesteel read and write a file.
func (f *file) through(ctx context.Context, firesteel, format string) {
	for _, run := range [][]string{
		{"--where", "true", "-o", f.as()},
		{"--add", added + "=coalesce(NULL, 'x')", "-o", f.with()},
		{"--where", "true", "-o", f.lines()},
	} {
		os.MkdirAll(filepath.Dir(run[len(run)-1]), 0o777)
		args := append([]string{"run", f.path, "--no-ledger", "--overwrite"}, run...)
		if err := output(ctx, io.Discard, firesteel, args...); err != nil {
			f.wrong, f.failed = append(f.wrong, lastLine(err)), true
			return
		}
	}
}

func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return lines[len(lines)-1]
}

// compare has a program read all files, and compares what it says of them.
func (s settings) compare(ctx context.Context, script, program string, in environment, files []*file) error {
	fmt.Fprintln(os.Stderr, program, "reads")
	var paths []string
	for _, f := range files {
		if f.refused != "" || f.failed {
			continue
		}
		paths = append(paths, f.path)
		if program != "json" {
			paths = append(paths, f.as(), f.with())
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
			return fmt.Errorf("%s says %q: %w", program, scanner.Text(), err)
		}
		read[r.Path] = r.reading
	}
	if err := errors.Join(scanner.Err(), c.Wait()); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, errs.Bytes())
	}
	for _, f := range files {
		if f.refused == "" && !f.failed {
			f.judge(program, read)
		}
	}
	return nil
}

// reading is what a program says of a file.
type reading struct {
	Content any
	Error   string
}

func (f *file) judge(program string, read map[string]reading) {
	original := read[f.path]
	switch {
	case original.Error != "" && program == "json":
		return
	case original.Error != "":
		f.not = append(f.not, program)
		return
	case program == "json":
		if why := f.sameLines(original.Content); why != "" {
			f.wrong = append(f.wrong, "JSON: "+why)
		}
		return
	}
	f.readers++
	for _, path := range []string{f.as(), f.with()} {
		got := read[path]
		if got.Error != "" {
			f.wrong = append(f.wrong, fmt.Sprintf("%s cannot read %s: %s", program, filepath.Base(filepath.Dir(path)), got.Error))
			continue
		}
		if path == f.with() && !takeAdded(got.Content) {
			f.wrong = append(f.wrong, program+" does not see the column that is added")
		}
		if !reflect.DeepEqual(got.Content, original.Content) {
			f.wrong = append(f.wrong, fmt.Sprintf("%s reads %v, and of %s %v", program, original.Content, filepath.Base(filepath.Dir(path)), got.Content))
		}
	}
}

// takeAdded takes the added column away; false if it is not there.
func takeAdded(content any) (found bool) {
	switch c := content.(type) {
	case map[string]any:
		if _, ok := c[added]; ok {
			delete(c, added)
			return true
		}
		for _, v := range c {
			found = takeAdded(v) || found
		}
	case []any:
		for _, v := range c {
			found = takeAdded(v) || found
		}
	}
	return found
}

// sameLines compares the lines that firesteel wrote with what they should be.
func (f *file) sameLines(want any) string {
	b, err := os.ReadFile(f.lines())
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
				return fmt.Sprintf("%d rows of %d", i, len(rows))
			}
			return ""
		} else if err != nil {
			return err.Error()
		}
		switch {
		case i >= len(rows):
			return fmt.Sprintf("pyarrow reads %d rows only", len(rows))
		case !sameValue(got, rows[i]):
			return fmt.Sprintf("row %d is %v, but pyarrow reads %v", i, got, rows[i])
		}
	}
}

// sameValue compares numbers by their value, and with decimals as text.
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

// report writes the table: a line for each program and what it writes.
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
			what := "all"
			switch {
			case len(f.wrong) > 0:
				wrong++
				what = "**wrong**"
				for _, w := range f.wrong {
					fmt.Fprintf(os.Stderr, "%s %s: %s\n", f.program, f.kind, w)
				}
			case len(f.not) > 0:
				what = "all but " + strings.Join(f.not, ", ")
			}
			if byReaders[what] == nil {
				order = append(order, what)
			}
			byReaders[what] = append(byReaders[what], f.kind)
		}
		slices.Sort(order)
		for _, what := range order {
			fmt.Fprintf(&b, "| %s | %s: %s |\n", p.title, what, strings.Join(byReaders[what], ", "))
		}
	}
	for _, f := range files {
		if f.refused != "" {
			fmt.Fprintf(os.Stderr, "%s does not write %s: %s\n", f.program, f.kind, f.refused)
		}
	}
	fmt.Fprintf(&b, "\n%d files, %d of them wrong.\n", len(files), wrong)
	if s.markdown == "" {
		fmt.Print(b.String())
	} else if err := os.WriteFile(s.markdown, []byte(b.String()), 0o666); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d files are not the same", wrong)
	}
	return nil
}
