package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// forget removes all registered secrets for a test.
func forget(t *testing.T) {
	mu.Lock()
	before := known
	known = nil
	mu.Unlock()
	t.Cleanup(func() { mu.Lock(); known = before; mu.Unlock() })
}

const apiKey = `sk-Pr0j_aB3"dE/fG+hI=jK&lM<nO>7890qrstuvwx`

// spellings are the forms in which a server may send a secret back.
func spellings(s string) map[string]string {
	quoted, _ := json.Marshal(s)
	everyByte := func(format string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, format, s[i])
		}
		return b.String()
	}
	return map[string]string{
		"as it is":              s,
		"JSON":                  string(quoted[1 : len(quoted)-1]),
		"Go's quotes":           fmt.Sprintf("%q", s),
		"every byte as \\u":     everyByte(`\u%04x`),
		"every byte as \\x":     everyByte(`\x%02X`),
		"every byte as %":       everyByte("%%%02X"),
		"every byte as &#":      everyByte("&#%d;"),
		"every byte as &#x":     everyByte("&#x%x;"),
		"query":                 url.QueryEscape(s),
		"path":                  url.PathEscape(s),
		"query, twice":          url.QueryEscape(url.QueryEscape(s)),
		"HTML":                  html.EscapeString(s),
		"JSON within JSON":      fmt.Sprintf("%q", fmt.Sprintf("%q", s)),
		"percent within JSON":   fmt.Sprintf("%q", url.QueryEscape(s)),
		"small letters":         strings.ToLower(s),
		"capitals":              strings.ToUpper(s),
		"hexadecimal":           hex.EncodeToString([]byte(s)),
		"base64":                base64.StdEncoding.EncodeToString([]byte(s)),
		"base64 for addresses":  base64.RawURLEncoding.EncodeToString([]byte(s)),
		"Basic, user of 1":      base64.StdEncoding.EncodeToString([]byte("u:" + s)),
		"Basic, user of 2":      base64.StdEncoding.EncodeToString([]byte("us:" + s)),
		"Basic, user of 3":      base64.StdEncoding.EncodeToString([]byte("use:" + s)),
		"base64 in the middle":  base64.StdEncoding.EncodeToString([]byte("Authorization: Bearer " + s + "\r\nAccept: */*")),
		"base64 within percent": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("u:" + s))),
		"its beginning":         s[:12],
		"its end":               s[len(s)-12:],
	}
}

