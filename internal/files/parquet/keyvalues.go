package parquet

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// Keys of key-value pairs that describe the columns of a file. Their values must
// also describe the columns that are added.
const (
	// sparkKey is the key of Spark's schema in JSON. Spark reads the columns that
	// this schema lists.
	sparkKey = "org.apache.spark.sql.parquet.row.metadata"
)

// avroKeys are the keys of Avro's schema. Avro's readers reject a file with
// columns that the schema does not list. They accept a file without the schema.
var avroKeys = []string{"parquet.avro.schema", "avro.schema"}

// keyValues returns the key-value pairs of a file with the schema s. read states
// which fields are unchanged from the file that the schema's metadata comes from.
// If there is no such file, the result includes Arrow's schema, which preserves
// the types that Parquet does not have.
func keyValues(s *arrow.Schema, read []bool) (pairs []keyValue, err error) {
	metadata := s.Metadata()
	for i, key := range metadata.Keys() {
		value, keep := metadata.Values()[i], true
		switch {
		case key == rootKey:
			keep = false
		case key == sparkKey:
			value, keep = sparkSchema(value, s, read)
		case key == arrowKey:
			value, keep = extendedArrow(value, s, read)
		case slices.Contains(avroKeys, key):
			keep = !slices.Contains(read, false)
		}
		if keep {
			pairs = append(pairs, keyValue{key, value})
		}
	}
	if slices.Contains(read, true) || slices.Contains(metadata.Keys(), arrowKey) {
		return pairs, nil
	}
	fields := s.Fields()
	for i := range fields {
		fields[i] = storedField(fields[i])
	}
	own := without(metadata, rootKey)
	stored, err := encodeArrow(arrow.NewSchema(fields, &own))
	if err != nil {
		return nil, err
	}
	return append(pairs, keyValue{arrowKey, stored}), nil
}

// without returns the metadata m without the given keys.
func without(m arrow.Metadata, keys ...string) arrow.Metadata {
	var k, v []string
	for i, key := range m.Keys() {
		if !slices.Contains(keys, key) {
			k, v = append(k, key), append(v, m.Values()[i])
		}
	}
	return arrow.NewMetadata(k, v)
}

// storedField returns a field for Arrow's schema. It names list elements as the
// file does, and drops the metadata of this package.
func storedField(f arrow.Field) arrow.Field {
	f.Metadata = without(f.Metadata, columnKey, chunkKey)
	f.Type = storedType(f.Type)
	return f
}

func storedType(t arrow.DataType) arrow.DataType {
	element := func(l arrow.ListLikeType) arrow.Field {
		f := storedField(l.ElemField())
		f.Name = "element"
		return f
	}
	switch t := t.(type) {
	case *arrow.ListType:
		return arrow.ListOfField(element(t))
	case *arrow.LargeListType:
		return arrow.LargeListOfField(element(t))
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOfField(t.Len(), element(t))
	case *arrow.MapType:
		return arrow.MapOfFields(storedField(t.KeyField()), storedField(t.ItemField()))
	case *arrow.StructType:
		fields := t.Fields()
		for i := range fields {
			fields[i] = storedField(fields[i])
		}
		return arrow.StructOf(fields...)
	}
	return t
}

// unchanged reports whether every field of the schema was read from the file, and
// names are the names of the fields.
func unchanged(s *arrow.Schema, read []bool, names []string) bool {
	for i, f := range s.Fields() {
		if !read[i] || i >= len(names) || names[i] != f.Name {
			return false
		}
	}
	return len(names) == s.NumFields()
}

