package parquet

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// nodeFor returns the schema node of a field that was not read from a Parquet
// file. The Arrow library chooses the physical and logical types.
func nodeFor(f arrow.Field) (*node, error) {
	t, err := storable(f.Type)
	if err != nil {
		return nil, fmt.Errorf("column %s is %s: %w", f.Name, f.Type, err)
	}
	props := pq.NewWriterProperties()
	one := arrow.NewSchema([]arrow.Field{{Name: f.Name, Type: t, Nullable: f.Nullable || t.ID() == arrow.NULL}}, nil)
	schema, err := pqarrow.ToParquet(one, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("column %s is %s: %w", f.Name, f.Type, err)
	}
	meta, err := metadata.NewFileMetadataBuilder(schema, props, nil).Finish()
	if err != nil {
		return nil, err
	}
	encoded, err := meta.Serialize(context.Background())
	if err != nil {
		return nil, err
	}
	m, err := parseMetaData(encoded)
	if err != nil {
		return nil, err
	}
	root, err := tree(m.elements)
	if err != nil {
		return nil, err
	}
	return root.children[0], nil
}

// storable returns a type that can store the values of t and that the Arrow
// library can convert to a Parquet type.
func storable(t arrow.DataType) (arrow.DataType, error) {
	switch t := t.(type) {
	case arrow.ExtensionType:
		return storable(t.StorageType())
	case *arrow.DictionaryType:
		return storable(t.ValueType)
	case *arrow.DurationType:
		return arrow.PrimitiveTypes.Int64, nil
	case *arrow.StringViewType, *arrow.LargeStringType:
		return arrow.BinaryTypes.String, nil
	case *arrow.BinaryViewType, *arrow.LargeBinaryType:
		return arrow.BinaryTypes.Binary, nil
	case *arrow.Decimal32Type:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}, nil
	case *arrow.Decimal64Type:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}, nil
	case *arrow.MapType:
		key, err := storable(t.KeyType())
		if err != nil {
			return nil, err
		}
		item := t.ItemField()
		if item.Type, err = storable(item.Type); err != nil {
			return nil, err
		}
		keyField := t.KeyField()
		keyField.Type = key
		return arrow.MapOfFields(keyField, item), nil
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType, *arrow.ListViewType, *arrow.LargeListViewType:
		element := t.(arrow.ListLikeType).ElemField()
		var err error
		if element.Type, err = storable(element.Type); err != nil {
			return nil, err
		}
		return arrow.ListOfField(element), nil
	case *arrow.StructType:
		if t.NumFields() == 0 {
			return nil, fmt.Errorf("Parquet has no STRUCT without fields")
		}
		fields := t.Fields()
		for i := range fields {
			var err error
			if fields[i].Type, err = storable(fields[i].Type); err != nil {
				return nil, err
			}
		}
		return arrow.StructOf(fields...), nil
	}
	return t, nil
}
