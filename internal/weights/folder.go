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
	"github.com/firesteel/firesteel/internal/weights/onnx"
	"github.com/firesteel/firesteel/internal/weights/safetensors"
)

// The files of a model in the format of Python's transformers, other than its weights. The
// model is a folder with safetensors weights and these files.
var (
	required = []string{"config.json", "tokenizer.json"}
	optional = []string{
		"chat_template.jinja", "chat_template.json", "generation_config.json", "special_tokens_map.json", "tokenizer_config.json",
		// Pooling of embeddings, in the format of Python's sentence-transformers.
		"config_sentence_transformers.json", "modules.json", "sentence_bert_config.json",
	}
)

// isPooling reports whether name, a path in the model's folder, is the configuration of a
// pooling layer of sentence-transformers.
func isPooling(name string) bool {
	folder, file := path.Split(name)
	return file == "config.json" && strings.HasSuffix(folder, "_Pooling/") && strings.Count(folder, "/") == 1
}

// File is one file of a model.
type File struct {
	Name   string // path in the model's folder, with slashes
	Size   int64  // bytes
	SHA256 string // hex
}

// Digest returns the digest of a model of several files: the SHA-256, in hex, of the output
// of sha256sum for the files, sorted by name.
func Digest(files []File) string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s  %s\n", f.SHA256, f.Name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

const tokenizerAdvice = "in Python, AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER) writes it"

// isWeights reports whether name is the name of a safetensors file or of a safetensors index.
func isWeights(name string) bool { return safetensors.IsFile(name) || safetensors.IsIndex(name) }

// chooseModel returns the model among the files of a folder or a repository: the only GGUF
// file at any depth or, if there is no GGUF file, the safetensors weights at the top or, without
// them, the ONNX file that onnx.Choose selects. For a split GGUF model it returns the first file.
// other is the safetensors weights that were not chosen, or "". The error completes a sentence that
// begins with "the folder F holds".
func chooseModel(names []string) (file, other string, err error) {
	var ggufs, top []string
	for _, name := range names {
		switch {
		case isGGUF(name):
			if isFirstPart(name) && !strings.HasPrefix(strings.ToLower(path.Base(name)), "mmproj") { // mmproj: an image encoder
				ggufs = append(ggufs, name)
			}
		case path.Base(name) == name:
			top = append(top, name)
		}
	}
	weights, err := safetensors.Choose(top)
	switch {
	case len(ggufs) == 1:
		return ggufs[0], weights, nil
	case len(ggufs) == 0 && errors.Is(err, safetensors.ErrNone):
		file, err := onnx.Choose(names)
		if errors.Is(err, onnx.ErrNone) {
			err = noModel(names)
		}
		return file, "", err
	case len(ggufs) == 0 && err != nil:
		return "", "", err
	case len(ggufs) == 0:
		return weights, "", nil
	}
	if err == nil {
		ggufs = append(ggufs, weights)
	}
	slices.Sort(ggufs)
	return "", "", &severalError{ggufs}
}

// noModel returns the error for a folder or a repository without a model. It names files of
// formats that are not supported, and how to convert them.
func noModel(names []string) error {
	const none = "no .gguf file, no .safetensors file and no .onnx file"
	for _, name := range names {
		switch base := strings.ToLower(path.Base(name)); {
		case base == "adapter_config.json":
			return errors.New(none + ", but a LoRA adapter, which must be merged into its base model: in Python's peft, model.merge_and_unload().save_pretrained(FOLDER)")
		case strings.HasSuffix(base, ".bin") || strings.HasSuffix(base, ".pt") || strings.HasSuffix(base, ".pth"):
			return fmt.Errorf("%s, but %s, a PyTorch file; convert it to .safetensors with AutoModelForCausalLM.from_pretrained(MODEL).save_pretrained(FOLDER) in Python", none, name)
		}
	}
	return errors.New(none)
}

// severalError reports that a folder or a repository holds several models.
type severalError struct{ names []string }

func (e *severalError) Error() string {
	return fmt.Sprintf("several models; name one of: %s", strings.Join(e.names, ", "))
}

// notChosenNote returns the Note of a model that was chosen although other exists. ref is a
// reference that selects other.
func notChosenNote(file, other, ref string) string {
	if other == "" {
		return ""
	}
	return fmt.Sprintf("%s was chosen; to use %s, name %s", file, other, ref)
}

// companions returns the names of the files that belong to the weights of a folder.
func companions(names []string) ([]string, error) {
	var found []string
	for _, name := range required {
		if !slices.Contains(names, name) {
			advice := "download it as well"
			if name == "tokenizer.json" {
				advice = tokenizerAdvice
			}
			return nil, fmt.Errorf("weights, but no %s; %s", name, advice)
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

// folderModel describes the safetensors model in a folder. weights is the name of the weights
// if the reference named them, or "". The error is of class ErrRef if files of the model are
// missing.
func folderModel(ref, name, folder, weights string, hash hashFunc) (Model, error) {
	fail := func(err error) (Model, error) {
		return Model{}, fmt.Errorf("%w: the folder %s holds %w", ErrRef, folder, err)
	}
	names, err := modelFiles(folder)
	if err != nil {
		return Model{}, err
	}
	chosen, err := safetensors.Choose(names)
	if err != nil {
		return fail(err)
	}
	if weights != "" && weights != chosen {
		return fail(fmt.Errorf("the weights %s; move %s to a folder of its own, with its configuration and tokenizer", chosen, weights))
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
	err = m.addFiles(folder, files, hash, func(file string) error {
		_, err := fail(fmt.Errorf("%s, but not %s, which it refers to", chosen, file))
		return err
	})
	if err != nil {
		return Model{}, err
	}
	return m, nil
}

// addFiles adds files of a folder to m. It computes the digest of m if the digests of all
// files are known. missing returns the error for a file that does not exist.
func (m *Model) addFiles(folder string, names []string, hash hashFunc, missing func(name string) error) error {
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
		digest, err := hash(path)
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

// filesIn returns the names of the files in a folder. It counts a symbolic link as a file,
// even if its target does not exist.
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

// maxJSON limits the size of a JSON file of a model, in bytes. Tokenizers have a few MB.
const maxJSON = 1 << 30

// checkJSON verifies that the file at path holds a JSON object or array.
func checkJSON(path string) error {
	text, err := regularfile.ReadFile(path, maxJSON)
	if err != nil {
		return err
	}
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil && json.Unmarshal(text, &list) != nil {
		return fmt.Errorf("%s: invalid JSON: %w", path, err)
	}
	return nil
}
