package grammar

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firesteel/firesteel/llm"
)

func TestMask(t *testing.T) {
	bits := make([]uint64, 10)
	for _, id := range []int32{3, 64, 130, 639} {
		bits[id/64] |= 1 << (id % 64)
	}
	nan := float32(math.NaN())
	for _, dense := range []bool{false, true} {
		m := newMask(bits)
		if dense {
			m.list = nil
		}
		logits := make([]float32, 640)
		if got := m.Best(logits); got != 3 {
			t.Errorf("of equal logits: %d", got)
		}
		logits[5], logits[130], logits[639] = 9, 2, 2
		if got := m.Best(logits); got != 130 {
			t.Errorf("best: %d", got)
		}
		logits[3], logits[64] = nan, nan
		if got := m.Best(logits); got != 130 {
			t.Errorf("with NaN in the set: %d", got)
		}
		if got := m.Best(logits[:100]); got != 3 {
			t.Errorf("only NaN: %d", got)
		}
		if m.Count() != 4 || !m.Has(64) || m.Has(65) || m.Has(-1) || m.Has(1<<20) {
			t.Error("Count or Has is wrong")
		}
	}
	if got := newMask(make([]uint64, 10)).Best(make([]float32, 640)); got != -1 {
		t.Errorf("of the empty set: %d", got)
	}
}

func TestVocabularyIsChecked(t *testing.T) {
	if _, err := NewVocabulary([][]byte{{'a'}}, 1); err == nil {
		t.Error("an end that is not a token is accepted")
	}
	if _, err := NewVocabulary([][]byte{make([]byte, 1<<20)}); err == nil {
		t.Error("a token of a megabyte is accepted")
	}
	v, err := NewVocabulary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(v, llm.JSON{}); err == nil {
		t.Error("a vocabulary without tokens is accepted for JSON")
	}
	s, err := mustCompile(t, small(), llm.JSON{}).Start(10)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int32{-1, 0, 2, smallEnd, 1 << 20} {
		if _, ok := s.Advance(id); ok {
			t.Errorf("token %d is accepted", id)
		}
	}
}

// TestClearingCachesChangesNothing checks that clearing the caches at any step
// changes no mask.
func TestClearingCachesChangesNothing(t *testing.T) {
	const schema = `{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"string","maxLength":9},{"$ref":"#"}]}},"b":{"type":"number"}},"required":["a"]}`
	one, two := mustCompile(t, small(), llm.JSON{Schema: schema}), mustCompile(t, small(), llm.JSON{Schema: schema})
	rng := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		a, _ := one.Start(60)
		b, _ := two.Start(60)
		for left := 60; left > 0; left-- {
			two.mu.Lock()
			if rng.IntN(3) == 0 {
				two.space.clear()
				clear(two.masks)
			}
			two.mu.Unlock()
			ma, mb := a.Allowed(left), b.Allowed(left)
			if fmt.Sprint(ma.Bits()) != fmt.Sprint(mb.Bits()) || a.Need() != b.Need() || string(a.Forced()) != string(b.Forced()) {
				t.Fatal("two grammars of one schema differ")
			}
			pick := rng.IntN(max(ma.Count(), 1))
			next := int32(-1)
			ma.each(func(id int32) {
				if pick == 0 {
					next = id
				}
				pick--
			})
			if next < 0 || next == smallEnd {
				break
			}
			a, _ = a.Advance(next)
			b, _ = b.Advance(next)
		}
	}
}

