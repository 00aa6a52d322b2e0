// Command engines compares the CPU engine with other engines, each in a process of its own on the
// same machine, in turn in one run:
//
//	engines [flags] t5        the shape of Flan-T5-small: CTranslate2 and transformers
//	engines [flags] text      a text model in a GGUF file, by default SmolLM2-135M: the server of llama.cpp
//	engines [flags] minilm    an embedder, by default all-MiniLM-L6-v2: ONNX Runtime
//
// peers.sh installs the other engines and writes the models. An engine that is not installed is
// skipped with a message. docs/performance.md describes the measurement.
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

	"github.com/firesteel/firesteel/llm/models"
)

// settings are the command-line flags.
type settings struct {
	peers     string
	shared    string
	threads   int
	rounds    int
	rows      int
	sentences int
	only      string
	minilm    string
	model     string
	server    string // llama-server of a native build; empty for the Python package
}

func main() {
	var s settings
	var writeT5, child, precision string
	flag.StringVar(&s.peers, "peers", ".cache/peers", "the folder that peers.sh made")
	flag.StringVar(&s.shared, "shared", sharedFolder(), "the folder of test data")
	flag.IntVar(&s.threads, "threads", runtime.NumCPU(), "number of cores for each engine")
	flag.IntVar(&s.rounds, "rounds", 7, "number of rounds after the warm-up round")
	flag.IntVar(&s.rows, "rows", 1000, "number of product reviews")
	flag.IntVar(&s.sentences, "sentences", 1, "t5: sentences in a review; 1 gives 20 tokens a row, 2 give 34")
	flag.StringVar(&s.only, "only", "", "run only the engines whose name contains one of these texts, separated by commas")
	flag.StringVar(&s.minilm, "minilm", "minilm-l6", "minilm: the model, or its folder")
	flag.StringVar(&s.model, "model", models.Default, "text: the model, as --model of firesteel")
	flag.StringVar(&s.server, "llama-server", "", "text: the program llama-server that peers.sh built for this processor with NATIVE=1; without it, the server of the Python package")
	flag.StringVar(&writeT5, "write-t5", "", "only write the model with seeded weights to this folder")
	flag.StringVar(&child, "child", "", "answer jobs from standard input with this model, or with kernels only; engines starts itself with this flag")
	flag.StringVar(&precision, "precision", "", "with -child: f32, int8 or file")
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
	case bench == "text":
		err = measureText(ctx, s)
	case bench == "minilm":
		err = measureMiniLM(ctx, s)
	default:
		err = fmt.Errorf("unknown benchmark %q: expected t5, text or minilm", bench)
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

// selected reports whether -only selects the contestant.
func (s settings) selected(name string) bool {
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
		return nil, fmt.Errorf("there are only %d reviews, but -rows is %d", len(all), s.rows)
	}
	return all, nil
}
