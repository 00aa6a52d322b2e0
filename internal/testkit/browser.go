package testkit

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// probe is a page that loads the report in a frame at each width. It lists how far
// the report extends beyond the width, whether hostile text ran, the number of
// scripts and headings, and the number of plots without a title.
const probe = `<!DOCTYPE html><body><iframe id="f" height="800"></iframe><pre id="result"></pre><script>
const widths = [360, 320, 768, 1280], f = document.getElementById("f"); let i = 0, found = "";
f.onload = () => {
  const d = f.contentDocument, w = f.contentWindow;
  found += widths[i] + ": beyond " + (d.documentElement.scrollWidth - d.documentElement.clientWidth) +
    ", ran " + (w.ran || 0) + ", scripts " + d.scripts.length + ", headings " + d.querySelectorAll("h2").length +
    ", plots without title " + [...d.querySelectorAll("svg")].filter(s => !s.querySelector("title")).length + "\n";
  if (++i < widths.length) load(); else document.getElementById("result").textContent = found + "end";
};
function load() { f.style.width = widths[i] + "px"; f.src = "/report?" + i; }
load();
</script></body>`

// chromium returns the path of a browser, or skips the test.
func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("the report is not opened in a browser: chromium, chromium-browser and google-chrome are not installed")
	return ""
}

// browse runs the browser without a window, and returns the page and the log.
func browse(t *testing.T, browser string, args ...string) (out, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{"--headless", "--disable-gpu", "--no-first-run", "--disable-extensions",
		"--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}, args...)
	if os.Geteuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...)
	}
	c := exec.CommandContext(ctx, browser, args...)
	var o, e strings.Builder
	c.Stdout, c.Stderr = &o, &e
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", browser, err, e.String())
	}
	return o.String(), e.String()
}

// InBrowser opens a page in a real browser. The test fails if the browser writes
// to the console, if hostile text runs (it sets the variable ran), if the page
// scrolls sideways at some width, if the number of section headings differs, or if
// a plot has no title.
func InBrowser(t *testing.T, page string, headings int) {
	t.Helper()
	browser := chromium(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		text := page
		if r.URL.Path == "/probe" {
			text = probe
		}
		io.WriteString(w, text)
	}))
	defer server.Close()
	out, log := browse(t, browser, "--virtual-time-budget=20000", "--dump-dom", server.URL+"/probe")
	lines := regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(log, -1)
	for _, line := range lines {
		// The server has no icon for the probe; the report contains its icon.
		if !strings.Contains(line, "/favicon.ico") {
			t.Errorf("the browser writes to the console: %s", line)
		}
	}
	result := regexp.MustCompile(`(?s)<pre id="result">(.*?)</pre>`).FindStringSubmatch(out)
	if result == nil || !strings.HasSuffix(result[1], "end") {
		t.Fatalf("the probe did not end:\n%s\n%s", out, log)
	}
	want := fmt.Sprintf("beyond 0, ran 0, scripts 0, headings %d, plots without title 0", headings)
	for _, line := range strings.Split(strings.TrimSuffix(result[1], "\nend"), "\n") {
		if width, got, _ := strings.Cut(line, ": "); got != want {
			t.Errorf("%s px wide: %s, want %s", width, got, want)
		}
	}
}
