package catalogue

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/suggest"
	"github.com/firesteel/firesteel/llm"
)

// Catalogue is a set of models with names.
type Catalogue struct {
	Models    map[string]*Entry
	Defaults  map[llm.ModelRole]string // names of the default models
	Functions map[string]Need          // by function
}

// Entry describes a model.
type Entry struct {
	Name         string          `json:"-"`
	About        string          `json:"about"`
	Roles        []llm.ModelRole `json:"roles"`
	Architecture string          `json:"architecture,omitempty"`
	Parameters   int64           `json:"parameters,omitempty"`
	Size         int64           `json:"size,omitempty"`    // bytes of all files
	Memory       int64           `json:"memory,omitempty"`  // bytes in use with weights in 8 bits
	Context      int             `json:"context,omitempty"` // tokens
	Languages    []string        `json:"languages,omitempty"`
	Pooling      string          `json:"pooling,omitempty"` // of an embedder whose files do not state it, as in llm.Info
	Licence      Licence         `json:"licence"`
	Files        []File          `json:"files,omitempty"`
	Sources      []string        `json:"sources"`
	Tested       bool            `json:"tested,omitempty"` // by this project
	Speeds       []Speed         `json:"speeds,omitempty"`
	Measured     []Figure        `json:"measured,omitempty"`

	place place
}

// File is a file of a model.
type File struct {
	Name   string `json:"name"` // path in the model's folder, with slashes
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256"`
}

// Licence is the licence of a model's weights.
type Licence struct {
	// SPDX is the identifier of https://spdx.org/licenses, or LicenseRef-NAME.
	SPDX string `json:"spdx"`
	// Attribution is the text that the licence asks to show; mostly empty.
	Attribution string `json:"attribution,omitempty"`
	// URL is the text of a licence that SPDX does not list.
	URL string `json:"url,omitempty"`
	// Stated is the "free" of the file: nil for the licences of IsFree.
	Stated *bool `json:"free,omitempty"`
}

// free are licences that allow any use, also commercial, without a fee.
var free = []string{
	"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC0-1.0", "CDLA-Permissive-2.0",
	"ISC", "MIT", "MIT-0", "Unlicense", "Zlib",
}

// Free reports whether the licence allows any use, also commercial, without a fee.
func (l Licence) Free() bool {
	if l.Stated != nil {
		return *l.Stated
	}
	return slices.Contains(free, l.SPDX)
}

// Speed is a measured speed.
type Speed struct {
	Of    string  `json:"of"` // the unit: "prompt tokens/s", "rows/s"
	Value float64 `json:"value"`
	On    string  `json:"on"` // machine and settings
	Date  string  `json:"date"`
}

// Figure is the measured quality of a function with a model.
type Figure struct {
	Function string  `json:"function"`
	Metric   string  `json:"metric"`
	Value    float64 `json:"value"`
	Low      float64 `json:"low,omitempty"` // Low and High are the 95 % interval; both 0 if unknown
	High     float64 `json:"high,omitempty"`
	// Plain is the value of the same model asked by a plain prompt; nil if it was not
	// measured.
	Plain     *float64 `json:"plain,omitempty"`
	Data      string   `json:"data"`
	Rows      int      `json:"rows,omitempty"`
	Precision string   `json:"precision,omitempty"`
	Date      string   `json:"date"` // YYYY-MM-DD
	Note      string   `json:"note,omitempty"`
}

// Need is what a function needs of a model: a value of a metric from which
// answers are good enough.
type Need struct {
	Metric string  `json:"metric,omitempty"`
	Enough float64 `json:"enough,omitempty"`
	// As names the function whose figures hold for this one, too. Metric and
	// Enough are then empty.
	As string `json:"as,omitempty"`
}

// Has reports whether the model has a role.
func (e *Entry) Has(r llm.ModelRole) bool { return slices.Contains(e.Roles, r) }

// Digest returns the SHA-256 that llm.Info states for the model: of its file,
// or of the list of its files as sha256sum prints it, sorted by name. It is
// empty if the digests of the files are unknown.
func (e *Entry) Digest() string {
	if len(e.Files) == 1 {
		return e.Files[0].SHA256
	}
	return FilesDigest(e.Files)
}

// FilesDigest returns the SHA-256, in hex, of the output of sha256sum for
// files, sorted by name. It is empty if files is.
func FilesDigest(files []File) string {
	if len(files) == 0 {
		return ""
	}
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s  %s\n", f.SHA256, f.Name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Names returns the names of all models, sorted.
func (c *Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.Models)) }

// Lookup returns a model by name, without regard to case.
func (c *Catalogue) Lookup(name string) (*Entry, bool) {
	e, ok := c.Models[strings.ToLower(name)]
	return e, ok
}

// Similar returns the names of models that a mistyped or incomplete name may mean:
// those that contain it, or else the closest one.
func (c *Catalogue) Similar(name string) []string {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) >= 3 {
		if near := slices.DeleteFunc(c.Names(), func(n string) bool { return !strings.Contains(n, name) }); len(near) > 0 {
			return near
		}
	}
	if near, ok := suggest.Nearest(name, c.Names()); ok {
		return []string{near}
	}
	return nil
}

// Default returns the default model of a role.
func (c *Catalogue) Default(r llm.ModelRole) (*Entry, bool) { return c.Lookup(c.Defaults[r]) }

// IsDefault reports whether the model is the default of a role.
func (c *Catalogue) IsDefault(e *Entry) bool {
	return slices.Contains(slices.Collect(maps.Values(c.Defaults)), e.Name)
}

// ByDigest returns the model whose digest, as in llm.Info, is given.
func (c *Catalogue) ByDigest(digest string) (*Entry, bool) {
	if digest == "" {
		return nil, false
	}
	for _, name := range c.Names() {
		if c.Models[name].Digest() == digest {
			return c.Models[name], true
		}
	}
	return nil, false
}

// with returns c with the entries of other, which replace those of the same name.
func (c *Catalogue) with(other *Catalogue) *Catalogue {
	all := &Catalogue{maps.Clone(c.Models), maps.Clone(c.Defaults), maps.Clone(c.Functions)}
	maps.Copy(all.Models, other.Models)
	maps.Copy(all.Defaults, other.Defaults)
	maps.Copy(all.Functions, other.Functions)
	return all
}
