package local

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/firesteel/firesteel/llm"
)

// spelled is a vocabulary that shows what is encoded: the control tokens by
// name, and each piece of text in brackets.
type spelled struct {
	controls []string
	pieces   []string
}

func (s *spelled) Special(text string) (int32, bool) {
	for i, name := range s.controls {
		if name == text {
			return int32(i), true
		}
	}
	return 0, false
}

func (s *spelled) Append(ids []int32, text string) []int32 {
	if text == "" {
		return ids
	}
	s.pieces = append(s.pieces, text)
	return append(ids, int32(1000+len(s.pieces)-1))
}

func (s *spelled) String(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if id < 1000 {
			b.WriteString(s.controls[id])
		} else {
			fmt.Fprintf(&b, "[%s]", s.pieces[id-1000])
		}
	}
	return b.String()
}

// Parts of the templates that models come with: of SmolLM2, Qwen2.5, Qwen3,
// Llama 3 and 3.2, Gemma 3 and TinyLlama. What they write is known from the
// models' pages.
var templates = map[string]string{
	"smollm2": `{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are helpful<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}`,
	"qwen2.5": `{%- if tools %}{{- '<|im_start|>system\n' }}{%- else %}{{- '<|im_start|>system\nYou are Qwen.<|im_end|>\n' }}{%- endif %}` +
		`{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}`,
	"qwen3": `{{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}{{- '<|im_start|>assistant\n' }}` +
		`{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}`,
	"llama3":    `{{ bos_token }}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}`,
	"llama3.2":  `{{- "Cutting Knowledge Date: December 2023\n" }}{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}`,
	"gemma3":    `{{ '<start_of_turn>' + role + '\n' }}{{ message['content'] | trim }}{{ '<end_of_turn>\n' }}`,
	"tinyllama": `{% if message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + eos_token }}{% endif %}`,
}

func TestChat(t *testing.T) {
	full := []llm.Message{{Role: llm.System, Text: "Be brief."}, {Role: llm.User, Text: " Hi <|im_end|>\n"}, {Role: llm.Assistant, Text: "Hello"}, {Role: llm.User, Text: "Bye"}}
	const preamble = "[system]<|end_header_id|>[\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
	for _, c := range []struct {
		template   string
		messages   []llm.Message
		want       string
		sharedTail string // what follows the first three messages
	}{
		{"smollm2", full, "<s><|im_start|>[system\nBe brief.]<|im_end|>[\n]<|im_start|>[user\n Hi <|im_end|>\n]<|im_end|>[\n]<|im_start|>[assistant\nHello]<|im_end|>[\n]" +
			"<|im_start|>[user\nBye]<|im_end|>[\n]<|im_start|>[assistant\n]", "<|im_start|>[user\nBye]<|im_end|>[\n]<|im_start|>[assistant\n]"},
		{"smollm2", full[3:], "<s><|im_start|>[system\nYou are helpful]<|im_end|>[\n]<|im_start|>[user\nBye]<|im_end|>[\n]<|im_start|>[assistant\n]", ""},
		{"qwen2.5", full[3:], "<s><|im_start|>[system\nYou are Qwen.]<|im_end|>[\n]<|im_start|>[user\nBye]<|im_end|>[\n]<|im_start|>[assistant\n]", ""},
		{"qwen3", full[3:], "<s><|im_start|>[user\nBye]<|im_end|>[\n]<|im_start|>[assistant\n]<think>[\n\n]</think>[\n\n]", ""},
		{"llama3", full, "<s><|start_header_id|>[system]<|end_header_id|>[\n\nBe brief.]<|eot_id|><|start_header_id|>[user]<|end_header_id|>[\n\nHi <|im_end|>]<|eot_id|>" +
			"<|start_header_id|>[assistant]<|end_header_id|>[\n\nHello]<|eot_id|><|start_header_id|>[user]<|end_header_id|>[\n\nBye]<|eot_id|>" +
			"<|start_header_id|>[assistant]<|end_header_id|>[\n\n]", "<|start_header_id|>[user]<|end_header_id|>[\n\nBye]<|eot_id|><|start_header_id|>[assistant]<|end_header_id|>[\n\n]"},
		{"llama3.2", full[3:], "<s><|start_header_id|>" + preamble + "]<|eot_id|><|start_header_id|>[user]<|end_header_id|>[\n\nBye]<|eot_id|><|start_header_id|>[assistant]<|end_header_id|>[\n\n]", ""},
		{"llama3.2", full[:2], "<s><|start_header_id|>" + preamble + "Be brief.]<|eot_id|><|start_header_id|>[user]<|end_header_id|>[\n\nHi <|im_end|>]<|eot_id|>" +
			"<|start_header_id|>[assistant]<|end_header_id|>[\n\n]", ""},
		{"gemma3", full, "<s><start_of_turn>[user\nBe brief.\n\nHi <|im_end|>]<end_of_turn>[\n]<start_of_turn>[model\nHello]<end_of_turn>[\n]<start_of_turn>[user\nBye]<end_of_turn>[\n]" +
			"<start_of_turn>[model\n]", "<start_of_turn>[user\nBye]<end_of_turn>[\n]<start_of_turn>[model\n]"},
		{"tinyllama", full, "<s>[<|system|>\nBe brief.]</s>[\n][<|user|>\n Hi <|im_end|>\n]</s>[\n][<|assistant|>\nHello]</s>[\n][<|user|>\nBye]</s>[\n][<|assistant|>\n]",
			"[<|user|>\nBye]</s>[\n][<|assistant|>\n]"},
	} {
		v := &spelled{controls: []string{"<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
			"<start_of_turn>", "<end_of_turn>", "<think>", "</think>"}}
		chat, err := newChat(templates[c.template], v, 1, []int32{0})
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		ids, shared, err := chat.render(c.messages, 3)
		if got := v.String(ids); err != nil || got != c.want {
			t.Errorf("%s: %v\n%q, want\n%q", c.template, err, got, c.want)
		}
		if c.sharedTail != "" && v.String(ids[shared:]) != c.sharedTail {
			t.Errorf("%s: after what is shared follows %q", c.template, v.String(ids[shared:]))
		}
		if len(chat.ends()) != 1 {
			t.Errorf("%s: turns end with %v", c.template, chat.ends())
		}
	}
}

func TestChatRefused(t *testing.T) {
	for template, want := range map[string]string{
		"{{ '[INST] ' + message['content'] }}":                          "none of ChatML",
		"{{ '<|user|>\\n' + message['content'] + '<|end|>\\n' }}":       "none of ChatML",
		"{{ '<|im_start|>' + message['content'] + '<|im_end|>' }}":      "lacks <|im_start|>",
		"{{ '<start_of_turn>' + message['content'] + '<end_of_turn>'}}": "lacks <start_of_turn>",
	} {
		_, err := newChat(template, &spelled{}, 0, nil)
		if !errors.Is(err, llm.ErrModel) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", template, err, want)
		}
	}
	v := &spelled{controls: []string{"<s>", "<|im_start|>", "<|im_end|>"}}
	chat, err := newChat(templates["smollm2"], v, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := chat.render([]llm.Message{{Role: "tool", Text: "x"}}, 0); !errors.Is(err, llm.ErrRequest) || !strings.Contains(err.Error(), `"tool"`) {
		t.Errorf("a tool's message: %v", err)
	}
}
