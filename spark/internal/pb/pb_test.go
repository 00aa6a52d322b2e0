package pb

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:embed testdata/fields.txt
var fields string

// All names, numbers and types are equal to those in pyspark's descriptors.
func TestEqualToUpstream(t *testing.T) {
	facts := map[string]string{}
	for line := range strings.Lines(fields) {
		name, fact, _ := strings.Cut(strings.TrimSpace(line), " ")
		facts[name] = fact
	}
	checked := 0
	check := func(name protoreflect.FullName, fact string) {
		checked++
		if want := facts[string(name)]; fact != want {
			t.Errorf("%s is %q, but upstream it is %q", name, fact, want)
		}
	}
	enums := func(list protoreflect.EnumDescriptors) {
		for i := range list.Len() {
			e := list.Get(i)
			for j := range e.Values().Len() {
				v := e.Values().Get(j)
				check(e.FullName().Append(v.Name()), fmt.Sprint(v.Number()))
			}
		}
	}
	var messages func(protoreflect.MessageDescriptors)
	messages = func(list protoreflect.MessageDescriptors) {
		for i := range list.Len() {
			m := list.Get(i)
			for j := range m.Fields().Len() {
				f := m.Fields().Get(j)
				many := ""
				if f.Cardinality() == protoreflect.Repeated {
					many = "repeated "
				} else if f.HasOptionalKeyword() {
					many = "optional "
				}
				check(f.FullName(), fmt.Sprintf("%d %s%s", f.Number(), many, typeOf(f)))
			}
			messages(m.Messages())
			enums(m.Enums())
		}
	}
	for _, file := range []protoreflect.FileDescriptor{
		File_spark_internal_pb_types_proto, File_spark_internal_pb_catalog_proto, File_spark_internal_pb_expressions_proto, File_spark_internal_pb_relations_proto, File_spark_internal_pb_commands_proto, File_spark_internal_pb_base_proto,
	} {
		messages(file.Messages())
		enums(file.Enums())
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				check(m.FullName(), fmt.Sprintf("%d%d %s %s", bit(m.IsStreamingClient()), bit(m.IsStreamingServer()), m.Input().FullName(), m.Output().FullName()))
			}
		}
	}
	if checked < 300 {
		t.Errorf("only %d facts were checked", checked)
	}
}

func typeOf(f protoreflect.FieldDescriptor) string {
	if f.Message() != nil {
		return string(f.Message().FullName())
	}
	if f.Enum() != nil {
		return string(f.Enum().FullName())
	}
	return f.Kind().String()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
