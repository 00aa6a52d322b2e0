package cli

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/testkit"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
)

// roleModel has the roles in its reference, such as "text+embed.gguf".
type roleModel struct {
	testkit.Echo
	info llm.Info
}

func (m roleModel) Info() llm.Info { return m.info }

// roleModels makes references open roleModels, and returns the references that are opened.
func roleModels(t *testing.T) *[]string {
	catalogue := map[string][]llm.ModelRole{
		"smollm2-135m": {llm.Text, llm.Embed}, "bge-small-en": {llm.Embed}, "rampart-pii": {llm.Tag},
	}
	var opened []string
	replaceModels(t, func(r models.Reference) (llm.Model, error) {
		opened = append(opened, r.String())
		m := roleModel{info: llm.Info{Name: r.String(), Digest: r.String(), Context: 100, Roles: catalogue[r.String()]}}
		for _, role := range llm.Roles {
			if catalogue[r.String()] == nil && strings.Contains(r.String(), string(role)) {
				m.info.Roles = append(m.info.Roles, role)
			}
		}
		if strings.Contains(r.String(), "lost") || slices.Equal(m.info.Roles, []llm.ModelRole{llm.Tag}) {
			return nil, errors.New("it is not on this machine")
		}
		return m, nil
	})
	return &opened
}

// Each call asks the model of its role, and no other model is opened.
func TestRunRoles(t *testing.T) {
	t.Setenv("FIRESTEEL_CACHE", t.TempDir())
	opened := roleModels(t)
	in := file(t, "in.csv", "text\nHello\n")
	const similar, write = "a=ai_similarity(text, 'hell')", "b=ai_gen(text)"
	for _, c := range []struct {
		args   []string
		opens  string
		status int
		want   string // on standard error
	}{
		{[]string{"--add", write}, "[smollm2-135m]", exitOK, ""},
		{[]string{"--add", similar}, "[bge-small-en]", exitOK, ""},
		{[]string{"--add", similar, "-m", "smollm2-135m"}, "[bge-small-en]", exitOK, ""},
		{[]string{"--add", similar, "--add", write, "-m", "embed=./embed.gguf"}, "[./embed.gguf smollm2-135m]", exitOK, ""},
		{[]string{"--add", similar, "-m", "embed=./embed.gguf", "-m", "./text.gguf"}, "[./embed.gguf]", exitOK, ""},
		{[]string{"--add", "a=ai_query('embed', text)", "-m", "embed=./text+embed.gguf"}, "[./text+embed.gguf]", exitOK, ""},
		{[]string{"--add", similar, "-m", "./embed.gguf"}, "[./embed.gguf]", exitOK, "./embed.gguf has the role embed and not text, so it is used for that role; name the text model by --model text=REFERENCE"},
		{[]string{"--add", similar, "-m", "embed=./text.gguf"}, "[./text.gguf]", exitFailed, "./text.gguf has the role text only; a model with the role embed is needed: add --model embed=REFERENCE"},
		{[]string{"--add", "a=ai_query('embed', text)", "-m", "embed=./embed.gguf"}, "[./embed.gguf]", exitFailed, "has the role embed only; a model with the role text is needed"},
		{[]string{"--add", similar, "-m", "embed=./embed-lost.gguf"}, "[./embed-lost.gguf]", exitFailed, "it is not on this machine"},
	} {
		*opened = nil
		status, _, errs := do(append([]string{"run", in, "--no-ledger", "-o", filepath.Join(t.TempDir(), "out.csv")}, c.args...)...)
		if got := strings.Join(*opened, " "); status != c.status || "["+got+"]" != c.opens || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit code %d, opened %s; want %d and %s, and %q in\n%s", c.args, status, got, c.status, c.opens, c.want, errs)
		}
	}
	status, out, errs := do("explain", in, "--add", similar, "--add", write, "--no-ledger")
	for _, want := range []string{"model    embed: bge-small-en, 12.6 MB on disk", "model    text: smollm2-135m, 12.6 MB on disk"} {
		if status != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d; want %q in\n%s%s", status, want, out, errs)
		}
	}
	status, _, errs = do("run", in, "--no-ledger", "--add", similar, "-m", "text=./text.gguf", "-m", "./other-text.gguf")
	if status != exitUsage || !strings.Contains(errs, "two models are named") {
		t.Errorf("exit code %d: %s", status, errs)
	}
}
