// Package secret keeps keys, tokens and passwords out of texts. Whoever reads
// a credential calls Add; every text that comes from outside (a server's
// message, a transport's error, another program's log) goes through Hide before
// it is shown or kept.
package secret

import (
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// Mark stands where a secret stood.
const Mark = "(redacted)"

// The lengths, in bytes, that decide how a secret is looked for. Shorter ones
// than least are not looked for at all, as they stand in every text. Those
// shorter than telling are looked for as whole words, as they are written.
const (
	least   = 4
	telling = 8
)

// maxKnown bounds how many secrets are known; the oldest are forgotten first.
const maxKnown = 256

var (
	mu    sync.RWMutex
	known []*spelled // the newest last
)

// placeholders are what documentation tells people to give where a program
// insists on a key and the server does not look at it.
var placeholders = []string{"empty", "none", "null", "ollama", "lm-studio", "dummy", "test", "xxxx", "fake", "unused", "not-needed", "not-used",
	"no-key", "no-key-required", "sk-no-key-required", "anything", "token-abc123"}

// Add makes secrets known. Blank ones, those shorter than 4 bytes and the usual
// placeholders are left out.
func Add(secrets ...string) {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range secrets {
		s = strings.TrimSpace(s)
		if len(s) < least || slices.Contains(placeholders, lower(s)) || slices.ContainsFunc(known, func(h *spelled) bool { return h.text == s }) {
			continue
		}
		known = append(slices.Clone(known), newSpelled(s)) // a reader may hold the old slice
		if len(known) > maxKnown {
			known = known[1:]
		}
	}
}

// AddUser makes the credentials of an address (user:password@host) known, and
// what Basic authentication makes of them. A user without a password may be a
// token. It takes nil.
func AddUser(u *url.Userinfo) {
	if u == nil {
		return
	}
	if password, ok := u.Password(); ok && password != "" {
		Add(password, u.Username()+":"+password)
	} else {
		Add(u.Username())
	}
}

// AddAddress is AddUser for an address as text.
func AddAddress(address string) {
	if u, err := url.Parse(strings.TrimSpace(address)); err == nil {
		AddUser(u.User)
	}
}

// userinfo is what stands before the host of an address within a text.
var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#@"'<>\\]+@`)

// Hide replaces all known secrets in text, also in the forms that servers and
// libraries give them: in other capitals, escaped as in JSON, HTML or
// addresses (also several times), in base64 and in hexadecimal digits, and pieces
// of 12 bytes and more. It replaces users and passwords of all addresses too.
func Hide(text string) string {
	if text == "" {
		return text
	}
	mu.RLock()
	all := known
	mu.RUnlock()
	return userinfo.ReplaceAllString(hide(text, all), "${1}"+Mark+"@")
}

// HideSent is for data, such as a model's answer: it replaces only the secret
// that was sent with the question. One that is shorter than 8 bytes may be a
// word of the answer, and one that stands in the question belongs to the data;
// both stay.
func HideSent(answer, sent, question string) string {
	sent = strings.TrimSpace(sent)
	if len(sent) < telling || strings.Contains(question, sent) {
		return answer
	}
	mu.RLock()
	all := known
	mu.RUnlock()
	for i, h := range all {
		if h.text == sent {
			return hide(answer, all[i:i+1])
		}
	}
	return answer
}

// Error gives an error whose text holds no secret, nor what hidden.Shown gives
// of it. It wraps err.
func Error(err error) error {
	if err == nil {
		return nil
	}
	e := &clean{Hide(err.Error()), Hide(sensitive.Shown(err)), err}
	if e.text == err.Error() && e.shown == sensitive.Shown(err) {
		return err
	}
	return e
}

type clean struct {
	text, shown string
	err         error
}

func (e *clean) Error() string { return e.text }

// Shown is for package hidden.
func (e *clean) Shown() string { return e.shown }

func (e *clean) Unwrap() error { return e.err }

// Writer hides secrets in what is written to w. A secret that is split between
// two calls of Write is not found.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, Hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
