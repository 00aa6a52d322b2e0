// Command engines measures the CPU engine beside its peers, each in a process
// of its own on the same machine, in turn in one run:
//
//	engines [flags] t5        Flan-T5-small's shape beside CTranslate2 and transformers
//	engines [flags] smollm2   SmolLM2-135M beside llama.cpp's server
//
// peers.sh makes the environment of the peers, and the models. What is not in
// there is left out, and said so. docs/performance.md says what is measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

// settings are the command line's.
type settings struct {
	peers     string
	shared    string
	threads   int
	rounds    int
	rows      int
	sentences int
	only      string
}

func main() {
	var s settings
	var writeT5, child, precision string
	flag.StringVar(&s.peers, "peers", ".cache/peers", "the folder that peers.sh made")
	flag.StringVar(&s.shared, "shared", sharedFolder(), "the folder of test data")
	flag.IntVar(&s.threads, "threads", runtime.NumCPU(), "cores that each may compute on")
	flag.IntVar(&s.rounds, "rounds", 7, "rounds that count; one more comes first to warm up")
	flag.IntVar(&s.rows, "rows", 1000, "product reviews")
	flag.IntVar(&s.sentences, "sentences", 1, "t5: sentences in a review: 1 makes 20 tokens a row, 2 make 34")
	flag.StringVar(&s.only, "only", "", "what to run: those whose name holds one of these, separated by commas")
	flag.StringVar(&writeT5, "write-t5", "", "write the model of seeded weights to this folder, and nothing else")
	flag.StringVar(&child, "child", "", "answer requests from standard input with this model, or with kernels alone: how engines starts itself")
	flag.StringVar(&precision, "precision", "", "with -child: f32 or int8")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch bench := flag.Arg(0); {
	case writeT5 != "":
		err = writeModel(writeT5, s.shared)
	case child != "":
		err = serve(ctx, child, precision, s.threads)
	case bench == "t5":
		err = measureT5(ctx, s)
	case bench == "smollm2":
		err = measureSmolLM2(ctx, s)
	default:
		err = fmt.Errorf("what to measure is t5 or smollm2, not %q", bench)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		os.Exit(1)
	}
}

func sharedFolder() string {
	if folder := os.Getenv("FIRESTEEL_SHARED"); folder != "" {
		return folder
	}
	return filepath.Join("..", "shared")
}

// wanted tells whether -only allows the contestant.
func (s settings) wanted(name string) bool {
	for part := range strings.SplitSeq(s.only, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// reviews reads the product reviews, one sentence each.
func (s settings) reviews() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(s.shared, "data", "uci-sentiment", "amazon_cells_labelled.txt"))
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.SplitSeq(strings.ReplaceAll(string(text), "\r", "\n"), "\n") {
		if sentence, _, ok := strings.Cut(line, "\t"); ok {
			all = append(all, strings.TrimSpace(sentence))
		}
	}
	if len(all) < s.rows {
		return nil, fmt.Errorf("there are %d reviews, fewer than -rows %d", len(all), s.rows)
	}
	return all, nil
}
