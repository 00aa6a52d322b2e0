package ai_test

import (
	"encoding/json"
	"fmt"

	"github.com/firesteel/firesteel/ai"
)

// The arguments of a call may come from different sources: here the content varies,
// and the labels are constant JSON.
func ExampleFunction_Bind() {
	f, err := ai.Lookup("ai_classify")
	if err != nil {
		panic(err)
	}
	labels := ai.JSONValue(json.RawMessage(`["sport", "arts"]`))
	call, err := f.Bind(ai.Argument{}, ai.Argument{Name: "labels", Values: labels, Constant: true})
	if err != nil {
		panic(err)
	}
	rows, err := call.Rows(2, ai.GoValues("They won.", nil))
	fmt.Println(rows, err)

	_, err = f.Bind(ai.Argument{}, ai.Argument{Name: "label", Values: labels, Constant: true})
	fmt.Println(err)
	_, err = f.Bind(ai.Argument{}, ai.Argument{Values: ai.GoValues(3), Constant: true})
	fmt.Println(err)
	// Output:
	// [[They won. [sport arts] <nil> <nil>] [<nil> [sport arts] <nil> <nil>]] <nil>
	// ai_classify: it has no parameter label; did you mean labels?
	// ai_classify: the argument labels is BIGINT, but must be ARRAY<STRING> or STRING: write ARRAY('a', 'b')
}
