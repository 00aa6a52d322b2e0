package spark

import (
	"strings"
	"testing"
)

func TestPersistErrors(t *testing.T) {
	f := newFake(t)
	s, _ := f.start(t, "")
	before := f.count("analyze")
	err := s.Range(0, 1, 1, 0).PersistAs(t.Context(), "on paper")
	if err == nil || !strings.Contains(err.Error(), `there is no storage level "on paper"`) {
		t.Error(err)
	}
	wrong := s.Range(0, 1, 0, 0)
	for what, err := range map[string]error{
		"Persist": wrong.Persist(t.Context()), "PersistAs": wrong.PersistAs(t.Context(), "disk_only"), "Unpersist": wrong.Unpersist(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "step is 0") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := f.count("analyze"); n != before {
		t.Errorf("%d requests were sent", n-before)
	}
}
