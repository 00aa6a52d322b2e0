package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain is also the process that TestKilled kills. It writes entries from a
// number on and prints a line after each.
func TestMain(m *testing.M) {
	dir := os.Getenv("FIRESTEEL_TEST_LEDGER")
	if dir == "" {
		os.Exit(m.Run())
	}
	from, _ := strconv.Atoi(os.Getenv("FIRESTEEL_TEST_FROM"))
	maxSegment = 20_000
	l, err := Open(context.Background(), dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := from; ; i++ {
		if err := l.Put(entry(i)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("written", i)
	}
}

// Entries survive a kill of the process at any time.
func TestKilled(t *testing.T) {
	small(t, 20_000)
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	written := 0
	for round := range 10 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "FIRESTEEL_TEST_LEDGER="+dir, "FIRESTEEL_TEST_FROM="+strconv.Itoa(written))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var after <-chan time.Time
		told := make(chan string)
		go func() {
			defer close(told)
			for lines.Scan() {
				told <- lines.Text()
			}
		}()
		for line := range told {
			n, ok := strings.CutPrefix(line, "written ")
			if !ok {
				t.Fatal(line)
			}
			written, _ = strconv.Atoi(n)
			written++
			if after == nil { // it is under way: kill it at some time
				pause := time.Duration(random.IntN(20_000)) * time.Microsecond
				after = time.After(pause)
				go func() {
					<-after
					c.Process.Kill()
				}()
			}
		}
		c.Wait()
		l := opened(t, dir)
		if n := holds(t, l, written); n != written {
			t.Fatalf("round %d: %d of %d that were written", round, n, written)
		}
		closed(t, l)
	}
	if written < 100 {
		t.Errorf("only %d entries in ten rounds: nothing was tested", written)
	}
}
