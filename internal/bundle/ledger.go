package bundle

import "time"

// Ledger says where the executors of a session keep answers, and what bounds each
// of the session's queries. Budgets have the meaning of job.Budget.
type Ledger struct {
	// Dir is an absolute path of a directory that all executors share, and ID the
	// id of the ledger in it, by which an executor recognizes the directory.
	Dir string `json:"dir"`
	ID  string `json:"id"`

	MaxRows   *int64         `json:"max_rows,omitempty"`
	MaxTokens *int64         `json:"max_tokens,omitempty"`
	MaxCost   *float64       `json:"max_cost,omitempty"`
	MaxTime   *time.Duration `json:"max_time,omitempty"` // in nanoseconds
	MaxErrors *int64         `json:"max_errors,omitempty"`
	Sample    *int64         `json:"sample,omitempty"` // rows that each process asks for each function
	// PromptPrice and OutputPrice are per million tokens.
	PromptPrice float64 `json:"prompt_price,omitempty"`
	OutputPrice float64 `json:"output_price,omitempty"`
}

// Prepared is the result of PrepareLedger.
type Prepared struct {
	Host  string `json:"host"`
	ID    string `json:"id,omitempty"`
	Error string `json:"error,omitempty"` // why the directory cannot be used
}

const (
	// PrepareLedger makes a directory a ledger, and returns a Prepared as JSON.
	PrepareLedger = "firesteel_ledger"
	// Usage returns what the session's latest query asked, or the query that is
	// given: see UsageType.
	Usage = "ai_usage"
)

// UsageType is the SQL type of the result of Usage.
const UsageType = "ARRAY<STRUCT<query: STRING, function: STRING, model: STRING, rows: BIGINT, asked: BIGINT, from_ledger: BIGINT, " +
	"prompt_tokens: BIGINT, output_tokens: BIGINT, cost: DOUBLE, errors: BIGINT, skipped: BIGINT>>"
