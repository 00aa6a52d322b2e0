package nn

import (
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/kernel"
	"github.com/firesteel/firesteel/internal/panics"
)

// Each part is done once, whoever does it.
func TestTeam(t *testing.T) {
	var team Team
	team.Open()
	var helpers sync.WaitGroup
	for range 3 {
		helpers.Go(team.Help)
	}
	for job := range 3000 {
		parts := 1 + job%7
		done := make([]atomic.Int32, parts)
		team.split(parts, func(part int) { done[part].Add(1) })
		for part := range done {
			if n := done[part].Load(); n != 1 {
				t.Fatalf("job %d: part %d of %d was done %d times", job, part, parts, n)
			}
		}
	}
	team.Close()
	helpers.Wait()
}

// With a team, products are the same to the bit.
func TestTeamProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	set, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{8, 16, 72, 1000, 2048} {
		const k = 96
		weights := random(r, n*k)
		plain := &Linear{K: k, N: n, Plain: kernel.NewMatrix(n, k, make([]float32, kernel.Size(n, k)))}
		eight := &Linear{K: k, N: n, Eight: kernel.NewMatrix8(n, k, make([]int8, kernel.Size8(n, k)))}
		for p := 0; p*kernel.Width < n; p++ {
			rows := weights[p*kernel.Width*k : min(n, (p+1)*kernel.Width)*k]
			plain.Plain.SetPanel(p, rows)
			eight.Eight.SetPanel(set, p, rows)
		}
		for _, m := range []int{1, 5, 40} {
			a := random(r, m*k)
			for _, l := range []*Linear{plain, eight} {
				stride := kernel.Stride(n)
				want, got := make([]float32, m*stride), make([]float32, m*stride)
				l.Mul(set, new(Scratch), m, a, k, want, stride, false)
				team := new(Team)
				team.Open()
				var helper sync.WaitGroup
				helper.Go(team.Help)
				l.Mul(set, &Scratch{Team: team}, m, a, k, got, stride, false)
				team.Close()
				helper.Wait()
				if !slices.Equal(got, want) {
					t.Errorf("%d rows, %d outputs, in 8 bits %t: not the same", m, n, l.Eight != nil)
				}
			}
		}
	}
}

// A panic in a part is the caller's, whoever does the part: a helper goes on
// helping, and the team is good for the next product.
func TestTeamPanics(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(before)
	var team Team
	team.Open()
	var helpers sync.WaitGroup
	for range 3 {
		helpers.Go(team.Help)
	}
	split := func(parts int, do func(int)) (err error) {
		defer panics.Catch(&err, "testing")
		team.split(parts, do)
		return nil
	}
	for job := range 300 {
		var under atomic.Int32 // way
		bad := job % 5
		err := split(5, func(part int) {
			under.Add(1)
			defer under.Add(-1)
			if part == bad {
				panic("bad part")
			}
			for range 100 {
				runtime.Gosched()
			}
		})
		if err == nil || !strings.Contains(err.Error(), "bad part") {
			t.Fatalf("job %d: %v", job, err)
		}
		if n := under.Load(); n != 0 {
			t.Fatalf("job %d: the caller's memory is given back, but %d parts still write to it", job, n)
		}
		var done atomic.Int32
		if err := split(4, func(int) { done.Add(1) }); err != nil || done.Load() != 4 {
			t.Fatalf("job %d: the next product: %v, %d of 4 parts", job, err, done.Load())
		}
	}
	team.Close()
	helpers.Wait()
}
