//go:build linux

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/firesteel/firesteel/internal/localspark"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/internal/weights/safetensors/safetensorstest"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/catalogue"
	"github.com/firesteel/firesteel/spark"
	"github.com/firesteel/firesteel/udf"
)

// tokens_of returns the number of tokens of each text, by the session's tagger.
var _ = udf.Func("tokens_of", func(ctx context.Context, in []string) ([]int, error) {
	tagger, err := udf.ModelFor(ctx, llm.Tag)
	if err != nil {
		return nil, err
	}
	tagged, err := tagger.Tag(ctx, in)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(in))
	for i, t := range tagged {
		if t.Err != nil {
			return nil, t.Err
		}
		for _, token := range t.Tokens {
			if len(token.Probabilities) != len(tagger.Info().Labels) {
				return nil, fmt.Errorf("%d probabilities", len(token.Probabilities))
			}
		}
		out[i] = len(t.Tokens)
	}
	return out, nil
})

// A session with a text model, an embedder and a tagger is one process with three models, each
// opened once. The models are given, or come from the catalogue when a query asks them.
func TestModelsOfRoles(t *testing.T) {
	testkit.Integration(t)
	folder := t.TempDir()
	text := gguftest.Llama(7).Write(t)
	bert := func(name, architecture string) string {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.Mkdir(path, 0o755), safetensorstest.WriteBert(path, "../engine/testdata/encoders/tiny-bert.json", architecture)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	vectors, tagger := bert("vectors", "BertModel"), bert("tagger", "BertForTokenClassification")
	entry := func(role llm.ModelRole, path string) string {
		return fmt.Sprintf(`"tiny-%s": {"about": "a model of this test", "roles": [%q], "licence": {"spdx": "MIT"}, "sources": [%q]}`, role, role, path)
	}
	own := filepath.Join(folder, "catalogue.json")
	if err := os.WriteFile(own, []byte(`{"defaults": {"embed": "tiny-embed", "tag": "tiny-tag"}, "models": {`+
		entry(llm.Embed, vectors)+","+entry(llm.Tag, tagger)+"}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		testkit.SharedSparkOf(t, version) // without the variables of this test
	}
	t.Setenv(catalogue.Variable, own)
	for _, version := range []string{localspark.DefaultVersion, "3.5.1"} {
		url := testkit.SharedSparkOf(t, version)
		for name, options := range map[string][]spark.Option{
			"given":     {spark.WithModel(text), spark.WithModelFor(llm.Embed, vectors), spark.WithModelFor(llm.Tag, tagger)},
			"catalogue": {spark.WithModel(text), spark.WithDefaultModels(llm.Tag)}, // the embedder comes with the query
		} {
			t.Run(version+" "+name, func(t *testing.T) { modelsOfRoles(t, url, options) })
		}
	}
}

func modelsOfRoles(t *testing.T, url string, options []spark.Option) {
	s, err := spark.Connect(t.Context(), url, append(options, spark.WithConnectTimeout(patience))...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// The first query starts the worker, before a model of the catalogue is uploaded.
	if got := fmt.Sprint(query(t, s, "SELECT ai_count_tokens('anna smith')")[0].At(0)); got == "0" {
		t.Errorf("%s tokens", got)
	}
	rows := query(t, s, `SELECT min(size(v)), max(size(v)), min(n), max(n), min(a), count(*), max(info) FROM (
		SELECT ai_embed(text) AS v, tokens_of(text) AS n, ai_similarity(text, text) AS a, firesteel_worker_info(id) AS info
		FROM (SELECT /*+ REPARTITION(4) */ id, concat('anna smith lives in rome ', id) AS text FROM range(40)))`)
	for i, want := range []string{"64", "64"} { // the hidden size of tiny-bert
		if got := fmt.Sprint(rows[0].At(i)); got != want {
			t.Errorf("vectors of %s dimensions, want %s", got, want)
		}
	}
	for i := 2; i <= 3; i++ {
		if got, err := strconv.Atoi(fmt.Sprint(rows[0].At(i))); err != nil || got < 6 {
			t.Errorf("the tagger read %d tokens, %v", got, err)
		}
	}
	if same, err := spark.Get[float64](rows[0], rows[0].Names()[4]); err != nil || same < 0.999 {
		t.Errorf("a text and itself have the similarity %v, %v", same, err)
	}
	processes := map[int]int{}
	for _, row := range query(t, s, "SELECT firesteel_worker_info(id) AS info FROM (SELECT /*+ REPARTITION(4) */ id FROM range(40))") {
		text, err := spark.Get[string](row, "info")
		var info struct {
			PID        int `json:"pid"`
			ModelLoads int `json:"model_loads"`
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), &info)
		}
		if err != nil {
			t.Fatal(err)
		}
		processes[info.PID] = info.ModelLoads
	}
	if len(processes) != 1 {
		t.Errorf("%d processes", len(processes))
	}
	for _, loads := range processes {
		if loads != 3 {
			t.Errorf("%d models were opened, want 3", loads)
		}
	}
}
