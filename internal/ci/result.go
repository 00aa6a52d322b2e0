package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// event is a line of go test -json (go doc test2json), or of a build that it
// starts (go help buildjson).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events, instead of Package
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// result is the result of a run of go test.
type result struct {
	run      testRun
	took     time.Duration
	cpu      time.Duration // of all its processes
	packages map[string]*pkg
	err      error // nil if everything passed
}

// pkg is a package of a run.
type pkg struct {
	name    string
	status  string // "pass", "fail", "skip"; "" before its end
	seconds float64
	tests   map[string]*test
	order   []*test
	output  strings.Builder // not that of tests
}

// test is a test or a subtest.
type test struct {
	name    string
	status  string // as pkg.status
	seconds float64
	output  strings.Builder
}

// long is how many seconds a test takes that has a line of its own.
const long = 5

func newResult(r testRun) *result { return &result{run: r, packages: map[string]*pkg{}} }

// read takes the events of a run up to their end.
func (r *result) read(events io.Reader, out io.Writer) {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
				fmt.Fprintln(out, strings.TrimSuffix(line, "\n")) // a message of the go command
			} else {
				r.add(e, out)
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *result) add(e event, out io.Writer) {
	if e.ImportPath != "" {
		// The events of the package repeat that its build failed.
		if e.Output != "" {
			fmt.Fprint(out, e.Output)
		}
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &pkg{name: e.Package, tests: map[string]*test{}}
		r.packages[e.Package] = p
	}
	if e.Test == "" {
		switch e.Action {
		case "output":
			p.output.WriteString(e.Output)
		case "pass", "fail", "skip":
			p.status, p.seconds = e.Action, e.Elapsed
			p.print(out)
		}
		return
	}
	t := p.tests[e.Test]
	if t == nil {
		t = &test{name: e.Test}
		p.tests[e.Test] = t
		p.order = append(p.order, t)
	}
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "pass":
		t.status, t.seconds = e.Action, e.Elapsed
		t.output.Reset()
		// A package that takes minutes shows how far it is.
		if t.seconds >= long && !strings.Contains(t.name, "/") {
			fmt.Fprintf(out, "ok    %s %s %.0f s\n", short(p.name), t.name, t.seconds)
		}
	case "skip":
		t.status, t.seconds = e.Action, e.Elapsed
	case "fail":
		t.status, t.seconds = e.Action, e.Elapsed
		if !strings.Contains(t.name, "/") {
			p.printTest(t, out)
		}
	}
}

// printTest writes the output of a failed test and of its subtests.
func (p *pkg) printTest(t *test, out io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "FAIL  %s %s\n", short(p.name), t.name)
	for _, sub := range p.order {
		if sub == t || strings.HasPrefix(sub.name, t.name+"/") {
			b.WriteString(sub.output.String())
			sub.output.Reset()
		}
	}
	io.WriteString(out, b.String())
}

// failed returns the tests of a package that failed or did not end.
func (p *pkg) failed() (tests []*test) {
	for _, t := range p.order {
		if t.status == "fail" || t.status == "" {
			tests = append(tests, t)
		}
	}
	return tests
}

// print writes a line for a package that passed. For a package that failed it
// writes the output of tests without an end, and the output of the package itself.
// The output of failed tests is written when they end.
func (p *pkg) print(out io.Writer) {
	var b strings.Builder
	failed := p.failed()
	switch {
	case p.status == "skip": // it has no tests
	case p.status == "pass" && len(failed) == 0:
		fmt.Fprintf(&b, "ok    %s %.1f s\n", short(p.name), p.seconds)
	default:
		for _, t := range failed {
			if t.status == "" {
				fmt.Fprintf(&b, "FAIL  %s %s did not end\n%s", short(p.name), t.name, &t.output)
			}
		}
		fmt.Fprintf(&b, "%sFAIL  %s %.1f s\n", &p.output, short(p.name), p.seconds)
	}
	io.WriteString(out, b.String())
}

// finish sets the error of a run, given the error of the go command. A package or a
// test without an end is an error even if the go command reports success.
func (r *result) finish(err error, out io.Writer) {
	var failed []string
	ended := 0
	for _, name := range r.names() {
		p := r.packages[name]
		if p.status == "" {
			p.print(out)
		} else {
			ended++
		}
		tests := p.failed()
		for _, t := range tests {
			failed = append(failed, short(name)+" "+t.name)
		}
		if len(tests) == 0 && p.status != "pass" && p.status != "skip" {
			failed = append(failed, short(name))
		}
	}
	switch {
	case len(failed) > 0:
		r.err = fmt.Errorf("go test %s: failed: %s", r.run, strings.Join(failed, ", "))
	case err != nil:
		r.err = fmt.Errorf("go test %s: %w", r.run, err)
	case ended == 0:
		r.err = fmt.Errorf("go test %s: no package was tested", r.run)
	}
}

func (r *result) names() (names []string) {
	for name := range r.packages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// short is a package's path within the module.
func short(name string) string {
	return strings.TrimPrefix(name, "github.com/firesteel/firesteel/")
}
