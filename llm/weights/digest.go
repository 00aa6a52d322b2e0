package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/cachedir"
)

// record remembers a file's digest, so that 100 MB need not be read again to
// know it. It holds as long as size and time of change stay what they were.
type record struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
	SHA256   string `json:"sha256"`
}

// recordFile is where the record of the file at an absolute path lies.
func recordFile(path string) (string, error) {
	cache, err := cachedir.Dir()
	if err != nil {
		return "", err
	}
	name := sha256.Sum256([]byte(path))
	return filepath.Join(cache, "digests", hex.EncodeToString(name[:16])+".json"), nil
}

// digest is a file's SHA-256, remembered or computed. A cache that cannot be
// written only costs the next run the same work.
func digest(path string) (string, error) {
	file, fileErr := recordFile(path)
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if fileErr == nil {
		if sum := recall(file, path, info); sum != "" {
			return sum, nil
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if fileErr == nil {
		remember(file, path, info, sum)
	}
	return sum, nil
}

func recall(file, path string, info os.FileInfo) string {
	var r record
	b, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(b, &r) != nil {
		return ""
	}
	if r.Path != path || r.Size != info.Size() || r.Modified != info.ModTime().UnixNano() || len(r.SHA256) != 2*sha256.Size {
		return ""
	}
	return r.SHA256
}

func remember(file, path string, info os.FileInfo, sum string) {
	b, err := json.Marshal(record{path, info.Size(), info.ModTime().UnixNano(), sum})
	if err != nil || os.MkdirAll(filepath.Dir(file), 0o755) != nil {
		return
	}
	// Renamed into place: two processes may write the same record.
	fresh, err := os.CreateTemp(filepath.Dir(file), "new-")
	if err != nil {
		return
	}
	_, err = fresh.Write(b)
	if closeErr := fresh.Close(); err != nil || closeErr != nil || os.Rename(fresh.Name(), file) != nil {
		os.Remove(fresh.Name())
	}
}
