package sqltypes

import (
	"cmp"
	"fmt"
	"reflect"
)

// Field is a field of a struct that is a column.
type Field struct {
	Name   string // of the column
	GoName string // of the field
	Index  []int  // for reflect.Value.FieldByIndex
	Type   reflect.Type
}

// Fields lists the columns of a struct: its exported fields, with their names or the
// names of tags `spark:"name"`. `spark:"-"` excludes a field. The fields of an
// embedded struct are columns too.
func Fields(t reflect.Type) ([]Field, error) {
	var fields []Field
	seen := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("spark")
		if !f.IsExported() || tag == "-" || f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			continue
		}
		if len(f.Index) > 1 && throughPointer(t, f.Index) {
			return nil, fmt.Errorf("field %s of %s: the fields of an embedded pointer cannot be columns; embed the struct itself", f.Name, t)
		}
		name := cmp.Or(tag, f.Name)
		if seen[name] {
			return nil, fmt.Errorf("%s has two fields for the column %q", t, name)
		}
		seen[name] = true
		fields = append(fields, Field{name, f.Name, f.Index, f.Type})
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s has no exported fields, so it cannot be a row", t)
	}
	return fields, nil
}

func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Pointer {
			return true
		}
		t = f.Type
	}
	return false
}
