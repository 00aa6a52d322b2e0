// Package lineage writes OpenLineage events: which run of which job made which columns of a table, of which columns, by
// which functions and models. The events are those of the specification 2-0-2, https://openlineage.io/docs/spec.
//
// They have names and types of columns, names of functions and digests of models, but no value of a row.
package lineage

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Run is a run of a job.
type Run struct {
	ID        string // a UUID; see NewID
	Job       Job
	Parent    *Parent // what started the run; nil for none
	Inputs    []Dataset
	Outputs   []Output
	Functions []Function
	Engine    Engine
	Version   string // of firesteel
}

// Job is what runs again and again under one name.
type Job struct {
	Namespace, Name string
	Kind            string // JOB, QUERY or COMMAND
	SQL             string // a statement of Spark; empty if the job is none
}

// Engine is what computes.
type Engine struct{ Name, Version string }

// Dataset is a table, a file or a folder, by the names of the specification.
type Dataset struct {
	Namespace, Name string
	Fields          []Field // nil if the columns are unknown
}

// Field is a column with its SQL type.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Output is a table that a run writes.
type Output struct {
	Dataset
	Columns *Columns // nil if it is unknown what its columns are made of
	Written *Written // nil until the run is complete
}

// Written counts what was written.
type Written struct {
	Rows, Files int64 // Files is 0 if unknown
}

// Columns says what columns are made of.
type Columns struct {
	Of  map[string][]Input // by the name of the column
	All []Input            // what all columns depend on: conditions for rows, keys of groups
}

// Input is a column that another one depends on.
type Input struct {
	Namespace       string           `json:"namespace"`
	Name            string           `json:"name"`
	Field           string           `json:"field"`
	Transformations []Transformation `json:"transformations"`
}

// Transformation is how a column depends on another one.
type Transformation struct {
	Type        string `json:"type"`
	Subtype     string `json:"subtype"`
	Description string `json:"description"`
	Masking     bool   `json:"masking"`
}

// Function is a function of package ai that the run calls.
type Function struct {
	Columns  []string `json:"columns,omitempty"` // those of the output that depend on its answers
	Filters  bool     `json:"filters,omitempty"` // its answers choose rows
	Function string   `json:"function"`
	Versions []string `json:"versions"` // of the function and of its prompts; see ai.Function.Versions
	Models   []Model  `json:"models"`   // empty if rules answer
}

// Model is a model that a function asks.
type Model struct {
	Role      string `json:"role"`
	Name      string `json:"name"`
	Digest    string `json:"digest,omitempty"` // SHA-256 of the weights in hex; empty for a model behind a server
	Precision string `json:"precision,omitempty"`
	Engine    string `json:"engine,omitempty"` // engine and version of its arithmetic
}

// Parent is the run that started a run.
type Parent struct{ Namespace, Name, Run string }

// Kinds of events.
const (
	Start    = "START"
	Complete = "COMPLETE"
	Fail     = "FAIL"
	Abort    = "ABORT"
)

// NewID returns an identifier of a run: a UUID of version 7, whose begin is the time.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

func isUUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

// URLs of schemas. Facet is ours, and in this folder.
const (
	spec   = "https://openlineage.io/spec/"
	source = "https://github.com/firesteel/firesteel"
	Facet  = "https://raw.githubusercontent.com/firesteel/firesteel/main/internal/lineage/facet.json"
)

type object = map[string]any

// Event returns an event as one line of JSON. message is the reason of a failure; it may be empty.
func (r *Run) Event(kind string, at time.Time, message string) ([]byte, error) {
	producer := source + "/tree/" + r.Version
	facet := func(schema string, members object) object {
		members["_producer"], members["_schemaURL"] = producer, schema
		return members
	}
	of := func(version, name string, members object) object {
		return facet(spec+"facets/"+version+"/"+name+".json#/$defs/"+name, members)
	}
	run := object{}
	if r.Functions != nil {
		run["firesteel_ai"] = facet(Facet, object{"functions": r.Functions})
	}
	if r.Engine.Version != "" {
		run["processing_engine"] = of("1-1-1", "ProcessingEngineRunFacet", object{"name": r.Engine.Name, "version": r.Engine.Version, "openlineageAdapterVersion": r.Version})
	}
	if p := r.Parent; p != nil {
		run["parent"] = of("1-2-0", "ParentRunFacet", object{"job": object{"namespace": p.Namespace, "name": p.Name}, "run": object{"runId": p.Run}})
	}
	if message != "" {
		run["errorMessage"] = of("1-0-1", "ErrorMessageRunFacet", object{"message": message, "programmingLanguage": "Go"})
	}
	job := object{"jobType": of("2-0-4", "JobTypeJobFacet", object{"processingType": "BATCH", "integration": "FIRESTEEL", "jobType": r.Job.Kind})}
	if r.Job.SQL != "" {
		job["sql"] = of("1-1-0", "SQLJobFacet", object{"query": r.Job.SQL, "dialect": "spark"})
	}
	dataset := func(d Dataset) (object, object) {
		facets := object{}
		if d.Fields != nil {
			facets["schema"] = of("1-2-0", "SchemaDatasetFacet", object{"fields": d.Fields})
		}
		return object{"namespace": d.Namespace, "name": d.Name, "facets": facets}, facets
	}
	inputs, outputs := []object{}, []object{}
	for _, in := range r.Inputs {
		d, _ := dataset(in)
		inputs = append(inputs, d)
	}
	for _, out := range r.Outputs {
		d, facets := dataset(out.Dataset)
		if c := out.Columns; c != nil {
			fields := object{}
			for name, from := range c.Of {
				fields[name] = object{"inputFields": append([]Input{}, from...)}
			}
			facets["columnLineage"] = of("1-2-0", "ColumnLineageDatasetFacet", object{"fields": fields, "dataset": append([]Input{}, c.All...)})
			if r.Functions != nil {
				facets["firesteel_ai"] = facet(Facet, object{"functions": r.Functions})
			}
		}
		if w := out.Written; w != nil {
			counts := object{"rowCount": w.Rows}
			if w.Files > 0 {
				counts["fileCount"] = w.Files
			}
			d["outputFacets"] = object{"outputStatistics": of("1-0-2", "OutputStatisticsOutputDatasetFacet", counts)}
		}
		outputs = append(outputs, d)
	}
	return json.Marshal(object{
		"eventType": kind, "eventTime": at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), "producer": producer, "schemaURL": spec + "2-0-2/OpenLineage.json#/$defs/RunEvent",
		"run": object{"runId": r.ID, "facets": run}, "job": object{"namespace": r.Job.Namespace, "name": r.Job.Name, "facets": job},
		"inputs": inputs, "outputs": outputs,
	})
}
