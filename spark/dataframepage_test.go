package spark

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// pages are the sections of docs/dataframe.md with the types of their methods.
var pages = map[string][]any{
	"DataFrame": {&DataFrame{}}, "Column": {Column{}, Case{}}, "GroupedData": {&GroupedData{}}, "DataFrameReader": {DataFrameReader{}}, "DataFrameWriter": {DataFrameWriter{}},
	"DataFrameWriterV2": {DataFrameWriterV2{}}, "MergeIntoWriter": {MergeIntoWriter{}}, "Catalog": {Catalog{}}, "DataStreamReader": {DataFrameReader{}}, "DataStreamWriter": {DataStreamWriter{}},
	"StreamingQuery": {&StreamingQuery{}}, "StreamingQueryManager": {Streams{}}, "WindowSpec": {Window{}}, "SparkSession": {&Session{}},
}

// docs/dataframe.md lists each method of PySpark, with a method that exists here or a reason.
func TestDataFramePage(t *testing.T) {
	text, err := os.ReadFile("../docs/dataframe.md")
	if err != nil {
		t.Fatal(err)
	}
	facts, err := os.ReadFile("testdata/pyspark-4.3.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^\| (\w+) \| (.*) \| (.*) \|$`)
	listed := map[string]map[string]bool{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		listed[name] = map[string]bool{}
		for _, m := range line.FindAllStringSubmatch(body, -1) {
			if m[1] == "PySpark" {
				continue
			}
			listed[name][m[1]] = true
			if m[2] == "–" {
				if strings.TrimSpace(m[3]) == "" {
					t.Errorf("%s.%s has neither a method nor a reason", name, m[1])
				}
				continue
			}
			for ours := range strings.SplitSeq(m[2], ", ") {
				ours = strings.TrimSuffix(strings.Trim(ours, "`"), "().Agg")
				found := ours == "When" || ours == "Col"
				for _, of := range pages[name] {
					_, ok := reflect.TypeOf(of).MethodByName(ours)
					found = found || ok
				}
				if !found {
					t.Errorf("%s.%s: spark has no method %s", name, m[1], ours)
				}
			}
		}
	}
	for fact := range strings.Lines(string(facts)) {
		words := strings.Fields(fact)
		for _, method := range words[1:] {
			if !listed[words[0]][method] {
				t.Errorf("docs/dataframe.md does not list %s.%s", words[0], method)
			}
		}
	}
}
