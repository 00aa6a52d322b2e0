package suggest

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"ai_gen", "ai_query", "text", "Stars"}
	for name, want := range map[string]string{"ai_gne": "ai_gen", "TXT": "text", "stras": "Stars", "ai_querry": "ai_query", "review": "", "": ""} {
		if got, ok := Nearest(name, names); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		limit int
		want  int
	}{
		{"", "", 9, 0}, {"abc", "abc", 9, 0}, {"abc", "acb", 9, 1}, {"abc", "ab", 9, 1}, {"ab", "xab", 9, 1}, {"abc", "axc", 9, 1},
		{"kitten", "sitting", 9, 3}, {"kitten", "sitting", 2, 2}, {"a", "bcdef", 3, 3},
	} {
		if got := Distance(c.a, c.b, c.limit); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for name, want := range map[string]string{
		"text": "text", "größe": "größe", "two words": "two words", "日本": "日本",
		"t\r": `"t\r"`, " t": `" t"`, "": `""`, "t\u00a0x": `"t\u00a0x"`, "t\u200b": `"t\u200b"`, "\ufefft": `"\ufefft"`, "e\u0301": `"e\u0301"`, "a\x1b[2J": `"a\x1b[2J"`, "\xff": `"\xff"`,
	} {
		if got := Visible(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}