func TestGoroutinesShareAGrammar(t *testing.T) {
	g := mustCompile(t, small(), llm.JSON{Schema: schemas[len(schemas)-1]})
	want := generate(t, g, 80, 5)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for seed := range uint64(20) {
				if got := generate(t, g, 80, seed); seed == 5 && got != want {
					t.Errorf("%s, and %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestHardSchemas checks that schemas that are hard to compile are refused, or
// take bounded time and memory.
func TestHardSchemas(t *testing.T) {
	many := func(n int, item func(i int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = item(i)
		}
		return strings.Join(list, ",")
	}
	for name, schema := range map[string]string{
		"optional properties": `{"type":"object","properties":{` + many(1500, func(i int) string { return fmt.Sprintf(`"p%d":{"type":"string"}`, i) }) + `}}`,
		"counted properties":  `{"type":"object","minProperties":50,"additionalProperties":false,"properties":{` + many(200, func(i int) string { return fmt.Sprintf(`"p%d":{"type":"null"}`, i) }) + `}}`,
		"large enum":          `{"enum":[` + many(5000, func(i int) string { return fmt.Sprintf(`"value %d"`, i) }) + `]}`,
		"products of anyOf":   `{"allOf":[` + many(20, func(i int) string { return fmt.Sprintf(`{"anyOf":[{"minLength":%d},{"maxLength":%d}]}`, i, i) }) + `]}`,
		"long oneOf": `{"oneOf":[` + many(64, func(i int) string {
			return fmt.Sprintf(`{"type":"object","properties":{"k":{"const":%d},"v":{"type":"string"}},"required":["k"]}`, i)
		}) + `]}`,
		"many items":         `{"type":"array","minItems":1000000000,"items":{"type":"array","minItems":1000000000}}`,
		"long string":        `{"type":"string","minLength":1000000000}`,
		"pattern and length": `{"type":"string","pattern":"a.{1,30}b.{1,30}c","minLength":100,"maxLength":900}`,
		"many numbers": `{"type":"object","properties":{` + many(1000, func(i int) string {
			return fmt.Sprintf(`"p%d":{"type":"number","minimum":%d.5,"maximum":99999.25}`, i, i)
		}) + `}}`,
		"many patterns": `{"type":"object","properties":{` + many(1000, func(i int) string {
			return fmt.Sprintf(`"p%d":{"type":"string","pattern":"(a.{%d}b|c{1,20}|\\pL{5})"}`, i, i)
		}) + `}}`,
		"patterns": `{"allOf":[` + many(12, func(i int) string { return fmt.Sprintf(`{"type":"string","pattern":"a.{%d}b"}`, i) }) + `]}`,
		"recursion over 60 definitions": `{"$defs":{` + many(60, func(i int) string {
			return fmt.Sprintf(`"d%d":{"anyOf":[{"type":"null"},{"type":"object","properties":{"x":{"$ref":"#/$defs/d%d"},"y":{"$ref":"#/$defs/d%d"}}}]}`, i, (i*7+1)%60, (i*11+3)%60)
		}) + `},"$ref":"#/$defs/d0"}`,
		"doubling refs": `{"$defs":{` + many(40, func(i int) string {
			return fmt.Sprintf(`"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1)
		}) + `,"d40":{"type":"null"}},"$ref":"#/$defs/d0"}`,
		"enum of refs": `{"enum":[[[[[[[[[[[[1]]]]]]]]]]]],"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"items":{"$ref":"#/$defs/a"},"maxItems":0},{"items":{"$ref":"#/$defs/a"}},{"items":{"$ref":"#/$defs/a"}}]}}}`,
		"deep":         strings.Repeat(`{"items":`, 150) + `{}` + strings.Repeat(`}`, 150),
		"too deep":     strings.Repeat(`{"items":`, 300) + `{}` + strings.Repeat(`}`, 300),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		g, err := Compile(small(), llm.JSON{Schema: schema})
		if err == nil && g.Need() < 5000 {
			text := generate(t, g, g.Need()+30, 1)
			if err := json.Unmarshal([]byte(text), new(any)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %v, %d MB allocated: %.150v", name, took.Round(time.Millisecond), allocated, err)
		if took > 20*time.Second || allocated > 4<<10 {
			t.Errorf("%s: %v, %d MB allocated", name, took, allocated)
		}
	}
}

func FuzzSchema(f *testing.F) {
	for _, schema := range schemas {
		f.Add(schema, "some source text", uint8(9))
	}
	f.Add(`{"allOf":[{"anyOf":[{"$ref":"#/$defs/a"}]}],"$defs":{"a":{"enum":[1,[2],{"a":null}]}}}`, "", uint8(1))
	f.Fuzz(func(t *testing.T, schema, source string, extra uint8) {
		if len(schema) > 400 || len(source) > 200 {
			return
		}
		begin := time.Now()
		g, err := Compile(small(), llm.JSON{Schema: schema, Source: source})
		if err != nil || g.Need() > 1000 {
			return
		}
		text := generate(t, g, g.Need()+int(extra%30), uint64(extra))
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s took %v", schema, took)
		}
		if err := json.Unmarshal([]byte(text), new(any)); err != nil {
			t.Errorf("%s: %q: %v", schema, text, err)
		}
	})
}

// TestRealVocabularies uses real vocabularies, in which every single byte is a
// token and tokens span the boundaries of JSON's parts.
func TestRealVocabularies(t *testing.T) {
	for _, name := range []string{"gpt-2", "starcoder"} {
		v := realVocabulary(t, name)
		for i, schema := range schemas {
			g := mustCompile(t, v, llm.JSON{Schema: schema})
			check := validator(t, schema)
			for seed := range uint64(3) {
				text := generate(t, g, g.Need()+int(seed*10), seed+uint64(i))
				if err := check(text); err != nil {
					t.Fatalf("%s: %s: %v", schema, text, err)
				}
			}
		}
	}
}

// largeVocabulary returns a vocabulary of n tokens: all bytes, and words in
// several scripts.
func largeVocabulary(tb testing.TB, n int) *Vocabulary {
	rng := rand.New(rand.NewPCG(7, 7))
	var tokens [][]byte
	seen := map[string]bool{}
	for b := range 256 {
		tokens = append(tokens, []byte{byte(b)})
	}
	alphabets := [][]rune{[]rune("etaoinshrdlucmfwypvbgkjqxz"), []rune("ETAOINSHRDL"), []rune("оеаинтсрвлкмдпуяыьгз"), []rune("的一是不了在人有我他这"), []rune("{}[]\":,.0123456789\\/-_()")}
	for len(tokens) < n-1 {
		letters := alphabets[min(rng.IntN(9), 8)%5]
		var s []rune
		if rng.IntN(2) == 0 {
			s = append(s, ' ')
		}
		for range 1 + rng.IntN(8) {
			s = append(s, letters[int(math.Abs(rng.NormFloat64())*float64(len(letters))/2.5)%len(letters)])
		}
		if !seen[string(s)] {
			seen[string(s)] = true
			tokens = append(tokens, []byte(string(s)))
		}
	}
	v, err := NewVocabulary(append(tokens, nil), int32(len(tokens)))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func BenchmarkAllowed(b *testing.B) {
	for _, n := range []int{49_152, 262_144} {
		v := largeVocabulary(b, n)
		for _, c := range []struct {
			name       string
			constraint llm.Constraint
			prefix     string
		}{
			{"free string", llm.JSON{Schema: `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`}, `{"a": "x`},
			{"short string", llm.JSON{Schema: `{"type":"object","properties":{"a":{"type":"string","maxLength":50}},"required":["a"]}`}, `{"a": "x`},
			{"any value", llm.JSON{}, `{"a": `},
			{"number", llm.JSON{Schema: `{"type":"integer","minimum":0}`}, ``},
			{"source", llm.JSON{Schema: `{"type":"string"}`, Source: strings.Repeat("Every word of this text may start a piece. ", 50)}, `"`},
			{"pattern .*", llm.Pattern{Expr: `.*`}, `x`},
			{"pattern words", llm.Pattern{Expr: `([a-z]+ )*[0-9]+`}, `x`},
		} {
			g := mustCompile(b, v, c.constraint)
			start := func() State {
				s, err := g.Start(1000)
				if err != nil {
					b.Fatal(err)
				}
				s, _ = s.Write([]byte(c.prefix))
				return s
			}
			b.Run(fmt.Sprintf("%dk/%s/fresh", n>>10, c.name), func(b *testing.B) {
				for b.Loop() {
					g.mu.Lock()
					g.space.clear()
					clear(g.masks)
					g.mu.Unlock()
					start().Allowed(1000)
				}
			})
			s := start()
			b.Run(fmt.Sprintf("%dk/%s/cached", n>>10, c.name), func(b *testing.B) {
				for b.Loop() {
					s.Allowed(1000)
				}
			})
		}
		m := newMask(v.plain[maxPlain])
		logits := make([]float32, n)
		b.Run(fmt.Sprintf("%dk/best of %d", n>>10, m.Count()), func(b *testing.B) {
			for b.Loop() {
				m.Best(logits)
			}
		})
		b.Run(fmt.Sprintf("%dk/compile with source", n>>10), func(b *testing.B) {
			source := strings.Repeat("Every word of this text may begin a piece. ", 50)
			for b.Loop() {
				mustCompile(b, v, llm.JSON{Schema: schemas[len(schemas)-1], Source: source})
			}
		})
	}
}

func BenchmarkNewVocabulary(b *testing.B) {
	for _, n := range []int{49_152, 262_144} {
		v := largeVocabulary(b, n)
		b.Run(fmt.Sprintf("%dk", n>>10), func(b *testing.B) {
			for b.Loop() {
				if _, err := NewVocabulary(v.tokens, v.ends...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
