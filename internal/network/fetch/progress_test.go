package fetch

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/firesteel/firesteel/internal/terminal"
)

func TestMeter(t *testing.T) {
	for _, test := range []struct {
		name  string
		width func() int
		want  string
	}{
		{"plain", nil, "f   30 %  3.0 kB of 10.0 kB  1.0 kB/s  7s left\nf   80 %  8.0 kB of 10.0 kB  1.0 kB/s  2s left\nf  100 %  10.0 kB of 10.0 kB  1.0 kB/s\n"},
		{"terminal", func() int { return 29 }, "\rf   20 %  2.0 kB of 10.0 ...\x1b[K\rf   30 %  3.0 kB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			now := time.Unix(1000, 0)
			m := NewProgress(&out).(*meter)
			m.now = func() time.Time { return now }
			if test.width != nil {
				m.line, m.every = terminal.NewTerminalLine(&out, test.width), redraw
			}
			m.Step("short", 0, 5)
			m.End("short")
			for i := range int64(11) {
				if i != 2 || test.width != nil { // the plain one is due at once after two seconds
					m.Step("f", 1000*i, 10_000)
				}
				now = now.Add(time.Second)
			}
			now = now.Add(-time.Second)
			m.End("f")
			if got := out.String(); !strings.HasPrefix(got, test.want) || test.width == nil && got != test.want {
				t.Errorf("drawn:\n%q\nexpected:\n%q", got, test.want)
			}
		})
	}
}
