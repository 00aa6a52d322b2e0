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

// A record is a small file in the cache, of one inode. A cache that is not
// there, or that others can write, only costs the next run the same work.
type record struct {
	Identity
	SHA256 string `json:"sha256"`
}

// seen holds what this process has computed or read, by Identity.
var seen sync.Map

// recordFile is where the record of a file lies; the directory is checked.
func recordFile(id Identity, use func(dir string) error) (string, error) {
	cache, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "digests")
	return filepath.Join(dir, fmt.Sprintf("%x-%x.json", id.Device, id.Inode)), use(dir)
}

func recall(id Identity) string {
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

func remember(id Identity, sum string) {
	seen.Store(id, sum)
	file, err := recordFile(id, privatefile.MakeDir)
	if err != nil {
		return
	}
	if b, err := json.Marshal(record{id, sum}); err == nil {
		privatefile.Replace(file, b)
	}
}

// tick is more than systems take from one value of their files' clock to the
// next.
const tick = 50 * time.Millisecond

// settle waits, if need be, until a change of the file that comes from now on
// shows in its times. settled says that it does: where times are whole seconds
// it need not for another two.
func settle(ctx context.Context, id Identity) (settled bool, err error) {
	last := max(id.Modified, id.Changed)
	age := time.Since(time.Unix(0, last))
	if last%int64(time.Second) == 0 {
		return age > 2*time.Second, nil
	}
	if age < 0 { // another machine's clock
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
