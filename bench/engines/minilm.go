package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// measureMiniLM computes a vector for each review.
func measureMiniLM(ctx context.Context, s settings) error {
	reviews, err := s.reviews()
	if err != nil {
		return err
	}
	reference, err := models.Parse(s.minilm)
	if err != nil {
		return err
	}
	model, err := models.Resolve(ctx, reference, models.Options{Progress: fetch.NewProgress(os.Stderr)})
	if err != nil {
		return err
	}
	folder, exported := model.Path(), filepath.Join(s.peers, "models", "minilm-onnx")
	j := job{Name: "vectors of reviews", Unit: rows, Embed: true}
	for _, review := range reviews[:s.rows] {
		j.Requests = append(j.Requests, request{Text: review})
	}
	onnx := func(name, precision string) func(context.Context) (*contestant, error) {
		return func(ctx context.Context) (*contestant, error) {
			if !s.selected(name) {
				return nil, nil
			}
			c, err := s.startPython(ctx, &struct{}{}, "onnx", folder, exported, precision, strconv.Itoa(s.threads))
			if err != nil {
				return nil, err
			}
			return c.contestant(name), nil
		}
	}
	fmt.Println("all-MiniLM-L6-v2")
	return contest(ctx, s, []job{j}, []func(context.Context) (*contestant, error){
		s.firesteel("firesteel int8", folder, llm.Int8),
		s.firesteelSet("firesteel int8, AVX2", folder, llm.Int8, "avx2"),
		onnx("ONNX Runtime int8", "int8"),
		s.firesteel("firesteel f32", folder, llm.Float32),
		onnx("ONNX Runtime f32", "f32"),
	}, [][2]string{
		{"firesteel int8", "ONNX Runtime int8"},
		{"firesteel int8, AVX2", "ONNX Runtime int8"},
		{"firesteel int8", "firesteel int8, AVX2"},
		{"firesteel f32", "ONNX Runtime f32"},
	})
}
