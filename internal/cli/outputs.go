package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/firesteel/firesteel/internal/fsys/atomicfile"
)

// overwriteUsage is the help of --overwrite.
const overwriteUsage = "replace the files that the command writes if they exist"

// createFile creates an output that is not a table, such as a report. inputs are
// the files that the command reads.
func createFile(flag, path string, o atomicfile.Options) (*atomicfile.File, error) {
	if path == "-" {
		return nil, fmt.Errorf("%w: %s needs the name of a file", errUsage, flag)
	}
	f, err := atomicfile.Create(path, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, overwriteHint(err))
	}
	return f, nil
}

// overwriteHint adds a hint to --overwrite to the error of an existing file.
func overwriteHint(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w; --overwrite replaces it", err)
	}
	return err
}

// paths are the models that may be files or folders here, and what is read
// beside them.
func (f shipFlags) paths(more ...string) []string {
	set, _ := f.set() // errors are reported where the flags are checked
	for _, e := range set {
		more = append(more, e.Reference.String())
	}
	return more
}
