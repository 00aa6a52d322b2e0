package ai

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

const testKey = "0123456789abcdef0123456789abcdef"

// useKey sets the key of pseudonyms for a test.
func useKey(t *testing.T, key string) {
	t.Helper()
	t.Setenv(PseudonymVariable, key)
	t.Setenv(PseudonymFileVariable, "")
}

var pseudonyms = map[string]string{"replace": "pseudonym"}

func TestRedact(t *testing.T) {
	for _, c := range []struct {
		content    string
		categories any
		want       string
	}{
		{"Write to anna@example.com or call 212-555-0143.", []string{"email", "phone"}, "Write to [EMAIL] or call [PHONE]."},
		{"Ann Lee lives in Oslo.", []string{"person", "city"}, "[PERSON] lives in [CITY]."},
		{"Ann: ann@example.com, Ann", `["full name", "e-mail"]`, "[FULL_NAME]: [E_MAIL], [FULL_NAME]"},
		{"ünï Ann\r\nLee\x00\xff", []string{"person"}, "ünï [PERSON]\r\n[PERSON]\x00\xff"},
		{"Nothing here.", []string{"person", "email"}, "Nothing here."},
		{" \n", []string{"person"}, " \n"},
	} {
		if a := eval(t, redact, tagAndText(namesTagger(), nil), Row{c.content, c.categories})[0]; a.Err != nil || a.Value != c.want || a.Raw != "" {
			t.Errorf("%q: %+v, want %q", c.content, a, c.want)
		}
		// A mask is at the same places.
		masked := eval(t, mask, tagAndText(namesTagger(), nil), Row{c.content, c.categories})[0]
		if n := strings.Count(c.want, "["); strings.Count(masked.Value.(string), maskMark) != n {
			t.Errorf("%q: masked as %q", c.content, masked.Value)
		}
	}
	for _, row := range []Row{{"a", []string{}}, {"a", []string{"email"}, map[string]string{"replace": "hash"}}, {"a", []string{"email"}, map[string]string{"key": "x"}}} {
		var wrong *ArgumentError
		if _, err := redact.Eval(t.Context(), nil, []Row{row}); !errors.As(err, &wrong) || wrong.Param != "categories" && wrong.Param != "options" {
			t.Errorf("%v: %v", row, err)
		}
	}
}

func TestRedactErrorsHaveNoValues(t *testing.T) {
	m := finding("organization", "Acme")
	m.reply = func(r llm.Request) llm.Result { return llm.Result{Text: "Acme", Err: llm.ErrTooLong} }
	a := eval(t, lookup(t, "try_ai_redact"), tagAndText(namesTagger(), m), Row{"I left Acme.", []string{"company"}})[0]
	if got := fmt.Sprint(a.Value); strings.Contains(got, "Acme") || !errors.Is(a.Err, llm.ErrTooLong) {
		t.Errorf("%v", got)
	}
}

func TestDetectPII(t *testing.T) {
	rows := eval(t, detectPII, tagAndText(namesTagger(), nil), Row{"Grüße, Ann 😀 an@b.org", []string{"person", " email "}}, Row{"x", []string{"email"}}, Row{nil, []string{"email"}}, Row{" ", []string{"email"}})
	list, _ := rows[0].Value.([]any)
	if len(list) != 2 || !reflect.DeepEqual(list[0].([]any)[:4], []any{"person", int64(8), int64(11), "Ann"}) || !reflect.DeepEqual(list[1].([]any)[:4], []any{"email", int64(14), int64(22), "an@b.org"}) {
		t.Fatalf("%+v", rows[0])
	}
	for _, f := range list {
		if score := f.([]any)[4].(float64); score < 0.5 || score > 1 {
			t.Errorf("a score of %v", score)
		}
	}
	if none, ok := rows[1].Value.([]any); !ok || len(none) != 0 || rows[2].Value != nil || rows[3].Value != nil {
		t.Errorf("%+v", rows[1:])
	}
	for _, f := range []*Function{detectPII, lookup(t, "try_ai_detect_pii")} {
		a := eval(t, f, tagAndText(namesTagger(), nil), Row{"Ann", []string{"person"}})[0]
		text, ok := f.Keep(a)
		if back, err := f.Kept(text); !ok || err != nil || !reflect.DeepEqual(back.Value, a.Value) {
			t.Errorf("%s: kept as %s, read as %v: %v", f.Name, text, back, err)
		}
	}
}

