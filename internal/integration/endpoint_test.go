//go:build linux

package integration

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
)

// Spark's executors send the key in their environment to an endpoint. The client
// has no key, and Spark's log does not contain it.
func TestEndpointOnSpark(t *testing.T) {
	testkit.Integration(t)
	var mu sync.Mutex
	keys, bodies := map[string]int{}, map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		keys[r.Header.Get("Authorization")]++
		bodies[string(body)]++
		mu.Unlock()
		fmt.Fprint(w, `{"choices":[{"message":{"role":"assistant","content":"Rome"},"text":"Rome","finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}`)
	}))
	defer server.Close()
	const key = "sesame-open-12345"
	t.Setenv("FIRESTEEL_TEST_KEY", key)
	spark := testkit.Spark(t, localspark.Options{}) // its executors inherit the variable
	os.Unsetenv("FIRESTEEL_TEST_KEY")
	sql := func(options, statement string) (string, string, error) {
		return run(t, "", "sql", "--remote", spark.URL(), "--local-only", "--requests-per-minute", "6000",
			"--model", "openai:m@"+server.URL+"/v1"+options, "-e", statement)
	}
	out, errs, err := sql("?key=FIRESTEEL_TEST_KEY", "SELECT ai_gen(concat('Name town ', CAST(id % 3 AS STRING))) AS town FROM range(12)")
	if err != nil || strings.Count(out, "Rome") != 12 {
		t.Errorf("%v\n%s\n%s", err, out, errs)
	}
	mu.Lock()
	if keys["Bearer "+key] < 3 || len(keys) != 1 || len(bodies) < 3 {
		t.Errorf("the server received the keys %v and %d different requests", keys, len(bodies))
	}
	before := keys["Bearer "+key]
	mu.Unlock()
	_, errs, err = sql("?key=NO_SUCH_VARIABLE", "SELECT ai_gen('Name a town.')")
	if want := "the variable NO_SUCH_VARIABLE holds no key; it must be set in the environment or the files of every executor"; err == nil || !strings.Contains(errs, want) {
		t.Errorf("%v\n%s\nwant %q", err, errs, want)
	}
	mu.Lock()
	if keys["Bearer "+key] != before || len(keys) != 1 {
		t.Errorf("without a key, the server received a request: %v", keys)
	}
	mu.Unlock()
	log, err := os.ReadFile(spark.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(log), key) || strings.Contains(out+errs, key) {
		t.Error("the log or the output contains the key")
	}
}
