package procfs

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const stat = "42 (a) Z 7 (b) S 41 40 40 0 -1 4194560 1 2 3 4 500 25 300 10 20 0 1 0 99 1 1\n"
	want := Process{42, 41, false, 5250 * time.Millisecond, 3100 * time.Millisecond}
	if got, err := parse(stat); err != nil || got != want {
		t.Errorf("%q is %+v, %v; want %+v", stat, got, err, want)
	}
	if got, err := parse("1 (x) Z 0 1 1 0 0 0 0 0 0 0 0 0 0 0"); err != nil || !got.Zombie || got.PID != 1 {
		t.Errorf("zombie: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "42", "42 (a", ") S 1", "x (a) S 41 40 40 0 -1 4194560 1 2 3 4 500 25 300 10 20", "42 (a) S 41 40 40 0 -1 4194560 1 2 3 4 5.0 25 300 10 20", "42 (a) S 41 40 40 0 -1 4194560 1 2 3 4 5 25 300"} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q: parsed as %+v, want an error", bad, got)
		}
	}
}

func TestAll(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system has no /proc")
	}
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if p := all[os.Getpid()]; p.PID != os.Getpid() || p.Parent != os.Getppid() || p.Zombie {
		t.Errorf("this process is %+v", p)
	}
	if _, err := Read(-1); err == nil {
		t.Error("process -1 was read without an error")
	}
}
