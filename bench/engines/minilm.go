package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/firesteel/firesteel/llm"
)

// measureMiniLM computes a vector for each review.
func measureMiniLM(ctx context.Context, s settings) error {
	reviews, err := s.reviews()
	if err != nil {
		return err
	}
	folder := s.minilm
	if folder == "" {
		folder = filepath.Join(s.peers, "models", "all-MiniLM-L6-v2")
	}
	j := job{Name: "vectors of reviews", Unit: rows, Embed: true}
	for _, review := range reviews[:s.rows] {
		j.Requests = append(j.Requests, request{Text: review})
	}
	onnx := func(name, precision string) func(context.Context) (*contestant, error) {
		return func(ctx context.Context) (*contestant, error) {
			if !s.selected(name) {
				return nil, nil
			}
			c, err := s.startPython(ctx, &struct{}{}, "onnx", folder, precision, strconv.Itoa(s.threads))
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
