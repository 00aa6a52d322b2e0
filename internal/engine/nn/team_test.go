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

// Each part is computed once.
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

// A team computes the same bits.
func TestTeamProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	set, err := kernel.Select("")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{8, 16, 72, 1000, 2048} {
		const k = 96
		weights := random(r, n*k)
		float := &Linear{K: k, N: n, Float32: kernel.NewMatrix(n, k, make([]float32, kernel.Size(n, k)))}
		eight := &Linear{K: k, N: n, Int8: kernel.NewMatrix8(n, k, make([]int8, kernel.Size8(n, k)))}
		for p := 0; p*kernel.Width < n; p++ {
			rows := weights[p*kernel.Width*k : min(n, (p+1)*kernel.Width)*k]
			float.Float32.SetPanel(p, rows)
			eight.Int8.SetPanel(set, p, rows)
		}
		for _, m := range []int{1, 5, 40} {
			a := random(r, m*k)
			for _, l := range []*Linear{float, eight} {
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
					t.Errorf("%d rows, %d outputs, int8 %t: the results differ", m, n, l.Int8 != nil)
				}
			}
		}
	}
}

// A layer of parts with several layouts computes the products of its parts, also with a team.
func TestTeamParts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const k = 512
	l := &Linear{K: k}
	for i, layout := range []kernel.LayoutQ{kernel.Q4_K, kernel.Q6_K, kernel.Q8_0, kernel.Q5_1} {
		n := []int{48, 80, 32, 1000}[i]
		w := kernel.NewMatrixQ(layout, n, k, make([]uint8, layout.Size(n, k)))
		for j := range n {
			for b := range k / layout.Block() {
				block := kernel.Block{D: uint16(r.IntN(0x3c00)), M: uint16(r.IntN(0x3c00))} // 0 to 1
				for x := range block.Q {
					block.Q[x] = uint8(r.IntN(16))
				}
				for x := range block.Scales {
					block.Scales[x], block.Mins[x] = int8(r.IntN(64)), int8(r.IntN(64))
				}
				w.Set(j, b, &block)
			}
		}
		l.Parts = append(l.Parts, Part{l.N, w})
		l.N += n
	}
	for _, set := range kernel.Sets() {
		for _, m := range []int{1, 5, 40} {
			a, stride := random(r, m*k), kernel.Stride(l.N)
			want, alone, together := make([]float32, m*stride), make([]float32, m*stride), make([]float32, m*stride)
			var x kernel.InputsQ
			x.Reserve(m, k)
			x.Quantize(set, 0, m, a, k)
			for _, p := range l.Parts {
				set.MulQ(m, &x, p.Matrix, want[p.First:], stride, false)
			}
			l.Mul(set, new(Scratch), m, a, k, alone, stride, false)
			team := new(Team)
			team.Open()
			var helper sync.WaitGroup
			helper.Go(team.Help)
			l.Mul(set, &Scratch{Team: team}, m, a, k, together, stride, false)
			team.Close()
			helper.Wait()
			if !slices.Equal(alone, want) || !slices.Equal(together, want) {
				t.Errorf("%s, %d rows: the results differ", set.Name, m)
			}
		}
	}
}

// A panic in a part is the panic of split, whoever computes the part. Helpers continue, and the
// team can compute the next product.
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
		var running atomic.Int32
		bad := job % 5
		err := split(5, func(part int) {
			running.Add(1)
			defer running.Add(-1)
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
		if n := running.Load(); n != 0 {
			t.Fatalf("job %d: split returned while %d parts were running", job, n)
		}
		var done atomic.Int32
		if err := split(4, func(int) { done.Add(1) }); err != nil || done.Load() != 4 {
			t.Fatalf("job %d: the next product: %v, %d of 4 parts", job, err, done.Load())
		}
	}
	team.Close()
	helpers.Wait()
}
