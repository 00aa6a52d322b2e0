package onnx_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/firesteel/firesteel/internal/weights/malformed"
	"github.com/firesteel/firesteel/internal/weights/onnx"
)

// sub returns a field that holds a message or a text.
func sub(number protowire.Number, parts ...string) string {
	b := protowire.AppendTag(nil, number, protowire.BytesType)
	return string(protowire.AppendString(b, strings.Join(parts, "")))
}

// num returns a field that holds an integer.
func num(number protowire.Number, n int64) string {
	b := protowire.AppendTag(nil, number, protowire.VarintType)
	return string(protowire.AppendVarint(b, uint64(n)))
}

func file(parts ...string) []byte { return []byte(num(1, 8) + sub(7, parts...)) }

// tensor returns an initializer.
func tensor(name string, typ int64, dims []int64, parts ...string) string {
	s := sub(8, name) + num(2, typ)
	for _, d := range dims {
		s += num(1, d)
	}
	return sub(5, append([]string{s}, parts...)...)
}

// op returns a node. Inputs and outputs are separated by spaces.
func op(name, typ, inputs, outputs string, attributes ...string) string {
	s := sub(3, name) + sub(4, typ)
	for _, in := range strings.Fields(inputs) {
		s += sub(1, strings.TrimPrefix(in, "-"))
	}
	for _, out := range strings.Fields(outputs) {
		s += sub(2, out)
	}
	return sub(1, append([]string{s}, attributes...)...)
}

func attr(name string, n int64) string { return sub(5, sub(1, name), num(3, n)) }

func raw(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return sub(9, string(b))
}

func small() []byte {
	return file(
		tensor("onnx::MatMul_1", 1, []int64{2, 3}, raw(1, 2, 3, 4, 5, 6)),
		tensor("a.b.bias", 1, []int64{3}, raw(7, 8, 9)),
		op("MatMul_1", "MatMul", "x onnx::MatMul_1", "y"), op("Add_1", "Add", "a.b.bias y", "z"))
}

func values(t *testing.T, f *onnx.File, name string) []float32 {
	t.Helper()
	x, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("no tensor %s", name)
	}
	n := 1
	for _, d := range x.Shape {
		n *= d
	}
	rows := 1
	if len(x.Shape) == 2 {
		rows = x.Shape[0]
	}
	v := make([]float32, n)
	if err := x.Dequantize(v, 0, rows); err != nil {
		t.Fatal(err)
	}
	return v
}

