package spark

import (
	"fmt"
	"os"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// TestMain stops the servers that tests share.
func TestMain(m *testing.M) {
	status := m.Run()
	if err := testkit.StopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}
