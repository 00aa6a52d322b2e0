package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// How much of a table is shown.
const (
	slowestTests    = 25
	slowestPackages = 10
)

// report is the text at the end: failures last, so that they are seen.
func report(results []*result) string {
	var b strings.Builder
	runTable(&b, results)
	packageTable(&b, results)
	testTable(&b, results)
	skipped(&b, results)
	for _, r := range results {
		if r.err != nil {
			fmt.Fprintf(&b, "\nFAILED: %v\n", r.err)
		}
	}
	return b.String()
}

func runTable(b *strings.Builder, results []*result) {
	fmt.Fprintf(b, "\nruns of go test\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "seconds\tCPU seconds\tpackages\ttests\t  arguments\n")
	for _, r := range results {
		packages, tests := 0, 0
		for _, p := range r.packages {
			if p.status != "skip" {
				packages++
			}
			for _, t := range p.order {
				if !strings.Contains(t.name, "/") {
					tests++
				}
			}
		}
		fmt.Fprintf(w, "%.0f\t%.0f\t%d\t%d\t  %s\n", r.took.Seconds(), r.cpu.Seconds(), packages, tests, abbreviated(r.run.String()))
	}
	w.Flush()
}

// abbreviated leaves the middle of a long list of arguments out.
func abbreviated(args string) string {
	const most = 90
	if len(args) <= most {
		return args
	}
	return args[:most/2] + " ... " + args[len(args)-most/3:]
}

// timed is a line of a table of times.
type timed struct {
	seconds float64
	pkg     string
	name    string
	run     testRun
}

func writeTimes(b *strings.Builder, title string, lines []timed, most int) {
	slices.SortStableFunc(lines, func(x, y timed) int { return cmp.Compare(y.seconds, x.seconds) })
	fmt.Fprintf(b, "\n%s\n", title)
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, l := range lines[:min(most, len(lines))] {
		fmt.Fprintf(w, "%8.1f s\t%s\t%s\t%s\n", l.seconds, short(l.pkg), l.name, strings.Join(l.run.env, " "))
	}
	w.Flush()
}

func packageTable(b *strings.Builder, results []*result) {
	var lines []timed
	for _, r := range results {
		for _, name := range r.names() {
			lines = append(lines, timed{r.packages[name].seconds, name, "", r.run})
		}
	}
	writeTimes(b, "the slowest packages", lines, slowestPackages)
}

func testTable(b *strings.Builder, results []*result) {
	var lines []timed
	for _, r := range results {
		for _, name := range r.names() {
			for _, t := range r.packages[name].order {
				if !strings.Contains(t.name, "/") {
					lines = append(lines, timed{t.seconds, name, t.name, r.run})
				}
			}
		}
	}
	writeTimes(b, "the slowest tests", lines, slowestTests)
}

// place is the file and line that go test writes in front of a reason to skip.
var place = regexp.MustCompile(`^\s*\S+\.go:\d+: `)

// skipped lists the tests that were skipped, by their reasons.
func skipped(b *strings.Builder, results []*result) {
	tests := map[string][]string{}
	var reasons []string
	count := 0
	for _, r := range results {
		for _, name := range r.names() {
			for _, t := range r.packages[name].order {
				if t.status != "skip" {
					continue
				}
				count++
				reason := reasonToSkip(t.output.String())
				if tests[reason] == nil {
					reasons = append(reasons, reason)
				}
				tests[reason] = append(tests[reason], short(name)+" "+t.name)
			}
		}
	}
	if count == 0 {
		fmt.Fprintf(b, "\nno test was skipped\n")
		return
	}
	fmt.Fprintf(b, "\n%d tests were skipped\n", count)
	for _, reason := range reasons {
		fmt.Fprintf(b, "  %s\n", reason)
		for _, test := range tests[reason] {
			fmt.Fprintf(b, "    %s\n", test)
		}
	}
}

// reasonToSkip is the message in the output of a skipped test: its last line
// that the test wrote.
func reasonToSkip(output string) string {
	reason := "no reason is given"
	for line := range strings.Lines(output) {
		if place.MatchString(line) {
			reason = strings.TrimSpace(place.ReplaceAllString(line, ""))
		}
	}
	return reason
}
