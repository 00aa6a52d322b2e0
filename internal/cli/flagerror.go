package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/internal/suggest"
)

// flagError describes a wrong flag in plain words.
func flagError(c *cobra.Command, err error) error {
	return fmt.Errorf("%w: %s%s; see '%s --help'", errUsage, flagMistake(err), flagHint(c, err), c.CommandPath())
}

// flagMistake removes the details of strconv from the error of a value.
func flagMistake(err error) string {
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err.Error()
	}
	is := "it must be a number"
	switch number.Func {
	case "ParseInt", "ParseUint", "Atoi":
		is = "it must be a whole number"
	case "ParseBool":
		is = "it must be true or false"
	}
	return strings.TrimSuffix(err.Error(), number.Error()) + is
}

// flagHint suggests a flag for an unknown one.
func flagHint(c *cobra.Command, err error) string {
	var missing interface {
		GetSpecifiedName() string
		GetSpecifiedShortnames() string
	}
	if !errors.As(err, &missing) {
		return ""
	}
	var names []string
	for line := range strings.Lines(c.Flags().FlagUsages()) {
		if _, rest, ok := strings.Cut(line, "--"); ok {
			names = append(names, strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '[' })[0])
		}
	}
	wanted := missing.GetSpecifiedName()
	if c.Flags().Lookup(wanted) != nil {
		return "" // its value is missing
	}
	if short := missing.GetSpecifiedShortnames(); short != "" {
		wanted = short // -add is parsed as -a -d -d
	}
	for _, name := range names {
		if len(wanted) > 1 && strings.HasPrefix(name, wanted) {
			return fmt.Sprintf("; did you mean --%s?", name)
		}
	}
	if near, ok := suggest.Nearest(wanted, names); ok && len(wanted) > 2 {
		return fmt.Sprintf("; did you mean --%s?", near)
	}
	return ""
}
