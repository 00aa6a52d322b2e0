package engine

import (
	"reflect"
	"testing"
)

// What is asked again in another call is answered without computing.
func TestAnswersAreKept(t *testing.T) {
	e := openTiny(t, Options{})
	requests := mixed(12)
	want := do(t, e, requests...)
	e.scheduler.close() // nothing can be computed any more
	if got := do(t, e, requests...); !reflect.DeepEqual(got, want) {
		t.Error("kept answers differ")
	}
}
