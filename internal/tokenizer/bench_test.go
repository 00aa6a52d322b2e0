package tokenizer

import (
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
)

// benchEncode encodes lines and reports tokens per second.
func benchEncode(b *testing.B, tok *Tokenizer, lines []string) {
	var ids []int32
	bytes, tokens := 0, 0
	for _, line := range lines {
		bytes += len(line)
		tokens += tok.Count(line)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			ids = tok.Append(ids[:0], line)
		}
	}
	b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtokens/s")
}

func english(n int) (lines []string) {
	m := &mixed{11}
	for range n {
		line := "sentiment of the text:"
		for range 30 {
			line += " " + mixedWords[m.below(60)]
		}
		lines = append(lines, line)
	}
	return lines
}

func BenchmarkFlanT5(b *testing.B) {
	benchEncode(b, open(b, testkit.Data(b, flanJSON)), english(1000))
}

func BenchmarkFlanT5Mixed(b *testing.B) {
	var lines []string
	for line := range mixedLines(12, 1000) {
		lines = append(lines, line)
	}
	benchEncode(b, open(b, testkit.Data(b, flanJSON)), lines)
}

func BenchmarkFlanT5Load(b *testing.B) {
	data := readFile(b, testkit.Data(b, flanJSON))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ReadJSON("file", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSmall(b *testing.B) {
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json", "digits.json"} {
		b.Run(name, func(b *testing.B) { benchEncode(b, open(b, "testdata/"+name), english(1000)) })
	}
}

// BenchmarkLongWord encodes a text of 1 MB without spaces.
func BenchmarkLongWord(b *testing.B) {
	text := (&mixed{13}).long(1<<20, false)
	for _, name := range []string{"unigram.json", "pieces.json", "llama3.json"} {
		b.Run(name, func(b *testing.B) { benchEncode(b, open(b, "testdata/"+name), []string{text}) })
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := open(b, testkit.Data(b, flanJSON))
	ids := tok.Encode(english(1)[0])
	b.ReportAllocs()
	for b.Loop() {
		tok.Decode(ids)
	}
}