// sparkSchema returns Spark's schema, extended to the fields of s. keep is false
// if Spark has no type for a field. Spark then derives the schema from the file.
func sparkSchema(text string, s *arrow.Schema, read []bool) (extended string, keep bool) {
	var stored struct {
		Type   string            `json:"type"`
		Fields []json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal([]byte(text), &stored); err != nil || stored.Type != "struct" {
		return text, !slices.Contains(read, false)
	}
	var names []string
	byName := map[string]json.RawMessage{}
	for _, raw := range stored.Fields {
		var field struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(raw, &field) != nil {
			return text, !slices.Contains(read, false)
		}
		names = append(names, field.Name)
		byName[field.Name] = raw
	}
	if unchanged(s, read, names) {
		return text, true
	}
	stored.Fields = nil
	for i, f := range s.Fields() {
		raw, ok := byName[f.Name]
		if !ok || !read[i] {
			field, ok := sparkField(f)
			if !ok {
				return "", false
			}
			raw, _ = json.Marshal(field) // cannot fail: strings and maps of strings
		}
		stored.Fields = append(stored.Fields, raw)
	}
	b, err := json.Marshal(stored)
	return string(b), err == nil
}

type sparkStructField struct {
	Name     string   `json:"name"`
	Type     any      `json:"type"`
	Nullable bool     `json:"nullable"`
	Metadata struct{} `json:"metadata"`
}

func sparkField(f arrow.Field) (sparkStructField, bool) {
	t, ok := sparkType(f.Type)
	return sparkStructField{Name: f.Name, Type: t, Nullable: f.Nullable}, ok
}

var sparkTypes = map[arrow.Type]string{
	arrow.BOOL: "boolean", arrow.INT8: "byte", arrow.INT16: "short", arrow.INT32: "integer", arrow.INT64: "long",
	arrow.UINT8: "short", arrow.UINT16: "integer", arrow.UINT32: "long", arrow.UINT64: "decimal(20,0)",
	arrow.FLOAT32: "float", arrow.FLOAT64: "double", arrow.STRING: "string", arrow.LARGE_STRING: "string", arrow.STRING_VIEW: "string",
	arrow.BINARY: "binary", arrow.LARGE_BINARY: "binary", arrow.FIXED_SIZE_BINARY: "binary", arrow.DATE32: "date",
}

// sparkType returns the type as in Spark's JSON schema: a name or an object. ok is
// false if Spark has no such type.
func sparkType(t arrow.DataType) (name any, ok bool) {
	if name, ok := sparkTypes[t.ID()]; ok {
		return name, true
	}
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return sparkType(t.ValueType)
	case *arrow.TimestampType:
		if t.TimeZone == "" {
			return "timestamp_ntz", true
		}
		return "timestamp", true
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale), true
	case *arrow.MapType:
		key, ok := sparkType(t.KeyType())
		value, ok2 := sparkType(t.ItemType())
		return map[string]any{"type": "map", "keyType": key, "valueType": value, "valueContainsNull": t.ItemField().Nullable}, ok && ok2
	case arrow.ListLikeType:
		element, ok := sparkType(t.Elem())
		return map[string]any{"type": "array", "elementType": element, "containsNull": t.ElemField().Nullable}, ok
	case *arrow.StructType:
		fields := make([]sparkStructField, t.NumFields())
		for i, f := range t.Fields() {
			var ok bool
			if fields[i], ok = sparkField(f); !ok {
				return nil, false
			}
		}
		return map[string]any{"type": "struct", "fields": fields}, true
	}
	return nil, false
}

// extendedArrow returns Arrow's schema, extended to the fields of s. keep is false
// if the schema must be extended but cannot be decoded.
func extendedArrow(encoded string, s *arrow.Schema, read []bool) (extended string, keep bool) {
	stored := arrowSchema(encoded)
	if stored == nil {
		return encoded, !slices.Contains(read, false)
	}
	var names []string
	byName := map[string]arrow.Field{}
	for _, f := range stored.Fields() {
		names = append(names, f.Name)
		byName[f.Name] = f
	}
	if unchanged(s, read, names) {
		return encoded, true
	}
	var fields []arrow.Field
	for i, f := range s.Fields() {
		field, ok := byName[f.Name]
		if !ok || !read[i] {
			field = storedField(f)
		}
		fields = append(fields, field)
	}
	metadata := stored.Metadata()
	extended, err := encodeArrow(arrow.NewSchema(fields, &metadata))
	return extended, err == nil
}
