package egress

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads the header Retry-After (RFC 9110, section 10.2.3), which is a
// number of seconds or a date. The wait lies between 0 and most. ok is false if
// the header is absent or malformed.
func RetryAfter(h http.Header, now time.Time, most time.Duration) (wait time.Duration, ok bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second)), true
	}
	if when, err := http.ParseTime(value); err == nil {
		return min(max(0, when.Sub(now)), most), true
	}
	return 0, false
}
