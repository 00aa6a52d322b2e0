package report

import (
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

func TestInBrowser(t *testing.T) { testkit.InBrowser(t, written(t, sample()), 4) }
