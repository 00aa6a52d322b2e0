package cli

import (
	"errors"
	"fmt"

	"github.com/firesteel/firesteel/internal/files"
)

// explainFormat adds to an error about the format of a file the flag that gives
// the format.
func explainFormat(err error) error {
	var unknown *files.UnknownFormatError
	var wrong *files.WrongFormatError
	switch {
	case errors.As(err, &unknown) && unknown.Output:
		return fmt.Errorf("%w by --output-format", err)
	case errors.As(err, &unknown), errors.As(err, &wrong):
		return fmt.Errorf("%w by --format", err)
	}
	return err
}
