package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/firesteel/firesteel/internal/endpoint"
	"github.com/firesteel/firesteel/internal/engine"
	"github.com/firesteel/firesteel/internal/head"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
)

// Progress receives the progress of downloads. Its methods may be called often,
// and from several goroutines.
type Progress interface {
	// Step reports that done of total bytes of name are downloaded; total is 0
	// if it is unknown.
	Step(name string, done, total int64)
	// End reports that the download of name ended or failed.
	End(name string)
	// Notice reports what is downloaded, before the download of a model of the
	// catalogue: name, size and licence, in one or several lines.
	Notice(text string)
}

// Options change how models are resolved and opened. The zero value is valid.
type Options struct {
	// Progress receives the progress of downloads; it may be nil.
	Progress Progress
	// Precision is that of the weights in memory; empty is llm.Auto.
	Precision llm.Precision
	// Threads is the number of cores to compute on; 0 is GOMAXPROCS.
	Threads int
	// PrefixBytes bounds the memory for prefixes that prompts share; 0 is
	// 256 MiB. AnswerBytes bounds the memory for answers to repeated requests; 0
	// is 32 MiB, and a negative number keeps none. Both are for models in this
	// process.
	PrefixBytes int64
	AnswerBytes int
	// Server has the options for models of servers.
	Server ServerOptions
}

// ServerOptions change how a model of a server is asked. The zero value is
// valid.
type ServerOptions struct {
	// RequestsPerMinute and TokensPerMinute bound the requests, and the tokens
	// of prompts and answers together; 0 is no limit.
	RequestsPerMinute, TokensPerMinute int
	// AllowHosts, if it is not empty, lists the only hosts that may be connected
	// to. LocalOnly allows loopback addresses only. The policy of the
	// environment holds as well.
	AllowHosts []string
	LocalOnly  bool
	// KeyPlace says in errors where a key must be set, if not here.
	KeyPlace string
	// AnswerBytes bounds the memory for answers to repeated requests, and the
	// memory for vectors; 0 keeps none.
	AnswerBytes int
	// Retrying, if it is not nil, receives errors of attempts that will be
	// repeated; not all of them, since a server that is down fails them all.
	Retrying func(error)
}

func (o ServerOptions) endpoint() endpoint.Options {
	return endpoint.Options{
		RequestsPerMinute: o.RequestsPerMinute, TokensPerMinute: o.TokensPerMinute,
		AllowHosts: o.AllowHosts, LocalOnly: o.LocalOnly, KeyPlace: o.KeyPlace,
		AnswerBytes: o.AnswerBytes, Trouble: o.Retrying,
	}
}

// File is one file of a model.
type File struct {
	Name   string // path below Resolved.Root, with slashes
	Size   int64  // bytes
	SHA256 string // hex
}

// Resolved is a model that was found: files on this machine, or a server.
type Resolved struct {
	Reference Reference
	// Info is the description that the opened model will give. Context is 0
	// for files, since it is read when they are opened. Roles is empty if it is
	// not known before.
	Info llm.Info
	// Size is the number of bytes of all files; 0 for a server.
	Size int64
	// Root is the GGUF file, or the folder, that holds all files of the model;
	// empty for a server.
	Root string
	// Files are the model's files in the folder Root, sorted by name. It is empty
	// if Root is a file.
	Files []File
	// Note says which other model in the same place was not chosen; mostly
	// empty.
	Note string
}

// Path returns the path to open: Root, or the first file in it of a split GGUF
// model or the ONNX file.
func (r *Resolved) Path() string {
	if first := FirstFile(r.Files); first != "" {
		return filepath.Join(r.Root, filepath.FromSlash(first))
	}
	return r.Root
}

// FirstFile returns the name of the file to open of a model that is a folder
// with the given files: the first one of a split GGUF model, or the ONNX file. It
// is empty if the folder itself is to be opened.
func FirstFile(files []File) string {
	for _, f := range files {
		if strings.EqualFold(path.Ext(f.Name), ".onnx") {
			return f.Name
		}
	}
	if len(files) > 0 && strings.EqualFold(path.Ext(files[0].Name), ".gguf") {
		return files[0].Name
	}
	return ""
}

