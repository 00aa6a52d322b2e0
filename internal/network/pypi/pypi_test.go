package pypi

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/network/fetch"
)

const (
	hashA = "ec72d177289ace5fcd8cbd0621abfd43d719a9c5d47dfc4402dedfa60ee61f55"
	hashB = "5dc48d5d09f786a395cdf566e6c87e121360feb4b7902966682406c64b195a46"
)

const jsonPage = `{"meta":{"api-version":"1.1"},"name":"my-model","files":[
 {"filename":"my_model-0.9-py3-none-any.whl","url":"../../files/my_model-0.9-py3-none-any.whl","hashes":{"sha256":"` + hashA + `"},"size":10,"yanked":false},
 {"filename":"my_model-0.10-py3-none-any.whl","url":"../../files/my_model-0.10-py3-none-any.whl","hashes":{"sha256":"` + hashB + `"},"size":11},
 {"filename":"my_model-0.11-py3-none-any.whl","url":"../../files/x","hashes":{"sha256":"` + hashA + `"},"yanked":"broken"},
 {"filename":"my_model-1.0rc1-py3-none-any.whl","url":"../../files/x","hashes":{"sha256":"` + hashA + `"}},
 {"filename":"my_model-2.0-cp311-cp311-linux_x86_64.whl","url":"../../files/x","hashes":{"sha256":"` + hashA + `"}},
 {"filename":"my_model-0.10.tar.gz","url":"https://elsewhere.invalid/s.tar.gz","hashes":{"sha256":"` + hashA + `"}},
 {"filename":"../evil-3.0-py3-none-any.whl","url":"x","hashes":{}},
 {"filename":"other-3.0-py3-none-any.whl","url":"x","hashes":{}}]}`

const htmlPage = `<!DOCTYPE html><html><body>
<a href="../../files/my_model-0.9-py3-none-any.whl#sha256=` + hashA + `" data-requires-python="&gt;=3.9">my_model-0.9-py3-none-any.whl</a><br/>
<A class=x HREF='../../files/my_model-0.10-py3-none-any.whl#sha256=` + hashB + `'>
  my_model-0.10-py3-none-any.whl </A>
<a href="../../files/x#sha256=` + hashA + `" data-yanked="broken">my_model-0.11-py3-none-any.whl</a>
<a data-yanked href="../../files/x#sha256=` + hashA + `">my_model-0.12-py3-none-any.whl</a>
<a href="../../files/x#md5=0123">my_model-1.0rc1-py3-none-any.whl</a>
<a href="https://elsewhere.invalid/s.tar.gz#sha256=` + hashA + `">my_model-0.10.tar.gz</a>
</body></html>`

func index(t *testing.T, kind, page string) Index {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path != "/root/simple/my-model/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	return Index{strings.Replace(server.URL, "http://", "http://me:secret@", 1) + "/root/simple", &fetch.Client{HTTP: server.Client(), Backoff: time.Millisecond}}
}

