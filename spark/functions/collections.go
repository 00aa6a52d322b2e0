package functions

import "github.com/firesteel/firesteel/spark"

// Functions of arrays, maps, structs, JSON and variants.

// Array is an ARRAY of the values.
func Array(columns ...any) spark.Column {
	return spark.Call("array", columns...)
}

// Struct is a STRUCT of the columns, with their names.
func Struct(columns ...any) spark.Column {
	return spark.Call("struct", columns...)
}

// NamedStruct is a STRUCT of names and values in turn.
func NamedStruct(columns ...any) spark.Column {
	return spark.Call("named_struct", columns...)
}

// Map is a MAP of keys and values in turn.
func Map(columns ...any) spark.Column {
	return spark.Call("map", columns...)
}

// Size is the number of elements of an array or map.
func Size(c spark.Column) spark.Column {
	return spark.Call("size", c)
}

// ArrayContains reports whether an array contains a value.
func ArrayContains(c spark.Column, value any) spark.Column {
	return spark.Call("array_contains", c, value)
}

// ArrayDistinct is the array without duplicates.
func ArrayDistinct(c spark.Column) spark.Column {
	return spark.Call("array_distinct", c)
}

// ArrayJoin is the texts of an array with a separator between them.
func ArrayJoin(c spark.Column, separator any) spark.Column {
	return spark.Call("array_join", c, separator)
}

// ArrayMax is the greatest element.
func ArrayMax(c spark.Column) spark.Column {
	return spark.Call("array_max", c)
}

// ArrayMin is the smallest element.
func ArrayMin(c spark.Column) spark.Column {
	return spark.Call("array_min", c)
}

// ArrayPosition is the position of the first element that is equal to a value, from 1, or 0.
func ArrayPosition(c spark.Column, value any) spark.Column {
	return spark.Call("array_position", c, value)
}

// ArrayRemove is the array without the elements that are equal to a value.
func ArrayRemove(c spark.Column, value any) spark.Column {
	return spark.Call("array_remove", c, value)
}

// ArrayAppend is the array with one more element.
func ArrayAppend(c spark.Column, value any) spark.Column {
	return spark.Call("array_append", c, value)
}

// ArrayUnion is the distinct elements of both arrays.
func ArrayUnion(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("array_union", c, other)
}

// ArrayIntersect is the distinct elements that both arrays have.
func ArrayIntersect(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("array_intersect", c, other)
}

// ArrayExcept is the distinct elements that the other array does not have.
func ArrayExcept(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("array_except", c, other)
}

// ArraysOverlap reports whether the arrays have an element in common.
func ArraysOverlap(c spark.Column, other spark.Column) spark.Column {
	return spark.Call("arrays_overlap", c, other)
}

// ArraysZip is an ARRAY of STRUCTs of the elements at each position.
func ArraysZip(columns ...any) spark.Column {
	return spark.Call("arrays_zip", columns...)
}

// SortArray is the array in order.
func SortArray(c spark.Column, ascending any) spark.Column {
	return spark.Call("sort_array", c, ascending)
}

// Flatten is the elements of the arrays of an array.
func Flatten(c spark.Column) spark.Column {
	return spark.Call("flatten", c)
}

// Slice is length elements from position start, which counts from 1, or from the end if it is negative.
func Slice(c spark.Column, start any, length any) spark.Column {
	return spark.Call("slice", c, start, length)
}

// Sequence is an ARRAY of the whole numbers from start to stop.
func Sequence(start spark.Column, stop spark.Column) spark.Column {
	return spark.Call("sequence", start, stop)
}

// ElementAt is the element at a position from 1, or from the end if it is negative, or the value of a key of a map.
func ElementAt(c spark.Column, key any) spark.Column {
	return spark.Call("element_at", c, key)
}

// TryElementAt is ElementAt, or NULL if there is none.
func TryElementAt(c spark.Column, key spark.Column) spark.Column {
	return spark.Call("try_element_at", c, key)
}

// Explode is a row for each element of an array, or for each key and value of a map.
func Explode(c spark.Column) spark.Column {
	return spark.Call("explode", c)
}

// ExplodeOuter is Explode with a row of NULL for NULL and for an empty array.
func ExplodeOuter(c spark.Column) spark.Column {
	return spark.Call("explode_outer", c)
}

// PosExplode is Explode with the position, from 0.
func PosExplode(c spark.Column) spark.Column {
	return spark.Call("posexplode", c)
}

// Inline is a row for each STRUCT of an array, with its fields as columns.
func Inline(c spark.Column) spark.Column {
	return spark.Call("inline", c)
}

// MapKeys is the keys of a map.
func MapKeys(c spark.Column) spark.Column {
	return spark.Call("map_keys", c)
}

// MapValues is the values of a map.
func MapValues(c spark.Column) spark.Column {
	return spark.Call("map_values", c)
}

// MapEntries is an ARRAY of STRUCTs of the keys and values of a map.
func MapEntries(c spark.Column) spark.Column {
	return spark.Call("map_entries", c)
}

// MapFromArrays is a MAP of an array of keys and an array of values.
func MapFromArrays(c spark.Column, values spark.Column) spark.Column {
	return spark.Call("map_from_arrays", c, values)
}