func TestMergeSpans(t *testing.T) {
	spans := []labelledSpan{{span{5, 9}, "zip", 0.9}, {span{0, 9}, "address", 0.5}, {span{9, 10}, "a", 1}, {span{9, 10}, "b", 0.9}, {span{8, 10}, "c", 0.4}, {span{20, 21}, "d", 1}}
	if got, want := mergeSpans(spans), []labelledSpan{{span{0, 10}, "address", 0.5}, {span{20, 21}, "d", 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func pseudonymsOf(t *testing.T, key string, categories []string, contents ...string) []string {
	t.Helper()
	useKey(t, key)
	rows := make([]Row, len(contents))
	for i, c := range contents {
		rows[i] = Row{c, categories, pseudonyms}
	}
	var all []string
	for _, a := range eval(t, redact, tagAndText(namesTagger(), nil), rows...) {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		all = append(all, a.Value.(string))
	}
	return all
}

func TestPseudonyms(t *testing.T) {
	got := pseudonymsOf(t, testKey, []string{"email", "phone"}, "a@b.org", "A@B.org", "c@b.org", "212-555-0143", "(212) 555-0143")
	if want := "[EMAIL_o2mu7w6rj6spv27y]"; got[0] != want {
		t.Errorf("%s, want %s: pseudonyms must not change", got[0], want)
	}
	if got[1] != got[0] || got[2] == got[0] || got[4] != got[3] || !strings.HasPrefix(got[3], "[PHONE_") {
		t.Error(got)
	}
	names := pseudonymsOf(t, testKey, []string{"person"}, "Ann Lee", "Ann  Lee", "Ann")
	if names[0] != names[1] || names[2] == names[0] {
		t.Error(names)
	}
	if as := pseudonymsOf(t, testKey, []string{"full name"}, "Ann Lee"); strings.TrimPrefix(as[0], "[FULL_NAME_") == strings.TrimPrefix(names[0], "[PERSON_") {
		t.Error("two categories have the same pseudonym")
	}
	for of, want := range map[[2]string]string{
		{"PERSON", "ＡＮＮ\u00a0 Lee"}: "ann lee", {"CREDIT_CARD", "4111 1111-1111 1111"}: "4111111111111111", {"IBAN", "DE89 3704 0044"}: "de8937040044", {"URL", "http://A.b/?c"}: "http://a.b/?c",
	} {
		if got := normalized(of[0], of[1]); got != want {
			t.Errorf("%q: %q, want %q", of, got, want)
		}
	}
}

// Someone without the key who knows a million names, one of which is right, and the method, learns nothing.
func TestPseudonymsCannotBeLookedUp(t *testing.T) {
	const n = 1_000_000
	useKey(t, testKey)
	key, err := readPseudonymKey()
	if err != nil {
		t.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprintf("first%d last%d", i%1000, i/1000) }
	stolen := map[string]int{}
	for i := 0; i < n; i += 1000 {
		stolen[key.pseudonym("PERSON", name(i+i/1000))] = i
	}
	if len(stolen) != n/1000 {
		t.Fatalf("%d pseudonyms", len(stolen))
	}
	guess := pseudonymKey{[]byte("1" + testKey[1:])} // wrong in one bit
	for i := range n {
		name := name(i)
		if _, found := stolen[guess.pseudonym("PERSON", name)]; found {
			t.Fatalf("another key gives the pseudonym of name %d", i)
		}
		plain := sha256.Sum256([]byte("firesteel pseudonym 1\x00PERSON\x00" + name))
		if _, found := stolen[strings.ToLower(base32.StdEncoding.EncodeToString(plain[:10]))]; found {
			t.Fatalf("the hash of name %d is its pseudonym", i)
		}
	}
	h := hmac.New(sha256.New, []byte(testKey)) // the key does find it
	h.Write([]byte("firesteel pseudonym 1\x00PERSON\x00" + name(0)))
	if _, found := stolen[strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:10]))]; !found {
		t.Error("a name of the table is not found with the key")
	}
}

func TestPseudonymKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(testKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PseudonymVariable, "")
	t.Setenv(PseudonymFileVariable, file)
	fromFile, err := readPseudonymKey()
	if err != nil || string(fromFile.key) != testKey {
		t.Errorf("from a file: %v", err)
	}
	for _, text := range []string{fmt.Sprint(fromFile), fmt.Sprintf("%#v", fromFile), fmt.Sprintf("%+v", fromFile), fromFile.identity()} {
		if strings.Contains(text, testKey) {
			t.Errorf("%q shows the key", text)
		}
	}
	closed := func(context.Context, llm.ModelRole, string) (llm.Model, error) {
		t.Error("a model is opened without a key")
		return nil, errClosed
	}
	row := Row{"Ann", []string{"person"}, pseudonyms}
	for want, key := range map[string][2]string{
		"none is set": {}, "at least 32": {"short-secret-of-31-bytes-x12345"}, "repeats 1 ": {strings.Repeat("a", 40)}, "both": {testKey, file}, "no such file": {"", file + "x"},
		"more than": {strings.Repeat(testKey, 200)},
	} {
		t.Setenv(PseudonymVariable, key[0])
		t.Setenv(PseudonymFileVariable, key[1])
		var missing *KeyError
		_, err := redact.Eval(t.Context(), closed, []Row{row})
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), want) || key[0] != "" && strings.Contains(err.Error(), key[0]) {
			t.Errorf("%s: %v", want, err)
		}
		if redact.Identity([]llm.Info{{Name: "t", Digest: "d"}}, row) != "" {
			t.Errorf("%s: answers without a key have an identity", want)
		}
	}
	asked := []llm.Info{{Name: "t", Digest: "d"}}
	identity := func(key string) string { useKey(t, key); return redact.Identity(asked, row) }
	if a, b := identity(testKey), identity(testKey+"x"); a == "" || a == b || a != identity(testKey) {
		t.Error("the identity of an answer does not depend on the key")
	}
	useKey(t, "")
	if redact.Identity(asked, Row{"Ann", []string{"person"}}) == "" {
		t.Error("categories in place depend on a key")
	}
	for _, c := range []struct {
		fixed   Row
		varying []int
		want    bool
	}{{row, nil, true}, {row[:2], nil, false}, {row[:2], []int{2}, true}, {row[:2], []int{0}, false}} {
		if redact.Keyed(c.fixed, c.varying) != c.want || mask.Keyed(c.fixed[:2], nil) {
			t.Errorf("%v %v", c.fixed, c.varying)
		}
	}
}
