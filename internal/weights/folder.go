package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/firesteel/firesteel/internal/fsys/regularfile"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// A model that is not one file is a folder as Python's transformers writes it:
// weights in the safetensors format, and beside them
var (
	required = []string{"config.json", "tokenizer.json"}
	optional = []string{
		"chat_template.jinja", "chat_template.json", "generation_config.json", "special_tokens_map.json", "tokenizer_config.json",
		// How vectors are made, as Python's sentence-transformers writes it.
		"config_sentence_transformers.json", "modules.json", "sentence_bert_config.json",
	}
)

// isPooling tells whether a file, by its name in the model's folder, says how one
// vector is made of several.
func isPooling(name string) bool {
	folder, file := path.Split(name)
	return file == "config.json" && strings.HasSuffix(folder, "_Pooling/") && strings.Count(folder, "/") == 1
}

// File is one of several that make a model.
type File struct {
	Name   string // in the model's folder
	Size   int64  // bytes
	SHA256 string // hex
}

// Digest names a model of several files: it is the SHA-256 of what sha256sum
// prints for them, sorted by name.
func Digest(files []File) string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s  %s\n", f.SHA256, f.Name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// isWeights tells by its name whether a file is, or begins, a model in the
// safetensors format.
func isWeights(name string) bool { return safetensors.IsFile(name) || safetensors.IsIndex(name) }

// choose says which of the files of a folder or a repository is the model: the
// one GGUF file there is, wherever it lies, or else the weights that lie on
// top. A split GGUF model is its first file. other is what was not chosen, if anything. An error says what
// there is instead: the place holds ...
func choose(names []string) (file, other string, err error) {
	var quantised, top []string
	for _, name := range names {
		switch {
		case isGGUF(name):
			if isFirst(name) && !strings.HasPrefix(strings.ToLower(path.Base(name)), "mmproj") { // what makes words of pictures
				quantised = append(quantised, name)
			}
		case path.Base(name) == name:
			top = append(top, name)
		}
	}
	weights, err := safetensors.Choose(top)
	switch {
	case len(quantised) == 1:
		return quantised[0], weights, nil
	case len(quantised) == 0 && errors.Is(err, safetensors.ErrNone):
		return "", "", noModel(names)
	case len(quantised) == 0 && err != nil:
		return "", "", err
	case len(quantised) == 0:
		return weights, "", nil
	}
	if err == nil {
		quantised = append(quantised, weights)
	}
	slices.Sort(quantised)
	return "", "", &severalError{quantised}
}

// noModel is the error of a place that holds no model, with what there is instead.
func noModel(names []string) error {
	const none = "no .gguf file and no .safetensors file"
	for _, name := range names {
		switch base := strings.ToLower(path.Base(name)); {
		case base == "adapter_config.json":
			return errors.New(none + ", but an adapter (LoRA), which has to be merged into its model: in Python's peft, model.merge_and_unload().save_pretrained(FOLDER)")
		case strings.HasSuffix(base, ".bin") || strings.HasSuffix(base, ".pt") || strings.HasSuffix(base, ".pth"):
			return fmt.Errorf("%s, but %s, which only Python reads: AutoModelForCausalLM.from_pretrained(MODEL).save_pretrained(FOLDER) writes .safetensors", none, name)
		case strings.HasSuffix(base, ".onnx"):
			return fmt.Errorf("%s, but %s, and ONNX is not supported; most models have .gguf or .safetensors files too", none, name)
		}
	}
	return errors.New(none)
}

// severalError: a person must say which.
type severalError struct{ names []string }

func (e *severalError) Error() string {
	return fmt.Sprintf("several models; name one of: %s", strings.Join(e.names, ", "))
}

// besides is the Note of a model that was chosen beside another.
func besides(file, other, say string) string {
	if other == "" {
		return ""
	}
	return fmt.Sprintf("%s was chosen; there is %s too, which %s names", file, other, say)
}

// companions gives those of the names in a folder that belong to the weights.
func companions(names []string) ([]string, error) {
	var found []string
	for _, name := range required {
		if !slices.Contains(names, name) {
			advice := "download it too"
			if name == "tokenizer.json" {
				advice = "in Python, AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER) writes it"
			}
			return nil, fmt.Errorf("weights, but no %s beside them; %s", name, advice)
		}
		found = append(found, name)
	}
	for _, name := range names {
		if slices.Contains(optional, name) || isPooling(name) {
			found = append(found, name)
		}
	}
	return found, nil
}

// folderModel describes the model in a folder. weights, if not empty, is the
// file that a person named as its weights. sum gives a file's digest, which may
// be unknown: "". An ErrRef says that the model is not there, or not all of it.
func folderModel(ref, name, folder, weights string, sum summer) (Model, error) {
	fail := func(err error) (Model, error) {
		return Model{}, fmt.Errorf("%w: the folder %s holds %w", ErrRef, folder, err)
	}
	names, err := filesIn(folder)
	if err != nil {
		return Model{}, err
	}
	chosen, err := safetensors.Choose(names)
	if err != nil {
		return fail(err)
	}
	if weights != "" && weights != chosen {
		return fail(fmt.Errorf("the weights %s; %s must lie in a folder of its own, with the files that belong to it", chosen, weights))
	}
	pooling, err := below(folder, "*_Pooling/config.json")
	if err != nil {
		return Model{}, err
	}
	for _, file := range pooling {
		names = append(names, path.Join(filepath.Base(filepath.Dir(file)), "config.json"))
	}
	files, err := companions(names)
	if err != nil {
		return fail(err)
	}
	files = append(files, chosen)
	if safetensors.IsIndex(chosen) {
		parts, err := safetensors.Parts(filepath.Join(folder, chosen))
		if err != nil {
			return Model{}, err
		}
		files = append(files, parts...)
	}
	slices.Sort(files)
	m := Model{Name: name, Ref: ref, Path: folder}
	err = m.addFiles(folder, files, sum, func(file string) error {
		_, err := fail(fmt.Errorf("%s, but not %s, which it names", chosen, file))
		return err
	})
	if err != nil {
		return Model{}, err
	}
	return m, nil
}

// addFiles adds the files of a folder to a model that is made of several, and
// computes its digest if those of all files are known. missing is the error of a
// file that does not exist.
func (m *Model) addFiles(folder string, names []string, sum summer, missing func(name string) error) error {
	known := true
	for _, name := range names {
		path := filepath.Join(folder, filepath.FromSlash(name))
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return missing(name)
		}
		if err != nil {
			return err
		}
		digest, err := sum(path)
		if err != nil {
			return err
		}
		known = known && digest != ""
		m.Files = append(m.Files, File{name, info.Size(), digest})
		m.Size += info.Size()
	}
	if known {
		m.SHA256 = Digest(m.Files)
	}
	return nil
}

// filesIn gives the names of the files in a folder. A link counts as a file,
// even one that leads nowhere.
func filesIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// maxJSON bounds the files of a folder that are JSON; tokenizers have some MB.
const maxJSON = 1 << 30

// checkJSON demands an object, or a list.
func checkJSON(path string) error {
	text, err := regularfile.ReadFile(path, maxJSON)
	if err != nil {
		return err
	}
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil && json.Unmarshal(text, &list) != nil {
		return fmt.Errorf("%s: no good JSON: %w", path, err)
	}
	return nil
}