func TestHide(t *testing.T) {
	forget(t)
	Add(apiKey)
	for name, spelled := range spellings(apiKey) {
		got := Hide("before " + spelled + " after")
		if want := "before " + Mark + " after"; strings.Trim(strings.ReplaceAll(got, `"`, ""), `\`) != want && strings.ReplaceAll(strings.ReplaceAll(got, `\`, ""), `"`, "") != want {
			t.Errorf("%s: %q became %q", name, spelled, got)
		}
	}
	for _, text := range []string{"", "nothing here", "100% of \\u and &amp; stay", "sk-Pr0j_ is a beginning that many keys have", "\xff\xfe broken", "a%zz\\u12", "&#99999999;", "&"} {
		if got := Hide(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got, want := Hide(apiKey+apiKey+"x"+apiKey), Mark+"x"+Mark; got != want {
		t.Errorf("several: %q, want %q", got, want)
	}
}

// A short secret matches whole words only.
func TestShortSecrets(t *testing.T) {
	forget(t)
	Add("abc", "open1", "EMPTY", "none", " ")
	for text, want := range map[string]string{
		"the key open1, and open1.": "the key " + Mark + ", and " + Mark + ".",
		"reopen1 open12 Open1 abc":  "reopen1 open12 Open1 abc",
		"EMPTY and none":            "EMPTY and none",
		`key=%6fpen1`:               "key=" + Mark,
	} {
		if got := Hide(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	forget(t)
	AddAddress("https://reader:pw-4711@index.example/simple")
	AddAddress("http://glpat-0123456789abcdef@proxy.example:3128")
	AddAddress("https://index.example/simple")
	AddAddress("::")
	AddUser(nil)
	basic := base64.StdEncoding.EncodeToString([]byte("reader:pw-4711"))
	for _, text := range []string{"pw-4711", "Basic " + basic, "glpat-0123456789abcdef", "READER:PW-4711"} {
		if got := Hide(text); !strings.Contains(got, Mark) || strings.Contains(got, text) {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := Hide("reader may stay"); got != "reader may stay" {
		t.Errorf("the name of a user with a password: %q", got)
	}
	// Credentials of URLs that were not registered.
	for in, want := range map[string]string{
		`see https://someone:else@h.example/x?y=1.`:     "see https://" + Mark + "@h.example/x?y=1.",
		`jdbc:postgresql://app:pa$$@db/x and a@b.c`:     "jdbc:postgresql://" + Mark + "@db/x and a@b.c",
		`https://h.example/@scope/package`:              `https://h.example/@scope/package`,
		`"https://h.example","mail":"someone@mail.org"`: `"https://h.example","mail":"someone@mail.org"`,
	} {
		if got := Hide(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// A secret within the question is data and stays.
func TestHideSent(t *testing.T) {
	forget(t)
	Add(apiKey, "a-password-of-a-proxy", "short")
	for _, c := range []struct{ answer, sent, question, want string }{
		{"your key is " + apiKey, apiKey, "what is it?", "your key is " + Mark},
		{"your key is " + base64.StdEncoding.EncodeToString([]byte(apiKey)), apiKey, "what is it?", "your key is " + Mark},
		{"it says " + apiKey, apiKey, "mask " + apiKey, "it says " + apiKey},
		{"a-password-of-a-proxy", apiKey, "", "a-password-of-a-proxy"},
		{"in short", "short", "", "in short"},
		{"https://u:p@h/", apiKey, "", "https://u:p@h/"},
		{"no key", "", "", "no key"},
	} {
		if got := HideSent(c.answer, c.sent, c.question); got != c.want {
			t.Errorf("%q became %q, want %q", c.answer, got, c.want)
		}
	}
}

func TestError(t *testing.T) {
	forget(t)
	Add(apiKey)
	inner := fmt.Errorf("no %s: %w", apiKey, fs.ErrNotExist)
	err := fmt.Errorf("outer: %w", Error(inner))
	if err.Error() != "outer: no "+Mark+": file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	content := fmt.Errorf("outer: %w", Error(sensitive.Errorf("it says %s", sensitive.Text("no "+apiKey[:20]))))
	if got := sensitive.Shown(content); got != `outer: it says "no `+Mark+`"` {
		t.Error(got)
	}
	if Error(nil) != nil || Error(fs.ErrExist) != fs.ErrExist {
		t.Error("Error changed an error without a secret")
	}
}

func TestWriter(t *testing.T) {
	forget(t)
	Add(apiKey)
	var b bytes.Buffer
	n, err := fmt.Fprintf(Writer(&b), "a %s b\n", apiKey)
	if err != nil || n != len(apiKey)+5 || b.String() != "a "+Mark+" b\n" {
		t.Errorf("%d, %v: %q", n, err, b.String())
	}
}

func TestOldestAreForgotten(t *testing.T) {
	forget(t)
	for i := range maxKnown + 10 {
		Add(fmt.Sprintf("secret-number-%06d", i))
	}
	if len(known) != maxKnown || known[len(known)-1].text != fmt.Sprintf("secret-number-%06d", maxKnown+9) {
		t.Errorf("%d secrets are registered", len(known))
	}
}

func FuzzHide(f *testing.F) {
	for _, s := range spellings(apiKey) {
		f.Add("x "+s+" y", apiKey)
	}
	f.Add("%%%\\\\u&#;", "ab%41")
	f.Fuzz(func(t *testing.T, text, s string) {
		h := newSpelled(s)
		if len(s) < minPartial || !utf8.ValidString(s) {
			return
		}
		if got := hide(text+s+text, []*spelled{h}); !strings.Contains(got, Mark) {
			t.Errorf("%q stays in %q", s, got)
		}
		hide(text, []*spelled{h})
	})
}

func BenchmarkHideSent(b *testing.B) {
	Add(apiKey)
	answer := strings.Repeat("An answer of a model, with 12 words and a few more. ", 20)
	b.SetBytes(int64(len(answer)))
	for b.Loop() {
		HideSent(answer, apiKey, "question")
	}
}
