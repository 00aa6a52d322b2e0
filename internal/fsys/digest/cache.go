package digest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/firesteel/firesteel/internal/fsys/cachedir"
	"github.com/firesteel/firesteel/internal/fsys/privatefile"
)

// record is the content of a file in the cache, which is named after an inode.
// Without a cache, or with one that others can write, digests are computed again.
type record struct {
	Identity
	SHA256 string `json:"sha256"`
}

// seen maps each Identity to the digest that this process has computed or read.
var seen sync.Map

// recordFile returns the path of the record of a file, after use has checked or
// made the directory.
func recordFile(id Identity, use func(dir string) error) (string, error) {
	cache, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "digests")
	return filepath.Join(dir, fmt.Sprintf("%x-%x.json", id.Device, id.Inode)), use(dir)
}

func lookup(id Identity) string {
	if sum, ok := seen.Load(id); ok {
		return sum.(string)
	}
	file, err := recordFile(id, privatefile.Check)
	if err != nil {
		return ""
	}
	var r record
	b, err := privatefile.ReadFile(file, 1024)
	if err != nil || json.Unmarshal(b, &r) != nil || r.Identity != id || !isSum(r.SHA256) {
		return ""
	}
	seen.Store(id, r.SHA256)
	return r.SHA256
}

func store(id Identity, sum string) {
	seen.Store(id, sum)
	file, err := recordFile(id, privatefile.MakeDir)
	if err != nil {
		return
	}
	if b, err := json.Marshal(record{id, sum}); err == nil {
		privatefile.Replace(file, b)
	}
}

// tick is an upper bound of the resolution of file times.
const tick = 50 * time.Millisecond

// settle waits until a later change of the file is certain to change its times.
// settled is false if that takes too long: file times in whole seconds need two
// seconds.
func settle(ctx context.Context, id Identity) (settled bool, err error) {
	last := max(id.Modified, id.Changed)
	age := time.Since(time.Unix(0, last))
	if last%int64(time.Second) == 0 {
		return age > 2*time.Second, nil
	}
	if age < 0 { // the clock of another machine
		return false, nil
	}
	if age >= tick {
		return true, nil
	}
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case <-time.After(tick - age):
		return true, nil
	}
}
