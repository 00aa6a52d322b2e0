package engine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/internal/engine/model"
	"github.com/firesteel/firesteel/internal/sensitive"
	"github.com/firesteel/firesteel/internal/tokenizer"
	"github.com/firesteel/firesteel/llm"
)

// family is a chat template with the tokens that Python's transformers computes for chats. See
// testdata/chat/make.py.
type family struct {
	Name, Base string
	Set        map[string]json.RawMessage
	Added      []map[string]any
	Special    map[string]string
	Chats      []struct {
		Messages [][2]string
		IDs      []int32
		Safe     []int32
		Error    string
	}
}

func families(t *testing.T, folder string) (all []*family) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "goldens.json"))
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tokenizer returns the tokenizer that make.py uses for the template.
func (f *family) tokenizer(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "tokenizer", "testdata", f.Base))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for key, value := range f.Set {
		file[key] = value
	}
	added := file["added_tokens"].([]any)
	vocab := file["model"].(map[string]any)["vocab"].(map[string]any)
	next := float64(len(vocab))
	known := map[any]bool{}
	for _, a := range added {
		next = max(next, a.(map[string]any)["id"].(float64)+1)
		known[a.(map[string]any)["content"]] = true
	}
	for _, a := range f.Added {
		if known[a["content"]] {
			continue
		}
		id, ok := vocab[a["content"].(string)].(float64)
		if !ok {
			id = next
		}
		a["id"] = id
		added = append(added, a)
		next = max(next, id+1)
	}
	file["added_tokens"] = added
	if data, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	tokens, err := tokenizer.ReadJSON(f.Name, data)
	if err != nil {
		t.Fatal(err)
	}
	var special []string
	for _, text := range f.Special {
		special = append(special, text)
	}
	if err := tokens.MarkSpecial(special...); err != nil {
		t.Fatal(err)
	}
	return tokens
}

func (f *family) chat(t *testing.T, folder string) (*chat, error) {
	t.Helper()
	template, err := os.ReadFile(filepath.Join(folder, f.Name+".jinja"))
	if err != nil {
		t.Fatal(err)
	}
	return newChat(model.Settings{Template: string(template), Named: f.Special}, f.tokenizer(t))
}

func chatOf(pairs [][2]string) (messages []llm.Message) {
	for _, p := range pairs {
		messages = append(messages, llm.Message{Role: llm.Role(p[0]), Text: p[1]})
	}
	return messages
}

// compare compares the chats of a family with the golden tokens. verdict is the error of the
// template, or "". equal and rejected count chats.
func (f *family) compare(t *testing.T, folder string, report func(format string, args ...any)) (verdict string, equal, rejected int) {
	c, err := f.chat(t, folder)
	if err != nil {
		return "rejected: " + err.Error(), 0, 0
	}
	for i, want := range f.Chats {
		ids, _, err := c.render(chatOf(want.Messages), 0)
		if want.Error != "" {
			if err == nil {
				t.Errorf("%s: chat %d is accepted; transformers: %s", f.Name, i, want.Error)
			}
			rejected++
			continue
		}
		if err != nil {
			t.Errorf("%s: chat %d: %v", f.Name, i, err)
			continue
		}
		if want.Safe != nil {
			// The texts contain control tokens. Only the template's own may be tokens.
			count := func(ids []int32) (n int) {
				for _, id := range ids {
					if c.tokens.IsReserved(id) {
						n++
					}
				}
				return n
			}
			if count(ids) != count(want.Safe) {
				report("%s: chat %d has %d control tokens, want %d", f.Name, i, count(ids), count(want.Safe))
			}
			equal++
			continue
		}
		if !slices.Equal(ids, want.IDs) {
			t.Errorf("%s: chat %d: %v\n%q, want %v\n%q", f.Name, i, ids, c.tokens.Decode(ids), want.IDs, c.tokens.Decode(want.IDs))
			continue
		}
		equal++
	}
	return "", equal, rejected
}

// The tokens of chats equal those of transformers, for templates like those of many model families.
func TestChatEqualsTransformers(t *testing.T) {
	folder := filepath.Join("testdata", "chat")
	for _, f := range families(t, folder) {
		verdict, _, _ := f.compare(t, folder, t.Errorf)
		if thinks := f.Name == "deepseek-r1-distill"; (verdict != "") != thinks || thinks && !strings.Contains(verdict, "begins with thoughts (<think>)") {
			t.Errorf("%s: %s", f.Name, verdict)
		}
	}
}

