package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCopy(t *testing.T) {
	body := content(100_000)
	from := filepath.Join(t.TempDir(), "from")
	if err := os.WriteFile(from, body, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sub", "f")
	r := Request{Path: path, Size: int64(len(body)), Sum: sumOf(body)}
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path+".part", content(200_000), 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := Copy(t.Context(), from, r); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, body)
	// It is there: the source is not needed.
	if err := Copy(t.Context(), "/no/such/file", r); err != nil {
		t.Error(err)
	}

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		sum  Sum
		want string
	}{
		"wrong":     {t.Context(), sumOf(content(5)), "wrong content"},
		"cancelled": {cancelled, sumOf(body), "canceled"},
	} {
		other := Request{Path: filepath.Join(t.TempDir(), "f"), Size: r.Size, Sum: c.sum}
		if err := Copy(c.ctx, from, other); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(other.Path + "*"); len(left) > 0 {
			t.Errorf("%s: files left: %v", name, left)
		}
	}
}
