package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// A tracking server gets parameters, figures and artifacts of fits and evaluations.
func TestMLflow(t *testing.T) {
	t.Setenv("FIRESTEEL_LOCAL_ONLY", "") // the flag sets it
	fakeEmbedders(t)
	t.Setenv("MLFLOW_TRACKING_TOKEN", "token")
	t.Chdir(t.TempDir())
	if err := errors.Join(os.WriteFile("in.csv", []byte(labelledCSV()), 0o600)); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	refuse := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got[r.Method+" "+r.URL.Path] += string(body) + "\n"
		answer := map[string]any{}
		switch path := r.URL.Path; {
		case r.Header.Get("Authorization") != "Bearer token":
			w.WriteHeader(http.StatusUnauthorized)
		case refuse != "" && strings.Contains(path, refuse):
			w.WriteHeader(http.StatusBadRequest)
			answer = map[string]any{"error_code": "INVALID_PARAMETER_VALUE", "message": "no"}
		case strings.HasSuffix(path, "get-by-name"):
			w.WriteHeader(http.StatusNotFound)
			answer = map[string]any{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no " + r.URL.Query().Get("experiment_name")}
		case strings.HasSuffix(path, "experiments/create"):
			answer["experiment_id"] = "7"
		case strings.HasSuffix(path, "runs/create"):
			answer["run"] = map[string]any{"info": map[string]any{"run_id": "r1", "artifact_uri": "mlflow-artifacts:/7/r1/artifacts"}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	fit := []string{"fit", "in.csv", "--input", "text", "--label", "topic", "-o", "topic.safetensors", "--overwrite", "--mlflow", server.URL, "--mlflow-experiment", "tickets"}
	status, _, errs := do(fit...)
	if status != exitOK || !strings.Contains(errs, "MLflow: "+server.URL+"/#/experiments/7/runs/r1") {
		t.Fatal(status, errs)
	}
	model, err := os.ReadFile("topic.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"POST /api/2.0/mlflow/experiments/create":                                  `"name":"tickets"`,
		"POST /api/2.0/mlflow/runs/log-batch":                                      `"key":"accuracy.low"`,
		"POST /api/2.0/mlflow/runs/update":                                         `"status":"FINISHED"`,
		"PUT /api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/topic.safetensors": string(model),
		"PUT /api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/report.html":       "<html",
	} {
		if !strings.Contains(got[path], want) {
			t.Errorf("%s: %.200q is missing", path, want)
		}
	}
	clear(got)
	eval := []string{"eval", "in.csv", "--function", "ai_predict", "--args", `{"model": "topic"}`, "--model", "topic=./topic.safetensors", "--input", "text", "--label", "topic", "--mlflow", server.URL}
	if status, _, errs := do(append(eval, "--compare-args", `{"model": "topic", "options": {"threshold": "1"}}`)...); status != exitOK {
		t.Fatal(status, errs)
	}
	batch := got["POST /api/2.0/mlflow/runs/log-batch"]
	for _, want := range []string{`{"key":"function","value":"ai_predict"}`, `"key":"accuracy","value":`, `"key":"ai_predict_with_other_arguments.accuracy"`} {
		if !strings.Contains(batch, want) {
			t.Errorf("%s is missing in %s", want, batch)
		}
	}
	if strings.Contains(fmt.Sprint(batch), "threshold") {
		t.Error("arguments were written")
	}
	refuse = "log-batch"
	if status, _, errs := do(eval...); status != exitFailed || !strings.Contains(errs, "MLflow refused api/2.0/mlflow/runs/log-batch with the status 400 INVALID_PARAMETER_VALUE: no") {
		t.Error(status, errs)
	}
	if !strings.Contains(got["POST /api/2.0/mlflow/runs/update"], "FAILED") {
		t.Error("the run is left open")
	}
	for args, want := range map[string]string{"--mlflow|x": "must be like http://", "--local-only|--mlflow|https://mlflow.example.com": "mlflow.example.com"} {
		if status, _, errs := do(append(eval[:len(eval)-2:len(eval)-2], strings.Split(args, "|")...)...); status == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, %s", args, status, errs)
		}
	}
}