// TestChatTemplatesInFolder compares the templates of a folder for which make.py was run.
// Differences for texts with control tokens are only logged: if a template divides a text,
// sanitize_control_tokens may take tokens of the template for tokens of the text.
func TestChatTemplatesInFolder(t *testing.T) {
	folder := os.Getenv("FIRESTEEL_CHAT_TEMPLATES")
	if folder == "" {
		t.Skip("FIRESTEEL_CHAT_TEMPLATES is not a folder with chat templates and goldens of testdata/chat/make.py")
	}
	for _, f := range families(t, folder) {
		verdict, equal, rejected := f.compare(t, folder, t.Logf)
		t.Logf("| %s | %d | %d | %s |", f.Name, equal, rejected, verdict)
	}
}

// Shared messages have the same tokens whatever follows them, also if the system message is merged
// into the user message.
func TestChatShared(t *testing.T) {
	folder := filepath.Join("testdata", "chat")
	for _, f := range families(t, folder) {
		c, err := f.chat(t, folder)
		if err != nil {
			continue
		}
		system := llm.Message{Role: llm.System, Text: "Some instructions, which are long."}
		var first []int32
		for i, text := range []string{"one", "two or more", " \n3"} {
			ids, shared, err := c.render([]llm.Message{system, {Role: llm.User, Text: text}}, 1)
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				break
			}
			if !strings.Contains(c.tokens.Decode(ids[:shared+1]), strings.TrimSuffix(system.Text, ".")) {
				t.Errorf("%s: %d tokens are shared, %q", f.Name, shared, c.tokens.Decode(ids[:shared]))
			}
			if i == 1 && !slices.Equal(ids[:shared], first) {
				t.Errorf("%s: the tokens shared before %q are %q", f.Name, text, c.tokens.Decode(ids[:shared]))
			}
			first = ids[:shared]
		}
	}
}

// The token that ends a turn of the assistant ends an answer.
func TestChatEnds(t *testing.T) {
	folder := filepath.Join("testdata", "chat")
	want := map[string]string{
		"chatml": "<|im_end|>", "chatml-added": "<|im_end|>", "chatml-normalized": "<|im_end|>", "llama2": "</s>", "llama3": "<|eot_id|>", "tinyllama": "</s>",
		"gemma2": "<end_of_turn>", "gemma3": "<end_of_turn>", "phi3": "<|end|>", "phi4": "<|im_end|>", "mistral-v3": "</s>", "deepseek-v3": "<｜end▁of▁sentence｜>",
		"command-r": "<|END_OF_TURN_TOKEN|>", "granite3": "<|end_of_text|>", "exaone3": "[|endofturn|]", "vicuna": "</s>", "gpt-oss": "<|return|>",
	}
	for _, f := range families(t, folder) {
		name, ok := want[f.Name]
		if !ok {
			continue
		}
		c, err := f.chat(t, folder)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := c.tokens.Lookup(name)
		if !slices.Equal(c.ends, []int32{id}) {
			t.Errorf("%s: turns end with %v, want %d", f.Name, c.ends, id)
		}
	}
}

func TestChatErrors(t *testing.T) {
	const chatML = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
	tokens := func() *tokenizer.Tokenizer { return (&family{Name: "small", Base: "llama3.json"}).tokenizer(t) }
	for template, want := range map[string]string{
		"":                                   "no chat template",
		"{% for m in messages %}":            "line 1 of the chat template",
		"{{ messages[0].content | nosuch }}": "No filter named 'nosuch'",
		"{{ bos_token }}":                    "omits the text of a message of the role user",
		"{% include 'x' %}":                  "loads another template",
		"{{ raise_exception('never') }}":     "refuses this chat: never",
		"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}": "exceeds its limits",
		chatML + "<|im_start|>assistant\n<think>\n":                                        "begins with thoughts (<think>)",
	} {
		if _, err := newChat(model.Settings{Template: template}, tokens()); !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", template, err, want)
		}
	}
	c, err := newChat(model.Settings{Template: "{% if messages|length > 1 %}{{ raise_exception('one only') }}{% endif %}" + chatML}, tokens())
	if err != nil {
		t.Fatal(err)
	}
	user := llm.Message{Role: llm.User, Text: "x"}
	if _, _, err := c.render([]llm.Message{user, user}, 0); !errors.Is(err, llm.ErrRequest) || !strings.Contains(sensitive.Shown(err), "one only") || strings.Contains(err.Error(), "one only") {
		t.Errorf("two messages: %v", err)
	}
	if _, _, err := c.render([]llm.Message{{Role: "tool", Text: "x"}}, 0); !errors.Is(err, llm.ErrRequest) || !strings.Contains(err.Error(), `"tool"`) {
		t.Errorf("a message of the role tool: %v", err)
	}
}
