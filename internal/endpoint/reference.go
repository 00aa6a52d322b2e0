package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/internal/network/egress"
	"github.com/firesteel/firesteel/internal/secret"
)

const (
	scheme             = "openai:"
	defaultKeyVariable = "OPENAI_API_KEY"
)

// Reference is the parsed form of openai:MODEL@URL?OPTIONS.
type Reference struct {
	model   string
	base    *url.URL // without user, query and fragment; no slash at its end
	version string   // Azure's api-version, which every request names; may be empty
	keyEnv  string   // the variable named by the options, or "none"
	keyFile string
}

// String returns the reference without the options that say where its key is:
// the name of the model in errors, ledgers and Info.
func (r Reference) String() string { return "openai:" + r.model + "@" + r.Address() }

// Address returns the URL of the server, with the version of its interface if
// the reference has one.
func (r Reference) Address() string { return r.url("") }

// url is where path ("/chat/completions") is asked for.
func (r Reference) url(path string) string {
	address := r.base.String() + path
	if r.version != "" {
		address += "?" + versionOption + "=" + url.QueryEscape(r.version)
	}
	return address
}

// with is the reference with an option, as a person would write it.
func (r Reference) with(option string) string {
	if r.version != "" {
		return r.String() + "&" + option
	}
	return r.String() + "?" + option
}

const versionOption = "api-version"

var versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$`)

// calls are the paths that are added to an address, and that addresses which
// are copied from a cloud's page may end with.
var calls = []string{"/chat/completions", "/completions", "/embeddings"}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// looksSecret tells a key that was written where a variable's name belongs.
func looksSecret(name string) bool {
	return strings.HasPrefix(name, "sk") && len(name) > 16 || len(name) > 40 && strings.ToUpper(name) != name
}

// Parse parses a reference to the model of a server. Its errors never repeat
// what follows the model's name, because a key may stand there by mistake.
func Parse(ref string) (Reference, error) {
	const form = "it should look like openai:MODEL@https://host/v1"
	rest, ok := strings.CutPrefix(ref, scheme)
	if !ok {
		return Reference{}, errors.New("not an endpoint: " + form)
	}
	// A model's name may hold "@", ":" and "/".
	at := max(strings.LastIndex(rest, "@https://"), strings.LastIndex(rest, "@http://"))
	if at < 0 {
		return Reference{}, errors.New("the endpoint has no address: " + form)
	}
	r := Reference{model: rest[:at]}
	if r.model == "" {
		return Reference{}, errors.New("the endpoint names no model: " + form)
	}
	if strings.ContainsFunc(r.model, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return Reference{}, errors.New("the endpoint's model holds control characters")
	}
	u, err := url.Parse(rest[at+1:])
	if err != nil || u.Hostname() == "" {
		return Reference{}, fmt.Errorf("endpoint of model %q: its address is malformed: %s", r.model, form)
	}
	if u.User != nil {
		return Reference{}, fmt.Errorf("endpoint of model %q: its address holds a user or password; put the key into a variable instead and end the reference with ?key=VARIABLE", r.model)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" {
		return Reference{}, fmt.Errorf("endpoint of model %q: its options are malformed; they are ?key=VARIABLE, ?keyfile=PATH and, for Azure, ?api-version=DATE", r.model)
	}
	for name, values := range query {
		if len(values) != 1 || values[0] == "" {
			return Reference{}, fmt.Errorf("endpoint of model %q: an option must have one value", r.model)
		}
		switch name {
		case "key":
			if !variableName.MatchString(values[0]) || looksSecret(values[0]) {
				return Reference{}, fmt.Errorf("endpoint of model %q: key= names an environment variable that holds the key, and is not the key itself", r.model)
			}
			r.keyEnv = values[0]
		case "keyfile":
			r.keyFile = values[0]
		case versionOption:
			if !versionForm.MatchString(values[0]) || looksSecret(values[0]) {
				return Reference{}, fmt.Errorf("endpoint of model %q: api-version is a date such as 2024-10-21, or a word such as preview", r.model)
			}
			r.version = values[0]
		default:
			return Reference{}, fmt.Errorf("endpoint of model %q: there is an unknown option; those known are key, keyfile and api-version", r.model)
		}
	}
	if r.keyEnv != "" && r.keyFile != "" {
		return Reference{}, fmt.Errorf("endpoint of model %q: give either key or keyfile", r.model)
	}
	path := strings.TrimRight(u.Path, "/")
	for _, call := range calls {
		if before, ok := strings.CutSuffix(path, call); ok {
			path = before
			break
		}
	}
	r.base = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}
	return r, nil
}

// key is a secret: it prints as nothing but its origin.
type key struct {
	secret string
	origin string // "the variable X", "the file X"; "" without a key
	advice string // how to bring one
}

func (k key) String() string { return "(key from " + k.origin + ")" }

// header is what the key is sent in. Azure's addresses with a version take keys
// in a header of their own; a token of its directory is a JSON Web Token, which
// goes where others go.
func (k key) header(r Reference) (name, value string) {
	if r.version != "" && !(strings.HasPrefix(k.secret, "eyJ") && strings.Count(k.secret, ".") == 2) {
		return "Api-Key", k.secret
	}
	return "Authorization", "Bearer " + k.secret
}

// GoString, like String, keeps the secret.
func (k key) GoString() string { return k.String() }

const maxKeyBytes = 8 << 10

// readKey finds the key. The default variable's key belongs to a cloud, so it
// is not sent unencrypted to another machine: there a key must be named.
// place, if not empty, says where it is looked for. The key is known to package
// secret from then on.
func readKey(r Reference, place string) (key, error) {
	if place != "" {
		place = " " + place
	}
	k := key{advice: "Set " + defaultKeyVariable + place + ", or name another variable or a file: " + r.with("key=VARIABLE") + " or keyfile=PATH"}
	switch {
	case r.keyEnv == "none":
		k.advice = "The reference says key=none, but the server wants one: name the variable that holds it, " + r.with("key=VARIABLE")
		return k, nil
	case r.keyFile != "":
		f, err := os.Open(r.keyFile)
		if err != nil {
			return key{}, fmt.Errorf("the key's file must be there%s: %w", place, err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+1))
		if err != nil {
			return key{}, fmt.Errorf("the key's file: %w", err)
		}
		k.secret, k.origin = strings.TrimSpace(string(b)), "the file "+r.keyFile
	case r.keyEnv != "":
		k.secret, k.origin = strings.TrimSpace(os.Getenv(r.keyEnv)), "the variable "+r.keyEnv
	default:
		k.secret = strings.TrimSpace(os.Getenv(defaultKeyVariable))
		if k.secret == "" {
			return k, nil
		}
		if r.base.Scheme == "http" && !egress.Loopback(r.base.Hostname()) {
			secret.Add(k.secret)
			k.advice = "The key in " + defaultKeyVariable + " is not sent over http to another machine: use https, or name the key yourself with ?key=VARIABLE"
			k.secret = ""
			return k, nil
		}
		k.origin = "the variable " + defaultKeyVariable
	}
	secret.Add(k.secret)
	if k.secret == "" {
		return key{}, fmt.Errorf("%s holds no key; it must be set%s", k.origin, place)
	}
	k.advice = "Look at the key in " + strings.TrimPrefix(k.origin, "the ") + place
	if len(k.secret) > maxKeyBytes || strings.ContainsFunc(k.secret, func(c rune) bool { return c < ' ' || c >= 0x7f }) {
		return key{}, fmt.Errorf("%s does not hold a key: it must be one line of plain characters", k.origin)
	}
	return k, nil
}
