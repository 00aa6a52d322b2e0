package engine

import (
	"reflect"
	"testing"
)

// A request of an earlier call is answered from the cache.
func TestAnswersAreCached(t *testing.T) {
	e := openTiny(t, Options{})
	requests := mixed(12)
	want := do(t, e, requests...)
	e.scheduler.close() // nothing can be computed from now on
	if got := do(t, e, requests...); !reflect.DeepEqual(got, want) {
		t.Error("the cached answers differ")
	}
}