// Resolve finds the model that r refers to. It downloads the files that are not
// on this machine. For a server, it checks the options and the policy of hosts,
// and sends nothing.
func Resolve(ctx context.Context, r Reference, o Options) (*Resolved, error) {
	if r.text == "" {
		return nil, fmt.Errorf("%w: %w", ErrReference, ErrEmpty)
	}
	if r.Remote() {
		if err := r.Check(o.Server); err != nil {
			return nil, err
		}
		return &Resolved{Reference: r, Info: llm.Info{Name: r.server.String(), Engine: endpoint.Version}}, nil
	}
	precision, err := llm.ParsePrecision(string(o.Precision))
	if err != nil {
		return nil, err
	}
	found, err := r.find(ctx, o)
	if err != nil {
		return nil, err
	}
	m := local(r, found)
	m.Info.Precision, m.Info.Engine = precision.Stored(), engine.Version
	if m.isHead() {
		m.Info.Precision, m.Info.Engine = llm.Float32, head.Version
	}
	m.Info.Roles = rolesOf(m)
	return m, nil
}

// rolesOf returns the roles of a model of files, if they are known without opening
// it: from the catalogue, or because it is an encoder.
func rolesOf(m *Resolved) []llm.ModelRole {
	if roles := m.Reference.roles(); len(roles) > 0 {
		return roles
	}
	if c, err := catalogue.Current(); err == nil {
		if e, ok := c.ByDigest(m.Info.Digest); ok {
			return e.Roles
		}
	}
	if role, ok := engine.EncoderRole(m.Path()); ok {
		return []llm.ModelRole{role}
	}
	return nil
}

// local describes the files of a model.
func local(r Reference, found weights.Model) *Resolved {
	m := &Resolved{
		Reference: r, Info: llm.Info{Name: found.Name, Digest: found.SHA256},
		Size: found.Size, Root: found.Path, Note: found.Note,
	}
	if len(found.Files) > 0 {
		m.Root = found.Folder()
	}
	for _, f := range found.Files {
		m.Files = append(m.Files, File(f))
	}
	return m
}

// Check looks for damage that can be found without reading the weights. The
// error of downloaded files is a *DamagedError.
func (r *Resolved) Check() error {
	if r.Reference.Remote() {
		return nil
	}
	if r.isHead() {
		_, err := r.openHead()
		return err
	}
	m := weights.Model{Path: r.Path()}
	for _, f := range r.Files {
		m.Files = append(m.Files, weights.File(f))
	}
	return damaged(r.Reference, m.Check())
}

// DamagedError reports that downloaded files are malformed. If they are
// removed (see Remove), Resolve downloads them again.
type DamagedError struct {
	Reference Reference
	Err       error
}

func (e *DamagedError) Error() string { return e.Err.Error() }
func (e *DamagedError) Unwrap() error { return e.Err }

func damaged(r Reference, err error) error {
	if r.Downloaded() && errors.Is(err, malformed.ErrFormat) {
		return &DamagedError{r, err}
	}
	return err
}

// List returns the downloaded models on this machine, sorted by reference.
// Digests that are not known yet are empty, and so is what Options decide.
func List() ([]*Resolved, error) {
	all, err := weights.List()
	if err != nil {
		return nil, err
	}
	list := make([]*Resolved, len(all))
	for i, m := range all {
		list[i] = local(Reference{text: m.Ref}, m)
	}
	return list, nil
}

// Remove deletes the downloaded files of a model from this machine. A package
// without a version stands for all its versions.
func Remove(r Reference) error {
	if r.entry == nil {
		return weights.Remove(r.text)
	}
	removed := false
	for _, source := range r.entry.Sources {
		switch err := weights.Remove(source); {
		case err == nil:
			removed = true
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if !removed {
		return fmt.Errorf("%s is not on this machine: %w", r.text, fs.ErrNotExist)
	}
	return nil
}
