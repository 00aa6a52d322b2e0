//go:build linux

package localspark

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit/otheruser"
)

// Another user, who sees the command line of spark-submit before the server
// listens, gets neither the port nor the token.
func TestSubmitHidesTokenFromOtherUsers(t *testing.T) {
	isolate(t, &registry{})
	home := fakeHome(t, "4.9.0", "2.13")
	submitter, err := FindSubmitter(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	mark := rand.Text()
	thief := otheruser.NewThief(t, mark)
	go func() {
		thief.WaitSeen()
		if err := os.WriteFile(filepath.Join(home, "go"), nil, 0o600); err != nil {
			t.Error(err)
		}
	}()
	s, err := submitter.Start(t.Context(), SubmitOptions{Args: []string{"--name", mark, "--conf", "k=wait"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	thief.Stop(s.Token())
}
