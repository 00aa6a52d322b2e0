// Package retryafter reads for how long a server wants to be left alone.
package retryafter

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Read reads the header Retry-After in its two forms, seconds or a date, and
// says whether it is there: what is in the past is 0, and most bounds it.
func Read(h http.Header, now time.Time, most time.Duration) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second)), true
	}
	if when, err := http.ParseTime(value); err == nil {
		return min(max(0, when.Sub(now)), most), true
	}
	return 0, false
}
