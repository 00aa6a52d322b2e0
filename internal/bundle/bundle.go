// Package bundle defines what a client ships to Spark's executors: the layout of
// the archive, its manifest, and the command bytes of registered functions, which
// Spark passes to the worker without reading them.
//
// Spark unpacks the archive into the folder Dir of a task's working directory:
//
//	firesteel/bin/firesteel      the worker: the client's own program, or a
//	                             script that runs one of the next programs
//	firesteel/bin/firesteel-CPU  the programs, if there are several
//	firesteel/manifest.json      Manifest
//	firesteel/model/NAME/FILE    a model of one file
//	firesteel/model/NAME/FOLDER/...
//	                             the files of a model that is a folder
//
// A model that executors read from Model.Place, or ask at Model.Endpoint, has no
// files in the archive.
//
// The default model of a role that a query asks later comes in an archive of its
// own, which Spark unpacks beside the first one:
//
//	firesteel-ROLE/manifest.json Manifest, with this model only
//	firesteel-ROLE/model/...     its files
package bundle

const (
	Dir          = "firesteel"
	Executable   = Dir + "/bin/firesteel"
	ManifestName = "manifest.json"
	ModelDir     = "model"
)

// Manifest describes the content of an archive.
type Manifest struct {
	// Firesteel is the version of the program inside.
	Firesteel string `json:"firesteel"`
	// Spark is the server's version, such as "4.3.0". It determines the worker
	// protocol.
	Spark string `json:"spark"`
	// Models are the session's models.
	Models []Model `json:"models,omitempty"`
	// Python, if it is not nil, is the interpreter to which the worker passes
	// Python functions.
	Python *Python `json:"python,omitempty"`
}

// Python is the interpreter that a session used before it used firesteel.
type Python struct {
	// Executable is the interpreter in the session's settings. If it is empty,
	// the worker uses PYSPARK_PYTHON in the executor's environment, or python3.
	Executable string `json:"executable,omitempty"`
}

// Model describes a model of the session: one file, a folder of files, or a
// server.
type Model struct {
	// Aliases are the names by which queries ask for the model: at least one. The
	// name of a role makes it the default of that role. No two names in a manifest
	// are equal if case is ignored.
	Aliases []string `json:"aliases"`
	Ref     string   `json:"ref"`             // the reference that the user gave
	Name    string   `json:"name"`            // the display name; see llm.Info
	File    string   `json:"file"`            // file or folder in Dir
	Size    int64    `json:"size"`            // bytes of all files
	SHA256  string   `json:"sha256"`          // for several files, see weights.Digest
	Files   []File   `json:"files,omitempty"` // of a folder, sorted by name
	// Roles are the model's roles (see llm.ModelRole), if the client knows them.
	Roles []string `json:"roles,omitempty"`
	// Precision is that of the weights in memory; empty is the engine's default.
	Precision string `json:"precision,omitempty"`
	// Place is the absolute path, or the HTTP or HTTPS URL, of the model's file
	// or folder. It is empty if the archive holds the model.
	Place string `json:"place,omitempty"`
	// NodeCopy reports whether a model at a path is copied to each node's cache.
	// A model at a URL always is.
	NodeCopy bool `json:"node_copy,omitempty"`
	// Endpoint is not nil if executors ask a server, which Ref names. Such a
	// model has no files.
	Endpoint *Endpoint `json:"endpoint,omitempty"`
}

// Endpoint says how an executor may ask a server. It does not contain the key:
// the reference names the variable, or the file, that holds it on the executor.
type Endpoint struct {
	// RequestsPerMinute and TokensPerMinute are the limits of one executor; 0 is
	// no limit.
	RequestsPerMinute int `json:"requests_per_minute,omitempty"`
	TokensPerMinute   int `json:"tokens_per_minute,omitempty"`
	// AllowHosts and LocalOnly are the client's policy (see package egress).
	AllowHosts []string `json:"allow_hosts,omitempty"`
	LocalOnly  bool     `json:"local_only,omitempty"`
}

// RoleDir returns the folder of the archive with the default model of a role.
func RoleDir(role string) string { return Dir + "-" + role }

// Dir returns the name of the model's folder in ModelDir.
func (m *Model) Dir() string { return m.Aliases[0] }

// File is one file of a model.
type File struct {
	Name   string `json:"name"` // path in the model's folder, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Parts returns the files of the model, with their paths below File. The path is
// empty for a model of one file.
func (m *Model) Parts() []File {
	if len(m.Files) > 0 {
		return m.Files
	}
	return []File{{"", m.Size, m.SHA256}}
}
