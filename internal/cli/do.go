// Package cli is the firesteel command. It connects the other packages, and has
// one file for each subcommand.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/job"
	"github.com/firesteel/firesteel/internal/memlimit"
	"github.com/firesteel/firesteel/internal/panics"
	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/terminal"
	"github.com/firesteel/firesteel/worker"
)

// Exit codes, except those of firesteel sql: see sqlExit.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3   // the output is complete, but rows have errors or were skipped
	exitInterrupted = 130 // 128 + SIGINT, as in shells
)

// errUsage marks a mistake in how the command was called.
var errUsage = errors.New("usage")

// app is the state that all subcommands share.
type app struct {
	args     []string
	in       io.Reader
	out, err io.Writer
	queries  *queries
	reported string // the query whose usage was written last
	recorded string // the query whose usage was sent by --otlp
	records  records

	advised map[string]bool // advice that was printed

	logContent bool // errors, logs and reports may quote data
}

// execute runs the command; a panic is its error. ran is the subcommand, or nil after a panic.
func execute(root *cobra.Command) (ran *cobra.Command, err error) {
	defer panics.Catch(&err, "running the command")
	return root.ExecuteContextC(context.Background())
}

// Do runs the command with its arguments and returns its exit code. If Spark
// started this program as its worker, Do serves tasks and does not return.
func Do(args []string, in io.Reader, out, err io.Writer) int {
	worker.Main()
	if e := memlimit.Start(); e != nil {
		fmt.Fprintln(err, "firesteel:", e)
		return exitFailed
	}
	// Data, paths and messages of servers must not control the terminal.
	err = terminal.NewWriter(err)
	if terminal.IsTerminal(out) {
		out = terminal.NewWriter(out)
	}
	log.SetOutput(secret.Writer(err)) // for net/http, which logs unexpected responses
	a := &app{args: args, in: in, out: out, err: err, queries: &queries{line: terminal.NewStatusLine(err)}}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(err)
	var status exitStatus
	ran, e := execute(root)
	switch {
	case e == nil:
		return exitOK
	case errors.As(e, &status):
		return int(status)
	case errors.Is(e, context.Canceled):
		fmt.Fprintln(err, "firesteel: interrupted")
		return exitInterrupted
	}
	// An error of the worker that Spark returns begins with the same prefix.
	text := strings.TrimPrefix(secret.Hide(a.message(explainFormat(explainSpark(roleHint(explainTrust(e)))))), "firesteel: ")
	fmt.Fprintln(err, "firesteel:", text+a.contentHint(text))
	switch {
	case ran != nil && ran.Name() == "sql":
		return sqlExit(e)
	case errors.Is(e, errUsage):
		return exitUsage
	case errors.Is(e, job.ErrIncomplete):
		return exitIncomplete
	}
	return exitFailed
}

// Root returns the command with its subcommands, for man pages and completion
// scripts.
func Root() *cobra.Command {
	root := (&app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "firesteel",
		Short: "AI functions for any Apache Spark, in one static binary",
		Long: `firesteel applies a language model to a column of Spark:

  SELECT id, ai_analyze_sentiment(sentence) AS output_column FROM reviews

It uploads itself and the model to a Spark that needs no preparation, and Spark
runs it as the worker of its functions.

Without a Spark of your own, try: firesteel demo`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(flagError)
	outbound, trust, ownCatalogue := addOutbound(root), addTrust(root), addCatalogue(root)
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return errors.Join(outbound(), trust(), ownCatalogue()) }
	a.addContent(root)
	root.AddCommand(a.demo(), a.run(), a.explain(), a.match(), a.dedup(), a.sql(), a.submit(), a.attach(), a.eval(), a.fit(), a.calibrate(), a.functions(), a.models(), a.ledger(), a.version())
	root.Version = versionText()
	root.SetVersionTemplate("{{.Version}}\n")
	return root
}

// noArgs rejects arguments. An argument of the root is an unknown subcommand.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if c.HasSubCommands() {
		hint := ""
		c.SuggestionsMinimumDistance = 2 // 0 suggests prefixes only
		if s := c.SuggestionsFor(args[0]); len(s) > 0 {
			hint = fmt.Sprintf("; did you mean '%s %s'?", c.CommandPath(), s[0])
		}
		return fmt.Errorf("%w: there is no command %q%s; see '%s --help'", errUsage, args[0], hint, c.CommandPath())
	}
	return fmt.Errorf("%w: '%s' takes no arguments, but got %q; see '%s --help'", errUsage, c.CommandPath(), args, c.CommandPath())
}
