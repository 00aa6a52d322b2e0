package asking

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		if err := turns.take(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		var order []int64
		for _, row := range []int64{300, 100, 200} {
			go func() {
				if err := turns.take(t.Context(), row); err != nil {
					t.Error(err)
				}
				order = append(order, row)
				turns.give()
			}()
			synctest.Wait()
		}
		// One that gives up takes no turn.
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		gone := make(chan error, 1)
		go func() { gone <- turns.take(ctx, 50) }()
		synctest.Wait()
		cancel(why)
		if err := <-gone; err != why {
			t.Errorf("it gave up because of %v", err)
		}
		turns.give()
		synctest.Wait()
		if !slices.Equal(order, []int64{100, 200, 300}) {
			t.Errorf("in the order %d", order)
		}
		if turns.free != 1 || len(turns.waiting) != 0 {
			t.Errorf("%d free, %d waiting", turns.free, len(turns.waiting))
		}
	})
}