// The numbers of a tensor are in raw data or in lists of several types.
func TestNumberFormats(t *testing.T) {
	packed := func(number protowire.Number, values ...uint64) string {
		var b []byte
		for _, v := range values {
			b = protowire.AppendVarint(b, v)
		}
		return sub(number, string(b))
	}
	double := func(v float64) string {
		return string(protowire.AppendFixed64(protowire.AppendTag(nil, 10, protowire.Fixed64Type), math.Float64bits(v)))
	}
	float := func(v float32) string {
		return string(protowire.AppendFixed32(protowire.AppendTag(nil, 4, protowire.Fixed32Type), math.Float32bits(v)))
	}
	const floats, integers = "v.bias", "v.bias_quantized"
	for name, c := range map[string]struct {
		tensor string
		want   []float32
	}{
		"floats of raw data":  {tensor(floats, 1, []int64{2}, raw(1.5, -2)), []float32{1.5, -2}},
		"floats of a list":    {tensor(floats, 1, []int64{2}, float(1.5), float(-2)), []float32{1.5, -2}},
		"doubles of a list":   {tensor(floats, 11, []int64{2}, double(1.5), double(-2)), []float32{1.5, -2}},
		"bfloat16 of a list":  {tensor(floats, 16, []int64{2}, packed(5, 0x3fc0, 0xc000)), []float32{1.5, -2}},
		"float16 of raw data": {tensor(floats, 10, []int64{2}, sub(9, "\x00\x3e\x00\xc0")), []float32{1.5, -2}},
		"int8 of a list":      {tensor(integers, 3, []int64{2}, packed(5, 3, 1<<64-4)), []float32{6, -8}},
		"int32 of a list":     {tensor(integers, 6, []int64{2}, num(5, 3), num(5, -4)), []float32{6, -8}},
		"int4 of raw data":    {tensor(integers, 22, []int64{3}, sub(9, "\xc3\x07")), []float32{6, -8, 14}},
		"uint4 of a list":     {tensor(integers, 21, []int64{3}, packed(5, 0xc3, 7)), []float32{6, 24, 14}},
	} {
		value, nodes := floats, ""
		if strings.Contains(c.tensor, integers) {
			value, nodes = "w", tensor("s", 1, nil, raw(2))+op("dq", "DequantizeLinear", integers+" s", "w")
		}
		f, err := onnx.Read("x", file(c.tensor, nodes, op("add", "Add", "x "+value, "z")))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := values(t, f, floats); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The weight of a product without a name has that of the bias that is added to it.
func TestNameByBias(t *testing.T) {
	f, err := onnx.Read("x", small())
	if err != nil {
		t.Fatal(err)
	}
	x, ok := f.Tensor("a.b.weight")
	if !ok || !slices.Equal(x.Shape, []int{3, 2}) || len(f.Tensors) != 2 {
		t.Fatalf("%+v", f.Tensors)
	}
	if got := values(t, f, "a.b.weight"); !slices.Equal(got, []float32{1, 4, 2, 5, 3, 6}) {
		t.Error(got)
	}
	for _, wrong := range [][3]int{{3, 1, 2}, {-1, 1, 2}, {0, -1, 0}, {0, 1, 3}, {math.MaxInt, math.MaxInt, 0}} {
		if err := x.Dequantize(make([]float32, wrong[2]), wrong[0], wrong[1]); !errors.Is(err, malformed.ErrFormat) {
			t.Errorf("rows %v: error %v", wrong, err)
		}
	}
	if err := x.Errorf("wrong"); !strings.HasPrefix(err.Error(), `x: tensor "a.b.weight (onnx::MatMul_1)": wrong (at byte `) {
		t.Error(err)
	}
}

// Names come from the modules of nodes, and from what PyTorch's newer exporter states. A module
// around the model is removed.
func TestNameByModule(t *testing.T) {
	scope := sub(9, sub(1, "pkg.torch.onnx.name_scopes"), sub(2, "['', 'auto_model', 'auto_model.layers.0.mlp.Wi', 'linear']"))
	f, err := onnx.Read("x", file(
		tensor("t", 1, []int64{2, 2}, raw(1, 2, 3, 4)), tensor("onnx::MatMul_7", 1, []int64{2, 2}, raw(1, 2, 3, 4)), tensor("val_3", 1, []int64{2, 2}, raw(1, 2, 3, 4)),
		tensor("u", 1, []int64{2, 2}, raw(1, 2, 3, 4)),
		op("/auto_model/embeddings/tok_embeddings/Gather", "Gather", "t ids", "a"), op("/auto_model/layers.0/attn/Wqkv/MatMul", "MatMul", "a onnx::MatMul_7", "b"),
		op("node_linear", "MatMul", "b val_3", "c", scope), op("node_2", "Transpose", "u", "ut"), op("/head/Gemm", "Gemm", "c ut", "d", attr("transB", 1))))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range f.Tensors {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	if want := []string{"embeddings.tok_embeddings.weight", "head.weight", "layers.0.attn.Wqkv.weight", "layers.0.mlp.Wi.weight"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if got := values(t, f, "head.weight"); !slices.Equal(got, []float32{1, 3, 2, 4}) {
		t.Error(got)
	}
}

// Rows of a table of integers may be transposed before they are converted, as MPNet's attention bias.
func TestGatheredRows(t *testing.T) {
	f, err := onnx.Read("x", file(tensor("a.bias.weight_quantized", 2, []int64{2, 2}, sub(9, "\x01\x02\x03\x04")), tensor("s", 1, nil, raw(2)), tensor("z", 2, nil, sub(9, "\x01")),
		op("g", "Gather", "a.bias.weight_quantized ids", "rows"), op("t", "Transpose", "rows", "turned"), op("dq", "DequantizeLinear", "turned s z", "y")))
	if err != nil {
		t.Fatal(err)
	}
	if got := values(t, f, "a.bias.weight"); !slices.Equal(got, []float32{0, 2, 4, 6}) {
		t.Error(got)
	}
}

func TestTruncatedFile(t *testing.T) {
	whole := small()
	path := filepath.Join(t.TempDir(), "model.onnx")
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		err := onnx.Check(path)
		var e *malformed.Error
		if n == len(whole) {
			if err != nil {
				t.Fatal(err)
			}
		} else if !errors.As(err, &e) || e.File != path || e.Offset > int64(len(whole)) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func external(location string, more ...string) string {
	return num(14, 1) + sub(13, sub(1, "location"), sub(2, location)) + strings.Join(more, "")
}

func entry(key, value string) string { return sub(13, sub(1, key), sub(2, value)) }

func TestMalformedFiles(t *testing.T) {
	w := func(parts ...string) []byte {
		return file(tensor("a.weight", 1, []int64{2, 2}, parts...), op("m", "MatMul", "x a.weight", "y"))
	}
	integers := func(nodes ...string) []byte {
		return file(append([]string{tensor("q", 3, []int64{2, 2}, sub(9, "1234")), tensor("s", 1, []int64{3}, raw(1, 2, 3)), tensor("one", 1, nil, raw(1)),
			tensor("z", 3, []int64{3}, sub(9, "123")), tensor("b", 2, []int64{2, 1, 16}, sub(9, strings.Repeat("1", 32)))}, nodes...)...)
	}
	dq := func(inputs string, attributes ...string) []byte {
		return integers(op("dq", "DequantizeLinear", inputs, "w", attributes...), op("m", "MatMul", "x w", "y"))
	}
	blocks := func(inputs string, k, n, bits int64) []byte {
		return integers(op("nb", "MatMulNBits", inputs, "y", attr("K", k), attr("N", n), attr("bits", bits), attr("block_size", 32)))
	}
	for _, c := range []struct {
		want string
		data []byte
	}{
		{"the file has no graph; it is not an ONNX file (at byte 0)", nil},
		{"unknown wire type 4; the file is damaged, or it is not an ONNX file", []byte("this is text")},
		{"the model: unexpected EOF", []byte("\x80")},
		{"the model: field 7: unexpected EOF; the file is truncated", []byte("\x3a\xff\xff\xff\xff\x0f")},
		{"the model has a second graph", append(file(), file()...)},
		{"the graph: field 5 has the wire type 0, expected 2", nil},
		{"the tensor has 12 bytes, but [2 2] of FLOAT takes 16", w(raw(1, 2, 3))},
		{"the tensor has raw_data twice", w(raw(1, 2, 3, 4), raw(1, 2, 3, 4))},
		{"the tensor has more numbers than its shape [2 2]", w(num(5, 1), num(5, 1), num(5, 1), num(5, 1), num(5, 1))},
		{"the numbers do not fit the type FLOAT and the shape [2 2]", w(sub(10, "12345678"), num(5, 1))},
		{"a name of 1025 bytes is too long", file(tensor(strings.Repeat("x", 1025), 1, nil))},
		{"a name is not valid UTF-8", file(op("\xff", "Add", "", ""))},
		{`a second tensor has the name "a"`, file(tensor("a", 1, []int64{1}, raw(1)), tensor("a", 1, []int64{1}, raw(1)))},
		{"dimension 0 is -1, which is out of range", file(tensor("a", 1, []int64{-1}))},
		{"dimension 1 is 4611686018427387904, which", file(tensor("a", 1, []int64{1 << 40, 1 << 62}))},
		{"the tensor has more than 8 dimensions", file(tensor("a", 1, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1}))},
		{"the tensor has 0 bytes, but [1099511627776] of FLOAT takes 4398046511104", file(tensor("a", 1, []int64{1 << 40}))},
		{"the graph has more than 262144 parts", file(strings.Repeat(sub(1), 1<<18+1))},
		{"the graph has more than 262144 parts", file(sub(1, strings.Repeat(sub(1), 1<<18+1)))},
		{"the graph has more than 262144 parts", file(sub(1, strings.Repeat(sub(5, sub(5)), 1<<18+1)))},
		{`the nodes "m" and "n" have the same output "y"`, file(op("m", "Add", "", "y"), op("n", "Add", "", "y"))},
		{`node "dq": its scale "none" is not a constant`, dq("q none")},
		{`node "dq": its zero point "none" is not a constant`, dq("q one none")},
		{`node "dq": there are 3 scales, but [2 2] needs 2`, dq("q s")},
		{`node "dq": there are 3 scales, but [2 2] needs 4`, dq("q s -", attr("axis", 1), attr("block_size", 1))},
		{`node "dq": its scales are for axis 2 of [2 2] in blocks of 0`, dq("q s", attr("axis", 2))},
		{`node "dq": there are 3 zero points, but [2 2] needs 1`, dq("q one z")},
		{`node "nb": K 0, N 2, block_size 32, bits 4 and type UINT8 are not supported`, blocks("x b s", 0, 2, 4)},
		{`node "nb": K 32, N 2, block_size 32, bits 3 and type UINT8`, blocks("x b s", 32, 2, 3)},
		{`node "nb": K 4611686018427387904, N`, blocks("x b s", 1<<62, 1<<62, 4)},
		{`node "nb": [2 1 16] bytes for 2 outputs of 2 blocks of 32 numbers of 4 bits`, blocks("x b s", 33, 2, 4)},
		{`node "nb": the scales "s" are not 2 constant numbers`, blocks("x b s", 32, 2, 4)},
		{`node "a": the operation QAttention, 8-bit attention, is not supported; export the model again`, file(op("a", "QAttention", "x", "y"))},
		{`node "a": the weight "w" and the bias "b" are not a constant matrix and vector`, file(op("a", "Attention", "x w b", "y"))},
		{`it and "q.weight" are both the weight "q.weight"`, file(tensor("q.weight", 1, []int64{1, 1}, raw(1)), tensor("q.weight_1", 1, []int64{1, 1}, raw(1)),
			op("m", "MatMul", "x q.weight", "y"), op("n", "MatMul", "x q.weight_1", "z"))},
		{`its data are in the file "../x", expected the name of a file in the folder of the model`, w(external("../x"))},
		{`its data are in the file "/x"`, w(external("/x"))},
		{`its data are in the file "a\\x"`, w(external("a\\x"))},
		{`its data are in the file "a/../../x"`, w(external("a/../../x"))},
		{`its data are in the file "c:x"`, w(external("c:x"))},
		{`its data are in the file ""`, w(num(14, 1))},
		{`the offset of external data is "-1", expected an integer from 0`, w(external("x", entry("offset", "-1")))},
		{`its data in x have 3 bytes, but [2 2] of FLOAT takes 16`, w(external("x", entry("length", "3")))},
		{`its data are in a file that is missing`, w(external("x"))},
	} {
		if c.data == nil && strings.HasPrefix(c.want, "the graph") {
			c.data = []byte(sub(7, num(5, 1)))
		}
		_, err := onnx.Read("bad.onnx", c.data)
		if !errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "bad.onnx: ") {
			t.Errorf("want %q, got %.300v", c.want, err)
		}
	}
}

func TestMalformedExternalData(t *testing.T) {
	for _, c := range []struct{ want, first, second string }{
		{"", external("data/x"), external("data/x", entry("offset", "16"), entry("length", "16"))},
		{"its data, 16 bytes from byte 20 of ", external("data/x"), external("data/x", entry("offset", "20"))},
		{"its data, 16 bytes from byte 9223372036854775807 of ", external("data/x"), external("data/x", entry("offset", "9223372036854775807"))},
		{"overlap", external("data/x"), external("data/x") + "\x00"},
	} {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "data", "x"), make([]byte, 32), 0o600); err != nil {
			t.Fatal(err)
		}
		second := strings.TrimSuffix(c.second, "\x00")
		parts := []string{tensor("a", 1, []int64{2, 2}, c.first), tensor("b", 1, []int64{2, 2}, second)}
		if c.want == "overlap" {
			parts = append(parts, tensor("c", 1, []int64{2, 2}, second))
		}
		path := filepath.Join(folder, "model.onnx")
		if err := os.WriteFile(path, file(parts...), 0o600); err != nil {
			t.Fatal(err)
		}
		err := onnx.Check(path)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, malformed.ErrFormat) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("want %q, got %v", c.want, err)
		}
		if names, err := onnx.ExternalFiles(path); err != nil || !slices.Equal(names, []string{"data/x"}) {
			t.Errorf("%v, %v", names, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small())
	f.Add(file(tensor("a.b.weight_Q4", 2, []int64{2, 1, 16}, sub(9, strings.Repeat("12", 16))), tensor("s", 1, []int64{2}, raw(1, 2)), tensor("z", 2, []int64{2}, sub(9, "12")),
		op("m", "MatMulNBits", "x a.b.weight_Q4 s z", "y", attr("K", 31), attr("N", 2), attr("bits", 4), attr("block_size", 32))))
	f.Add(file(tensor("w.weight", 2, []int64{2, 8}, sub(9, "1234567812345678")), tensor("s", 1, []int64{2, 1}, raw(1, 2)), tensor("z", 2, []int64{2, 1}, sub(9, "12")),
		op("g", "GatherBlockQuantized", "w.weight ids s z", "y", attr("bits", 4), attr("block_size", 16))))
	f.Add(file(tensor("q", 3, []int64{2, 2}, sub(9, "1234")), tensor("s", 1, []int64{2}, raw(1, 2)), tensor("z", 3, []int64{2}, sub(9, "12")),
		op("dq", "DequantizeLinear", "q s z", "w"), op("/a/b/MatMul", "MatMul", "x w", "y"), op("/a/c/MatMul", "MatMulInteger", "x q zx z", "i"),
		op("c", "Cast", "i", "f"), op("p", "Mul", "sx s", "sp"), op("o", "Mul", "f sp", "out")))
	f.Add(file(tensor("w", 1, []int64{1, 3}, raw(1, 2, 3)), tensor("b", 1, []int64{3}, raw(1, 2, 3)), tensor("o.weight", 1, []int64{1, 1}, raw(1)),
		op("a", "Attention", "x w b", "y", attr("num_heads", 1)), op("/l/attention/output/dense/MatMul", "MatMul", "y o.weight", "z"), sub(12, sub(1, "z"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := onnx.Read("fuzz", data)
		if err != nil {
			if !errors.Is(err, malformed.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		for _, x := range file.Tensors {
			k, rows := x.Shape[len(x.Shape)-1], 1
			if len(x.Shape) == 2 {
				rows = x.Shape[0]
			}
			if k*rows > 2*len(data) {
				t.Fatalf("%v numbers from %d bytes", x.Shape, len(data))
			}
			if err := x.Dequantize(make([]float32, k), rows-1, 1); err != nil {
				t.Fatal(err)
			}
			if err := x.Dequantize(make([]float32, k*rows), 0, rows); err != nil {
				t.Fatal(err)
			}
		}
	})
}
