package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/secret"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/sqlexpr"
)

// addContent adds the flag that shows content in errors, logs and reports.
func (a *app) addContent(root *cobra.Command) {
	root.PersistentFlags().BoolVar(&a.logContent, "log-content", false,
		"let errors, logs and reports quote what rows, arguments, answers and servers say (default: they name row, function and reason)")
}

// told is an error as a person is told it.
func (a *app) told(err error) string {
	if a.logContent {
		return sensitive.Shown(err)
	}
	return err.Error()
}

// contentHint says how to see what an error's text hides, if it does. An error
// that comes back from Spark is known by its text only.
func (a *app) contentHint(text string) string {
	if a.logContent || !strings.Contains(text, sensitive.Mark) {
		return ""
	}
	return "\n  What is hidden is from your data: --log-content shows it."
}

// maskedSQL is a text of SQL as logs and reports show it.
func (a *app) maskedSQL(text string) string {
	if a.logContent {
		return text
	}
	return sqlexpr.Mask(text)
}

// command is what was called, as reports show it: without the token of a
// connection string.
func (a *app) command() string {
	args := make([]string, len(a.args))
	for i, arg := range a.args {
		args[i] = a.maskedSQL(arg)
	}
	return secret.Hide("firesteel " + strings.Join(args, " "))
}
