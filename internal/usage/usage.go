// Package usage shares, through files, what queries of Spark ask their models.
// Executors cannot talk to each other. Each worker process therefore writes a
// file for each query into a directory that all of them see, and reads the files
// of the others: so a budget holds for the whole query, and its usage can be
// shown.
//
// The files are usage/QUERY/WRITER.json in the directory of a ledger. A file has
// one writer, which replaces it as a whole.
package usage

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// Tokens counts requests and their tokens.
type Tokens struct {
	Requests int64   `json:"requests,omitempty"`
	Prompt   int64   `json:"prompt,omitempty"`
	Output   int64   `json:"output,omitempty"`
	Cost     float64 `json:"cost,omitempty"`
}

// Add adds other tokens.
func (t *Tokens) Add(u Tokens) {
	t.Requests += u.Requests
	t.Prompt += u.Prompt
	t.Output += u.Output
	t.Cost += u.Cost
}

// Use is what a function asked a model.
type Use struct {
	Function string `json:"function"`
	Model    string `json:"model,omitempty"` // name for display; empty if no model was asked
	Rows     int64  `json:"rows,omitempty"`  // calls
	Asked    int64  `json:"asked,omitempty"` // calls that a model answered
	Kept     int64  `json:"kept,omitempty"`  // calls that the ledger answered
	Errors   int64  `json:"errors,omitempty"`
	Skipped  int64  `json:"skipped,omitempty"` // calls that a budget left without an answer
	Tokens
}

// State is what one process has used for a query.
type State struct {
	Session string `json:"session,omitempty"`
	// Begun and Changed are in microseconds since 1970.
	Begun    int64  `json:"begun"`
	Changed  int64  `json:"changed"`
	Used     Tokens `json:"used"`
	Reserved Tokens `json:"reserved"` // the most that the requests under way may use
	Asked    int64  `json:"asked"`
	Errors   int64  `json:"errors"`
	Uses     []Use  `json:"uses"`
}

// Totals are the sums of states.
type Totals struct {
	Used, Reserved Tokens
	Asked, Errors  int64
	Begun          time.Time // of the first one
}

// maxState bounds the size of a file in bytes.
const maxState = 1 << 20

// abandonedAfter is the time after which the requests of a file that does not
// change count as used: its process was killed, and had probably asked them.
var abandonedAfter = 30 * time.Second

// keepFor is how long the usage of a query is kept.
const keepFor = 7 * 24 * time.Hour

// Query is the usage of a query in this process. Its methods may be called at the
// same time.
type Query struct {
	dir  string // of the query
	name string // of this process's file

	mu     sync.Mutex
	others map[string]*other
}

// other is the file of another process.
type other struct {
	state   State
	changed time.Time // when this process saw it change
}

// Open creates the directory of a query in that of a ledger.
func Open(ledger, query string) (*Query, error) {
	all := filepath.Join(ledger, "usage")
	dir := filepath.Join(all, nameOf(query))
	if err := privatefile.MakeDir(all); err != nil {
		return nil, err
	}
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		removeOld(all)
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	if err := privatefile.Check(dir); err != nil {
		return nil, err
	}
	return &Query{dir: dir, name: strings.ToLower(rand.Text()) + ".json", others: map[string]*other{}}, nil
}

var plainName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.-]{0,99}$`)

// nameOf returns the name of a query's directory.
func nameOf(query string) string {
	if plainName.MatchString(query) {
		return query
	}
	sum := sha256.Sum256([]byte(query))
	return hex.EncodeToString(sum[:])
}

// removeOld removes the usage of old queries, as far as it can.
func removeOld(all string) {
	found, _ := os.ReadDir(all)
	for _, f := range found {
		if info, err := f.Info(); err == nil && f.IsDir() && time.Since(info.ModTime()) > keepFor {
			os.RemoveAll(filepath.Join(all, f.Name()))
		}
	}
}

// Publish writes the state of this process.
func (q *Query) Publish(s State) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.publish(s)
}

func (q *Query) publish(s State) error {
	s.Changed = time.Now().UnixMicro()
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := filepath.Join(q.dir, q.name)
	// The file has one writer, so that the temporary file needs no other name. It
	// is not synced: after a power failure the query does not go on.
	f, err := privatefile.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	return err
}

// Exchange writes the state of this process, and then returns the totals of all
// others. Of two processes that exchange at the same time, at least one sees the
// state of the other.
func (q *Query) Exchange(s State) (Totals, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.publish(s); err != nil {
		return Totals{}, err
	}
	return q.read()
}

func (q *Query) read() (t Totals, err error) {
	states, err := readAll(q.dir)
	if err != nil {
		return t, err
	}
	now := time.Now()
	for name, s := range states {
		if name == q.name {
			continue
		}
		o := q.others[name]
		if o == nil || o.state.Changed != s.Changed {
			o = &other{state: s, changed: now}
			q.others[name] = o
		}
		t.Used.Add(s.Used)
		if now.Sub(o.changed) > abandonedAfter {
			t.Used.Add(s.Reserved)
		} else {
			t.Reserved.Add(s.Reserved)
		}
		t.Asked += s.Asked
		t.Errors += s.Errors
		if begun := time.UnixMicro(s.Begun); t.Begun.IsZero() || begun.Before(t.Begun) {
			t.Begun = begun
		}
	}
	return t, nil
}

// readAll returns the states in the directory of a query, by the names of their
// files.
func readAll(dir string) (map[string]State, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := map[string]State{}
	for _, f := range found {
		if filepath.Ext(f.Name()) != ".json" {
			continue
		}
		path := filepath.Join(dir, f.Name())
		text, err := privatefile.ReadFile(path, maxState)
		var s State
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil {
			return nil, fmt.Errorf("the usage in %s: %w", path, err)
		}
		all[f.Name()] = s
	}
	return all, nil
}

// Report is the usage of a query.
type Report struct {
	Query string
	Uses  []Use // sorted by function and model
}

// Latest returns the usage of a session's query that was the last to ask, or of
// the given query. It is empty if there is none.
func Latest(ledger, session, query string) (r Report, err error) {
	all := filepath.Join(ledger, "usage")
	found, err := os.ReadDir(all)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = privatefile.Check(all)
	}
	if err != nil {
		return r, err
	}
	last := int64(0)
	for _, f := range found {
		if !f.IsDir() || query != "" && f.Name() != nameOf(query) {
			continue
		}
		states, err := readAll(filepath.Join(all, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed as old
		}
		if err != nil {
			return r, err
		}
		at := int64(0)
		for _, s := range states {
			if query != "" || s.Session == session {
				at = max(at, s.Changed)
			}
		}
		if at > last {
			last, r = at, Report{Query: f.Name(), Uses: sum(states)}
		}
	}
	return r, nil
}

// sum adds the uses of states by function and model.
func sum(states map[string]State) (all []Use) {
	for _, s := range states {
		for _, u := range s.Uses {
			i := slices.IndexFunc(all, func(other Use) bool { return other.Function == u.Function && other.Model == u.Model })
			if i < 0 {
				all = append(all, u)
				continue
			}
			all[i].Rows += u.Rows
			all[i].Asked += u.Asked
			all[i].Kept += u.Kept
			all[i].Errors += u.Errors
			all[i].Skipped += u.Skipped
			all[i].Add(u.Tokens)
		}
	}
	slices.SortFunc(all, func(a, b Use) int { return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Model, b.Model)) })
	return all
}
