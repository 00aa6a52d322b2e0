package ai_test

import (
	"fmt"
	"strings"

	"github.com/firesteel/firesteel/ai"
)

// sqlText is an expression that is text, as a DataFrame library might have it.
// Package spark has such a type, Column.
type sqlText string

func (e sqlText) Call(function string, args ...any) sqlText {
	text := string(e)
	for _, a := range args {
		switch a := a.(type) {
		case string:
			text += ", '" + a + "'"
		case []string:
			text += ", array('" + strings.Join(a, "', '") + "')"
		default:
			text += fmt.Sprintf(", %v", a)
		}
	}
	return sqlText(function + "(" + text + ")")
}

func ExampleClassify() {
	fmt.Println(ai.Classify(sqlText("review"), "delivery", "billing"))
	// Output: ai_classify(review, array('delivery', 'billing'))
}

func ExampleTranslate() {
	fmt.Println(ai.Translate(ai.Summarize(sqlText("review"), 20), "de"))
	// Output: ai_translate(ai_summarize(review, 20), 'de')
}

func ExampleLookup() {
	f, err := ai.Lookup("ai_classify")
	fmt.Println(f.Signature(), f.Returns, err)
	// Output:
	// ai_classify(content, labels[, options[, examples]]) STRING <nil>
}

func ExampleSchemaFor() {
	type order struct {
		Product string `json:"product"`
		Count   int    `json:"count"`
	}
	schema, err := ai.SchemaFor[order]()
	fmt.Println(schema, err)
	// Output:
	// {"type":"object","properties":{"product":{"type":"string"},"count":{"type":"integer"}},"required":["product","count"],"additionalProperties":false} <nil>
}
