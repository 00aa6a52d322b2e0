package pypi

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/firesteel/firesteel/internal/network/egress"
)

// parseJSON parses a project page in the format of PEP 691.
func parseJSON(base *url.URL, project string, body []byte) ([]File, error) {
	var page struct {
		Files []struct {
			Filename string            `json:"filename"`
			URL      string            `json:"url"`
			Hashes   map[string]string `json:"hashes"`
			Size     int64             `json:"size"`
			Yanked   any               `json:"yanked"` // a boolean, or the reason
		} `json:"files"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("not the JSON of a package index: %w", err)
	}
	var files []File
	for _, f := range page.Files {
		yanked := f.Yanked != nil && f.Yanked != false
		if file, ok := newFile(base, project, f.Filename, f.URL, f.Hashes["sha256"], f.Size, yanked); ok {
			files = append(files, file)
		}
	}
	return files, nil
}

var (
	anchor    = regexp.MustCompile(`(?is)<a\s([^>]*)>([^<]*)</a\s*>`)
	baseTag   = regexp.MustCompile(`(?is)<base\s([^>]*)>`)
	attribute = regexp.MustCompile(`(?is)([a-z][a-z0-9-]*)\s*(?:=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// parseHTML parses a project page in the format of PEP 503: each file is an
// anchor whose text is the file name and whose URL ends in #sha256=<hex>.
func parseHTML(base *url.URL, project string, body []byte) ([]File, error) {
	text := string(body)
	if m := baseTag.FindStringSubmatch(text); m != nil {
		if u, err := base.Parse(attributes(m[1])["href"]); err == nil {
			base = u
		}
	}
	anchors := anchor.FindAllStringSubmatch(text, -1)
	if len(anchors) == 0 && !strings.Contains(strings.ToLower(text), "<html") {
		return nil, errors.New("neither the JSON nor the HTML of a package index")
	}
	var files []File
	for _, m := range anchors {
		attrs := attributes(m[1])
		sum := ""
		if _, fragment, ok := strings.Cut(attrs["href"], "#"); ok {
			sum, _ = strings.CutPrefix(fragment, "sha256=")
			if sum == fragment {
				sum = ""
			}
		}
		_, yanked := attrs["data-yanked"]
		name := strings.TrimSpace(html.UnescapeString(m[2]))
		if file, ok := newFile(base, project, name, attrs["href"], sum, 0, yanked); ok {
			files = append(files, file)
		}
	}
	return files, nil
}

func attributes(s string) map[string]string {
	attrs := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(s, -1) {
		attrs[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3] + m[4])
	}
	return attrs
}

var sha256Hex = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// newFile returns a file of a page. ok is false if it is not a distribution file
// of the project or has no usable URL.
func newFile(base *url.URL, project, name, address, sum string, size int64, yanked bool) (file File, ok bool) {
	version, kind, ok := classify(project, name)
	if !ok || size < 0 || address == "" {
		return File{}, false
	}
	u, err := base.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return File{}, false
	}
	u.Fragment, u.RawFragment = "", ""
	// The credentials of an index are sent for its files, but never to another
	// origin.
	if u.User == nil && egress.SameOrigin(u, base) {
		u.User = base.User
	}
	if !sha256Hex.MatchString(sum) {
		sum = ""
	}
	return File{Name: name, Version: version, Kind: kind, URL: u.String(), SHA256: strings.ToLower(sum), Size: size, Yanked: yanked}, true
}
