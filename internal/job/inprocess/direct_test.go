package inprocess

import (
	"fmt"
	"testing"

	"github.com/firesteel/firesteel/internal/ledger"
)

// The answers of a direct function are computed for each row, in order, and no
// ledger keeps them. A spent budget refuses the rows after it.
func TestDirectFunction(t *testing.T) {
	texts := numbered(2000, 50)
	texts[7] = "NULL"
	for range 2 {
		l, err := ledger.Open(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		j := newTask(texts...)
		j.Add, j.Ledger = []string{"answer=ai_count_tokens(text)"}, l
		j.Budget.Rows = new(int64(1500))
		s := j.done(t)
		l.Close()
		if s.Rows != 2000 || s.OK != 1499 || s.Null != 1 || s.Skipped != 500 || s.Calls != 1500 || s.Equal != 0 || s.Kept != 0 || s.Requests != 0 {
			t.Errorf("%+v", s.Snapshot)
		}
		for i, line := range j.out.lines[:1500] {
			want := fmt.Sprintf("%d|%s|%d", i, texts[i], len(texts[i]))
			if i == 7 {
				want = "7|(null)|(null)"
			}
			if line != want {
				t.Fatalf("row %d: %s, want %s", i, line, want)
			}
		}
	}
	j := newTask("one", "poison", "two", "three")
	j.Add = []string{"bad=ai_gen(text)", "n=ai_count_tokens(text)"}
	j.Budget.Errors = new(int64(0))
	if s := j.done(t); s.Errors != 1 || s.Skipped != 3 || s.Refused != 4 || j.out.lines[2] != "2|two|re two|(null)" {
		t.Errorf("%+v, %v", s.Snapshot, j.out.lines)
	}
}
