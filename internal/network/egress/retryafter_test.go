package egress

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, " 0.5 ": time.Second / 2, "60": time.Minute, "61": time.Minute, "1e300": time.Minute,
		"Fri, 02 Jan 2026 03:04:25 GMT": 20 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "Fri, 02 Jan 2026 03:05:06 GMT": time.Minute,
		"Fri, 02 Jan 9999 03:05:06 GMT": time.Minute,
	} {
		if got, ok := RetryAfter(http.Header{"Retry-After": {value}}, now, time.Minute); got != want || !ok {
			t.Errorf("%q: %v, %v; want %v", value, got, ok, want)
		}
	}
	for _, value := range []string{"", "-7", "soon", "NaN", "Fri, 02 Jan"} {
		if got, ok := RetryAfter(http.Header{"Retry-After": {value}}, now, time.Minute); ok {
			t.Errorf("%q is read as %v", value, got)
		}
	}
}