func TestFind(t *testing.T) {
	for kind, page := range map[string]string{"application/vnd.pypi.simple.v1+json": jsonPage, "text/html; charset=utf-8": htmlPage} {
		x := index(t, kind, page)
		newest, err := x.Find(t.Context(), "My.Model", "", Wheel)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSuffix(x.URL, "/simple") + "/files/my_model-0.10-py3-none-any.whl"; newest.URL != want || newest.SHA256 != hashB || newest.Version != "0.10" {
			t.Errorf("%s: newest is %+v, expected %s", kind, newest, want)
		}
		if yanked, err := x.Find(t.Context(), "my_model", "0.11", Wheel); err != nil || !yanked.Yanked {
			t.Errorf("%s: a yanked version that is named: %+v, %v", kind, yanked, err)
		}
		if source, err := x.Find(t.Context(), "my_model", "", Source); err != nil || source.URL != "https://elsewhere.invalid/s.tar.gz" {
			t.Errorf("%s: credentials must stay with the index: %+v, %v", kind, source, err)
		}
		_, err = x.Find(t.Context(), "my_model", "7", Wheel)
		if !errors.Is(err, ErrNoFile) || !strings.Contains(err.Error(), "0.9, 0.10, 0.11") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: missing version: %v", kind, err)
		}
		if _, err := x.Find(t.Context(), "nothing", "", Wheel); !errors.Is(err, ErrNoFile) || !strings.Contains(err.Error(), `no project "nothing"`) {
			t.Errorf("%s: missing project: %v", kind, err)
		}
	}
	for _, page := range []string{"", "login first", `{"files": 5}`} {
		x := index(t, "text/plain", page)
		if _, err := x.Find(t.Context(), "my_model", "", Wheel); err == nil {
			t.Errorf("page %q was accepted", page)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"rubbish", "0.9.dev1", "0.9a1.dev3", "0.9a1", "0.9a2", "0.9b1", "0.9rc1", "0.9", "0.9.post1", "0.9.1", "0.10", "1.0.0rc1", "1.0", "1.0.1", "2026.1", "1!0.1"}
	for i, a := range ordered {
		for j, b := range ordered {
			got := CompareVersions(a, b)
			if want := map[bool]int{true: 1, false: -1}[i > j]; i != j && got != want || i == j && got != 0 {
				t.Errorf("%s against %s: %d", a, b, got)
			}
		}
	}
	for _, same := range [][2]string{{"1.0", "1.0.0"}, {"1.0-rc.1", "1.0c1"}, {"1.0-1", "1.0.post1"}, {"v1.0", "1.0+local"}} {
		if CompareVersions(same[0], same[1]) != 0 {
			t.Errorf("%s and %s differ", same[0], same[1])
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("PIP_INDEX_URL", "")
	config := filepath.Join(home, "my.conf")
	t.Setenv("PIP_CONFIG_FILE", config)
	if err := os.WriteFile(config, []byte("[install]\nindex-url = http://wrong\n[global]\ntimeout = 3\nindex_url = http://mirror/simple\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := FromEnvironment(nil).URL; got != "http://mirror/simple" {
		t.Errorf("from pip's configuration: %s", got)
	}
	t.Setenv("PIP_INDEX_URL", "http://env/simple")
	if got := FromEnvironment(nil).URL; got != "http://env/simple" {
		t.Errorf("from the environment: %s", got)
	}
	t.Setenv("PIP_INDEX_URL", "")
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	if got := FromEnvironment(nil).URL; got != DefaultIndex {
		t.Errorf("without configuration: %s", got)
	}
}

// For any page, file names are valid names, URLs are of the web, and credentials
// are not sent to another host.
func FuzzPage(f *testing.F) {
	f.Add([]byte(jsonPage))
	f.Add([]byte(htmlPage))
	f.Add([]byte(`<base href="//x"><a href="http://h/..#sha256=zz">my_model-1-a-b-any.whl</a>`))
	base, err := url.Parse("http://me:secret@index.invalid/simple/my-model/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		var all []File
		for _, parse := range []func(*url.URL, string, []byte) ([]File, error){parseJSON, parseHTML} {
			files, err := parse(base, "my-model", page)
			if err == nil {
				all = append(all, files...)
			}
		}
		for _, file := range all {
			if !filepath.IsLocal(file.Name) || filepath.Base(file.Name) != file.Name {
				t.Errorf("name %q", file.Name)
			}
			u, err := url.Parse(file.URL)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				t.Errorf("address %q: %v", file.URL, err)
			} else if u.User != nil && u.User.String() == "me:secret" && u.Host != base.Host {
				t.Errorf("credentials were sent to %q", file.URL)
			}
			if file.SHA256 != "" && len(file.SHA256) != 64 || file.Size < 0 {
				t.Errorf("checksum %q, size %d", file.SHA256, file.Size)
			}
		}
		slices.SortFunc(all, func(a, b File) int { return CompareVersions(a.Version, b.Version) })
		choose(all, "", Wheel)
	})
}
