package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// addContent adds --log-content.
func (a *app) addContent(root *cobra.Command) {
	root.PersistentFlags().BoolVar(&a.logContent, "log-content", false,
		"show the content of rows, arguments, answers and messages of servers in errors, logs and reports (default: only row, function and reason)")
}

// message returns the text of an error, with its content if --log-content is set.
func (a *app) message(err error) string {
	if a.logContent {
		return sensitive.Shown(err)
	}
	return err.Error()
}

// contentHint is a hint to --log-content for a text that hides content. Of an error
// that Spark returns, only the text is available.
func (a *app) contentHint(text string) string {
	if a.logContent || !strings.Contains(text, sensitive.Mark) {
		return ""
	}
	return "\n  The hidden text is part of your data: --log-content shows it."
}

// maskedSQL returns SQL as logs and reports show it.
func (a *app) maskedSQL(text string) string {
	if a.logContent {
		return text
	}
	return sqlexpr.Mask(text)
}

// command returns the command line as reports show it, without the token of a
// connection string.
func (a *app) command() string {
	args := make([]string, len(a.args))
	for i, arg := range a.args {
		args[i] = a.maskedSQL(arg)
	}
	return secret.Hide("firesteel " + strings.Join(args, " "))
}