// MapFromEntries is a MAP of an array of STRUCTs of keys and values.
func MapFromEntries(c spark.Column) spark.Column {
	return spark.Call("map_from_entries", c)
}

// MapConcat is the keys and values of all maps.
func MapConcat(columns ...any) spark.Column {
	return spark.Call("map_concat", columns...)
}

// MapContainsKey reports whether a map has a key.
func MapContainsKey(c spark.Column, key any) spark.Column {
	return spark.Call("map_contains_key", c, key)
}

// Shuffle is the array in random order.
func Shuffle(c spark.Column) spark.Column {
	return spark.Call("shuffle", c)
}

// ArrayRepeat is an ARRAY of the value n times.
func ArrayRepeat(c spark.Column, n any) spark.Column {
	return spark.Call("array_repeat", c, n)
}

// Transform is the array with of applied to each element.
func Transform(c spark.Column, of func(element spark.Column) spark.Column) spark.Column {
	return spark.Call("transform", c, spark.Lambda(1, func(x ...spark.Column) spark.Column { return of(x[0]) }))
}

// FilterArray is the elements for which of is true.
func FilterArray(c spark.Column, of func(element spark.Column) spark.Column) spark.Column {
	return spark.Call("filter", c, spark.Lambda(1, func(x ...spark.Column) spark.Column { return of(x[0]) }))
}

// Exists reports whether of is true for an element.
func Exists(c spark.Column, of func(element spark.Column) spark.Column) spark.Column {
	return spark.Call("exists", c, spark.Lambda(1, func(x ...spark.Column) spark.Column { return of(x[0]) }))
}

// ForAll reports whether of is true for all elements.
func ForAll(c spark.Column, of func(element spark.Column) spark.Column) spark.Column {
	return spark.Call("forall", c, spark.Lambda(1, func(x ...spark.Column) spark.Column { return of(x[0]) }))
}

// Aggregate is the value of of for the elements in their order, applied to the value so far, at first start, and the element.
func Aggregate(c spark.Column, start any, of func(a, b spark.Column) spark.Column) spark.Column {
	return spark.Call("aggregate", c, start, spark.Lambda(2, func(x ...spark.Column) spark.Column { return of(x[0], x[1]) }))
}

// TransformValues is the map with its values replaced by of of the key and the value.
func TransformValues(c spark.Column, of func(key, value spark.Column) spark.Column) spark.Column {
	return spark.Call("transform_values", c, spark.Lambda(2, func(x ...spark.Column) spark.Column { return of(x[0], x[1]) }))
}

// TransformKeys is the map with its keys replaced by of of the key and the value.
func TransformKeys(c spark.Column, of func(key, value spark.Column) spark.Column) spark.Column {
	return spark.Call("transform_keys", c, spark.Lambda(2, func(x ...spark.Column) spark.Column { return of(x[0], x[1]) }))
}

// MapFilter is the keys and values of a map for which of is true.
func MapFilter(c spark.Column, of func(key, value spark.Column) spark.Column) spark.Column {
	return spark.Call("map_filter", c, spark.Lambda(2, func(x ...spark.Column) spark.Column { return of(x[0], x[1]) }))
}

// ZipWith is an ARRAY of of, of the elements of both arrays at each position.
func ZipWith(c spark.Column, other spark.Column, of func(a, b spark.Column) spark.Column) spark.Column {
	return spark.Call("zip_with", c, other, spark.Lambda(2, func(x ...spark.Column) spark.Column { return of(x[0], x[1]) }))
}

// FromJSON is the value of a JSON text by a schema as DDL, or NULL.
func FromJSON(c spark.Column, schema any) spark.Column {
	return spark.Call("from_json", c, schema)
}

// ToJSON is a STRUCT, ARRAY or MAP as JSON.
func ToJSON(c spark.Column) spark.Column {
	return spark.Call("to_json", c)
}

// GetJSONObject is the value at a path such as $.a.b in a JSON text.
func GetJSONObject(c spark.Column, path any) spark.Column {
	return spark.Call("get_json_object", c, path)
}

// JSONArrayLength is the number of elements of a JSON array.
func JSONArrayLength(c spark.Column) spark.Column {
	return spark.Call("json_array_length", c)
}

// SchemaOfJSON is the schema of a JSON text as DDL.
func SchemaOfJSON(c spark.Column) spark.Column {
	return spark.Call("schema_of_json", c)
}

// FromCSV is the STRUCT of a line of CSV by a schema as DDL.
func FromCSV(c spark.Column, schema any) spark.Column {
	return spark.Call("from_csv", c, schema)
}

// ToCSV is a STRUCT as a line of CSV.
func ToCSV(c spark.Column) spark.Column {
	return spark.Call("to_csv", c)
}

// ParseJSON is the VARIANT of a JSON text; since Spark 4.0.
func ParseJSON(c spark.Column) spark.Column {
	return spark.Call("parse_json", c)
}

// VariantGet is the value at a path in a VARIANT as a type; since Spark 4.0.
func VariantGet(c spark.Column, path any, to any) spark.Column {
	return spark.Call("variant_get", c, path, to)
}
