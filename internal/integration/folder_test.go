//go:build linux

package integration

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/bundle"
	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/internal/weights"
	"github.com/firesteel/firesteel/spark"
)

// The files of a model that is a folder are shipped below the folder's name. The
// executor reports a file that differs from the manifest.
func TestDamagedFolderModel(t *testing.T) {
	t.Parallel()
	url := testkit.SharedSpark(t)
	folder := t.TempDir()
	for name, text := range map[string]string{
		"config.json": `{"model_type":"none"}`, "tokenizer.json": "{}", "model.safetensors": "\x02\x00\x00\x00\x00\x00\x00\x00{}",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	local, err := weights.Resolve(t.Context(), folder, weights.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		change  func(*bundle.File)
		damaged bool // after the archive was written
		want    []string
	}{
		// The files arrive undamaged, but they are not a model.
		{"whole", func(*bundle.File) {}, false, []string{"ai_analyze_sentiment: model tiny, file ", "/model/default/tiny: "}},
		{"other content", func(*bundle.File) {}, true, []string{"/model/default/tiny/model.safetensors", "SHA-256", "damaged"}},
		{"cut", func(f *bundle.File) { f.Size++ }, false, []string{"/model/default/tiny/model.safetensors", "bytes", "damaged"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := bundle.Model{Aliases: []string{"default"}, Ref: folder, Name: "tiny", File: "tiny", Size: local.Size, SHA256: local.SHA256}
			for _, f := range local.Files {
				file := bundle.File(f)
				if f.Name == "model.safetensors" {
					c.change(&file)
				}
				m.Files = append(m.Files, file)
			}
			var b bytes.Buffer
			_, err := bundle.Archive{
				Manifest: bundle.Manifest{Firesteel: "test", Spark: testkit.SparkVersion(), Models: []bundle.Model{m}},
				Programs: []bundle.Program{{Path: program(t)}}, ModelPaths: []string{folder},
			}.WriteTo(&b)
			if err != nil {
				t.Fatal(err)
			}
			archive := b.Bytes()
			if c.damaged {
				archive = otherModel(t, archive, "model.safetensors")
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			s, err := spark.Connect(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := shipBytes(ctx, s, archive); err != nil {
				t.Fatal(err)
			}
			df, err := s.SQL(ctx, "SELECT ai_analyze_sentiment('good')")
			if err == nil {
				_, err = df.Collect(ctx)
			}
			if err == nil {
				t.Fatal("the query succeeds")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not contain %q: %v", want, err)
				}
			}
			t.Log(err)
		})
	}
}

func shipBytes(ctx context.Context, s *spark.Session, archive []byte) error {
	if _, err := s.AddArchive(ctx, spark.ArtifactFromBytes(archive), "firesteel.tar.gz#firesteel", nil); err != nil {
		return err
	}
	if err := s.Conf().Set(ctx, "spark.sql.execution.pyspark.python", bundle.Executable); err != nil {
		return err
	}
	return s.RegisterFunction(ctx, spark.FunctionSpec{
		Name: "ai_analyze_sentiment", Deterministic: true, ReturnType: spark.StringType, EvalType: 200, PythonVersion: "3.11",
		Command: bundle.Command{Kind: bundle.AI, Function: "ai_analyze_sentiment"}.Encode(),
	})
}
