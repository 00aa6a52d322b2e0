package safetensors_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

func sharded(index string) map[string]string {
	return map[string]string{
		"model.safetensors.index.json":     index,
		"model-00001-of-00002.safetensors": string(file("{"+entry("a", "F32", "[1]", 0, 4)+"}", numbers(1))),
		"model-00002-of-00002.safetensors": string(file("{"+entry("c", "F32", "[1]", 0, 4)+","+entry("b", "F32", "[1]", 4, 8)+"}", numbers(3, 2))),
		"unused.safetensors":               "damaged",
	}
}

const goodIndex = `{"metadata":{"total_size":12,"more":[{}]},"weight_map":{"b":"model-00002-of-00002.safetensors","a":"model-00001-of-00002.safetensors","c":"model-00002-of-00002.safetensors"}}`

func TestIndex(t *testing.T) {
	folder := put(t, sharded(goodIndex))
	path := filepath.Join(folder, safetensors.Index)
	for _, opened := range []string{folder, path} {
		f, err := safetensors.Open(opened)
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for _, name := range []string{"a", "b", "c"} {
			x, ok := f.Tensor(name)
			v := make([]float32, 1)
			if !ok {
				t.Fatalf("no tensor %s", name)
			}
			if err := x.Dequantize(v, 0, 1); err != nil {
				t.Fatal(err)
			}
			got = append(got, v...)
		}
		if !slices.Equal(got, []float32{1, 2, 3}) || f.Path != path || len(f.Tensors) != 3 {
			t.Errorf("%v, %+v", got, f)
		}
		c, _ := f.Tensor("c")
		if err := c.Errorf("wrong"); !strings.HasPrefix(err.Error(), filepath.Join(folder, "model-00002-of-00002.safetensors")+`: tensor "c": wrong (at byte 9)`) {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	parts, err := safetensors.Parts(path)
	if err != nil || !slices.Equal(parts, []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
		t.Errorf("%v, %v", parts, err)
	}
}

func TestMalformedIndex(t *testing.T) {
	for _, c := range []struct{ want, index string }{
		{"refers to a file that is missing: open ", strings.ReplaceAll(goodIndex, "model-00002", "model-00003")},
		{`"../x.safetensors", expected the name of a .safetensors file in the folder`, `{"weight_map":{"a":"../x.safetensors"}}`},
		{"in the folder of the index (at byte 15)", `{"weight_map":{"a":"/x.safetensors"}}`},
		{"in the folder of the index", `{"weight_map":{"a":"sub/x.safetensors"}}`},
		{"in the folder of the index", `{"weight_map":{"a":"..\\x.safetensors"}}`},
		{"in the folder of the index", `{"weight_map":{"a":"c:x.safetensors"}}`},
		{"in the folder of the index", `{"weight_map":{"a":"model.bin"}}`},
		{`tensor "d": the index states the file model-00001-of-00002.safetensors, but no file has the tensor`, strings.Replace(goodIndex, `{"b"`, `{"d":"model-00001-of-00002.safetensors","b"`, 1)},
		{`tensor "b": the index states the file model-00001-of-00002.safetensors, but the tensor is in model-00002-of-00002.safetensors`, strings.Replace(goodIndex, "00002-", "00001-", 1)},
		{`tensor "b": the index `, strings.Replace(goodIndex, `"b":"model-00002-of-00002.safetensors",`, "", 1)},
		{"missing or empty", `{"weight_map":{}}`},
		{"missing or empty", `{}`},
		{`duplicate key "a" in weight_map`, `{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}`},
		{`duplicate key "weight_map"`, `{"weight_map":{"a":"x.safetensors"},"weight_map":{}}`},
		{"the name of a file is not a string", `{"weight_map":{"a":1}}`},
		{`"metadata" is nested more than 32 deep`, `{"metadata":` + strings.Repeat("[", 100_000)},
		{"text ends inside the index", ""},
		{"not valid UTF-8", "\xff"},
		{"unexpected data after the index", goodIndex + "1"},
	} {
		folder := put(t, sharded(c.index))
		_, err := safetensors.Open(folder)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("want %q, got %v", c.want, err)
		}
		if !errors.Is(err, malformed.ErrFormat) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v has no class", err)
		}
	}
	files := sharded(goodIndex)
	files["model-00001-of-00002.safetensors"] = string(file("{"+entry("c", "F32", "[1]", 0, 4)+"}", numbers(1)))
	if err := safetensors.Check(put(t, files)); err == nil || !strings.Contains(err.Error(), `tensor "c": `) || !strings.Contains(err.Error(), "00001-of-00002.safetensors also has a tensor of this name") {
		t.Error(err)
	}
}

func TestChoose(t *testing.T) {
	for names, want := range map[string]string{
		"config.json model.safetensors x.safetensors":           "model.safetensors",
		"model.safetensors.index.json model.safetensors":        "model.safetensors",
		"a.safetensors b.safetensors " + safetensors.Index:      safetensors.Index,
		"flan.safetensors config.json":                          "flan.safetensors",
		"b.safetensors a.safetensors":                           "nor model.safetensors.index.json: a.safetensors, b.safetensors",
		"config.json model.bin":                                 safetensors.ErrNone.Error(),
		"x.safetensors.index.json pytorch_model.bin":            "x.safetensors.index.json",
		"model.safetensors.sha256 pytorch_model.bin.index.json": safetensors.ErrNone.Error(),
	} {
		got, err := safetensors.Choose(strings.Fields(names))
		if got != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %s, %v; want %s", names, got, err, want)
		}
	}
}
