// Package secret removes keys, tokens and passwords from texts. Code that reads
// a credential calls Add. Every text from outside (a server's message, a
// transport's error, another program's log) passes through Hide before it is
// shown or stored.
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

// Mark replaces a secret.
const Mark = "(redacted)"

// Lengths in bytes that decide how a secret is searched for. A secret shorter
// than minLength is ignored, because it would match in every text. A secret
// shorter than minPartial matches as a whole word only.
const (
	minLength  = 4
	minPartial = 8
)

// maxKnown is the largest number of secrets. Beyond it the oldest are dropped.
const maxKnown = 256

var (
	mu    sync.RWMutex
	known []*spelled // the newest last
)

// placeholders are the values that documentation suggests where a client
// requires a key and the server ignores it.
var placeholders = []string{"empty", "none", "null", "ollama", "lm-studio", "dummy", "test", "xxxx", "fake", "unused", "not-needed", "not-used",
	"no-key", "no-key-required", "sk-no-key-required", "anything", "token-abc123"}

// Add registers secrets. Blank ones, those shorter than 4 bytes and common
// placeholders are ignored.
func Add(secrets ...string) {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range secrets {
		s = strings.TrimSpace(s)
		if len(s) < minLength || slices.Contains(placeholders, lower(s)) || slices.ContainsFunc(known, func(h *spelled) bool { return h.text == s }) {
			continue
		}
		known = append(slices.Clone(known), newSpelled(s)) // a reader may hold the old slice
		if len(known) > maxKnown {
			known = known[1:]
		}
	}
}

// AddUser registers the credentials of a URL (user:password@host), also in the
// form of Basic authentication. A user without a password is registered as a
// token. u may be nil.
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

// AddAddress registers the credentials of a URL given as text.
func AddAddress(address string) {
	if u, err := url.Parse(strings.TrimSpace(address)); err == nil {
		AddUser(u.User)
	}
}

// userinfo matches the scheme and the credentials of a URL within a text.
var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#@"'<>\\]+@`)

// Hide replaces all registered secrets in text, also in other letter case,
// escaped for JSON, HTML or URLs (up to four times), in base64 or hexadecimal
// digits, and pieces of them of 12 bytes or more. It also replaces the
// credentials of all URLs.
func Hide(text string) string {
	if text == "" {
		return text
	}
	mu.RLock()
	all := known
	mu.RUnlock()
	return userinfo.ReplaceAllString(hide(text, all), "${1}"+Mark+"@")
}

// HideSent is Hide for data, such as a model's answer: it replaces only the
// secret that was sent with the question. A secret shorter than 8 bytes may be
// an ordinary word, and a secret within the question is part of the data;
// neither is replaced.
func HideSent(answer, sent, question string) string {
	sent = strings.TrimSpace(sent)
	if len(sent) < minPartial || strings.Contains(question, sent) {
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

// Error returns an error that wraps err and has no secret in its text, nor in
// the text that sensitive.Shown returns.
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

// Shown returns the text with content for package sensitive.
func (e *clean) Shown() string { return e.shown }

func (e *clean) Unwrap() error { return e.err }

// Writer returns a writer that replaces secrets in each call of Write. It does
// not find a secret that two calls share.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, Hide(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
