package catalogue

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
)

// Variable is the environment variable that names the user's catalogue file.
const Variable = "FIRESTEEL_CATALOGUE"

//go:embed catalogue.json
var embedded []byte

// embeddedName is the name of the embedded catalogue in errors.
const embeddedName = "llm/catalogue/catalogue.json"

var parseEmbedded = sync.OnceValues(func() (*Catalogue, error) {
	c, err := Parse(embeddedName, embedded)
	if err != nil {
		return nil, err
	}
	return c, c.checkDefaults(embeddedName, embedded)
})

// Embedded returns the catalogue of this program. The caller must not change it.
func Embedded() *Catalogue {
	c, err := parseEmbedded()
	if err != nil {
		panic(err) // a test parses it
	}
	return c
}

// UserFile returns the path of the user's catalogue: the value of Variable, or
// firesteel/catalogue.json in os.UserConfigDir if it exists, or "".
func UserFile() string {
	if path := os.Getenv(Variable); path != "" {
		return path
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	path := filepath.Join(config, "firesteel", "catalogue.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// Current returns the embedded catalogue with the entries of the user's file.
// The caller must not change it.
func Current() (*Catalogue, error) {
	c, err := parseEmbedded()
	if err != nil {
		return nil, err
	}
	path := UserFile()
	if path == "" {
		return c, nil
	}
	data, err := regularfile.ReadFile(path, maxFile)
	if err != nil {
		var inPath *fs.PathError
		if errors.As(err, &inPath) {
			err = inPath.Err
		}
		return nil, &Error{File: path, Err: err}
	}
	own, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	all := c.with(own)
	return all, all.checkDefaults(path, data)
}
