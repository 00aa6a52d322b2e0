// Command patterns measures masks by rules in a file, beside regular expressions of
// DuckDB:
//
//	go run ./bench/patterns [-rows N] [-rounds N] [-python PROGRAM] [-work FOLDER]
//
// It makes a table of sentences of about 90 bytes: a fifth has an e-mail address,
// and others have phone numbers, dates, numbers, quotes and accents. Both programs
// read and write the same files, as whole processes and in turn. The median, best
// and worst times and the CPU time are printed. DuckDB needs a Python with its
// package.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed peer.py
var peer []byte

// A task is a copy of the table with a column that masks the kinds.
type task struct {
	name    string
	kinds   string // of ai_mask; empty adds a copy of a column
	pattern string // of DuckDB
	format  string
}

const (
	email = `[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`
	seven = email + `|\+?[0-9][0-9 ().-]{6,14}[0-9]|\b(?:[0-9][ -]?){13,19}\b|\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}` +
		`|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b|\b[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}\b`
)

var tasks = []task{
	{"copy", "", "", ".csv"},
	{"e-mail", "'email'", email, ".csv"},
	{"seven kinds", "'email', 'phone', 'credit card', 'iban', 'ip address', 'ssn', 'date'", seven, ".csv"},
	{"e-mail", "'email'", email, ".parquet"},
}

func main() {
	rows := flag.Int("rows", 1_000_000, "rows of the table")
	rounds := flag.Int("rounds", 5, "rounds, of which the median counts")
	python := flag.String("python", "python3", "Python with the package duckdb; empty measures firesteel only")
	work := flag.String("work", "", "folder for the files (default: a temporary one)")
	flag.Parse()
	if err := run(*rows, *rounds, *python, *work); err != nil {
		log.Fatal(err)
	}
}

func run(rows, rounds int, python, work string) error {
	if work == "" {
		temporary, err := os.MkdirTemp("", "firesteel-patterns-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		work = temporary
	}
	program, script := filepath.Join(work, "firesteel"), filepath.Join(work, "peer.py")
	build := exec.Command("go", "build", "-o", program, "./cmd/firesteel")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building firesteel: %w", err)
	}
	if err := os.WriteFile(script, peer, 0o600); err != nil {
		return err
	}
	table := filepath.Join(work, "rows")
	if err := makeTable(table+".csv", rows); err != nil {
		return err
	}
	if _, err := measure(program, "run", table+".csv", "--where", "id >= 0", "-o", table+".parquet", "--overwrite"); err != nil {
		return err
	}
	fmt.Printf("%s, %d rows, %d rounds; load before: %s\n\n", processor(), rows, rounds, load())
	fmt.Println("| work | firesteel | DuckDB | firesteel, CPU time | DuckDB, CPU time |")
	fmt.Println("|---|---|---|---|---|")
	for _, t := range tasks {
		var own, other []cost
		for range rounds {
			out := filepath.Join(work, "firesteel-out"+t.format)
			args := []string{"run", table + t.format, "-o", out, "--overwrite", "--no-ledger"}
			if t.kinds != "" {
				args = append(args, "--select", "id,text", "--add", "masked=ai_mask(text, array("+t.kinds+"))")
			} else {
				args = append(args, "--add", "again=id")
			}
			c, err := measure(program, args...)
			if err != nil {
				return err
			}
			own = append(own, c)
			if python == "" {
				continue
			}
			args = []string{script, table + t.format, filepath.Join(work, "duckdb-out"+t.format), strconv.Itoa(runtime.NumCPU())}
			if t.pattern != "" {
				args = append(args, t.pattern)
			}
			if c, err = measure(python, args...); err != nil {
				return err
			}
			other = append(other, c)
		}
		fmt.Printf("| %s, %s | %s | %s | %s | %s |\n", t.name, strings.ToUpper(t.format[1:]), elapsed(own), elapsed(other), used(own), used(other))
	}
	fmt.Printf("\nload after: %s\n", load())
	return nil
}

// cost is the time of a process.
type cost struct{ elapsed, cpu time.Duration }

func measure(program string, args ...string) (cost, error) {
	c := exec.Command(program, args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	begun := time.Now()
	if err := c.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", c, err, errs.Bytes())
	}
	return cost{time.Since(begun), c.ProcessState.UserTime() + c.ProcessState.SystemTime()}, nil
}

// elapsed describes times: median (best to worst).
func elapsed(all []cost) string {
	return describe(all, func(c cost) time.Duration { return c.elapsed })
}

// used describes CPU times.
func used(all []cost) string { return describe(all, func(c cost) time.Duration { return c.cpu }) }

func describe(all []cost, of func(cost) time.Duration) string {
	if len(all) == 0 {
		return ""
	}
	var seconds []float64
	for _, c := range all {
		seconds = append(seconds, of(c).Seconds())
	}
	slices.Sort(seconds)
	return fmt.Sprintf("%.2f s (%.2f to %.2f)", seconds[len(seconds)/2], seconds[0], seconds[len(seconds)-1])
}

// makeTable writes a CSV file with the columns id and text. It always has the same
// rows.
func makeTable(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	w.WriteString("id,text\n")
	for i := range rows {
		fmt.Fprintf(w, "%d,%s\n", i, cell(sentence(random)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

var (
	vocabulary = strings.Fields(`the of and a to in is you that it he was for on are as with his they at be this have from or one had by word but not
		what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would
		make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down
		day did get come made may part order invoice please thanks delivery café déjà`)
	given = strings.Fields("anna bob carla dmitri erin farid grace hiro ines jonas")
	hosts = strings.Fields("example.com example.org mail.example.net shop.example.de")
)

// sentence returns a sentence of 60 to 120 bytes.
func sentence(random *rand.Rand) string {
	var words []string
	for size := 60 + random.IntN(45); size > 0; {
		word := vocabulary[random.IntN(len(vocabulary))]
		if random.IntN(25) == 0 {
			word += ","
		}
		words = append(words, word)
		size -= len(word) + 1
	}
	pick := func(all []string) string { return all[random.IntN(len(all))] }
	data := ""
	switch n := random.IntN(100); {
	case n < 20:
		data = fmt.Sprintf("%s.%d@%s", pick(given), random.IntN(1000), pick(hosts))
	case n < 25:
		data = fmt.Sprintf("%d-555-%04d", 200+random.IntN(700), random.IntN(10_000))
	case n < 30:
		data = fmt.Sprintf("%d/%d/%d", 1+random.IntN(12), 1+random.IntN(28), 2000+random.IntN(26))
	case n < 32:
		data = fmt.Sprintf("10.%d.%d.%d", random.IntN(256), random.IntN(256), random.IntN(256))
	case n < 45:
		data = strconv.Itoa(random.IntN(100_000))
	}
	if data != "" {
		words[random.IntN(len(words))] = data
	}
	text := strings.Join(words, " ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// cell quotes a text if CSV needs it.
func cell(text string) string {
	if strings.Contains(text, ",") {
		return `"` + text + `"`
	}
	return text
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // not on all systems
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return fmt.Sprintf("%s, %d cores", strings.TrimSpace(value), runtime.NumCPU())
		}
	}
	return fmt.Sprintf("%s, %d cores", runtime.GOARCH, runtime.NumCPU())
}

// load returns the processes that run on average over the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
