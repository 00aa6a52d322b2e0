package parquet

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// kind is the shape of an Arrow column.
type kind int

const (
	leafKind kind = iota
	structKind
	listKind // also a MAP, whose elements are structs of a key and a value
)

// column maps a node of a file's schema to an Arrow column.
type column struct {
	kind     kind
	field    arrow.Field
	node     *node // the outermost node of the column
	optional bool  // it may be NULL
	isMap    bool

	// A definition level of at least slot means that the Arrow array has an
	// element at this position. A level of at least def means that the element
	// and the structs that contain it are not NULL.
	slot, def int16
	// rep is the repetition level of the list that contains the column, or 0.
	rep int16
	// elementDef and elementRep are the levels of a list's elements. A definition
	// level from def to elementDef-1 means that the list is empty.
	elementDef, elementRep int16

	children []*column
	leaves   []int // indices of the column's leaves
	leaf     leafType
}

// columnOf returns the column of a node. slot is the definition level from which
// on an element of the enclosing list, or the row, exists.
func columnOf(n *node, slot int16) (*column, error) {
	if n.repetition == repeated {
		return repeatedColumn(n, slot)
	}
	return singleColumn(n, slot, n.rep)
}

// singleColumn returns the column of one occurrence of a node. It ignores that
// the node is repeated.
func singleColumn(n *node, slot, rep int16) (*column, error) {
	c := &column{node: n, slot: slot, def: n.def, rep: rep, optional: n.repetition == optional}
	n.eachLeaf(func(l *node) { c.leaves = append(c.leaves, l.leaf) })
	switch {
	case !n.group:
		c.leaf = leafTypeOf(n)
	case isList(n), isMap(n):
		inner := n.children[0]
		element, err := elementOf(n, inner)
		if err != nil {
			return nil, err
		}
		c.kind, c.elementDef, c.elementRep = listKind, inner.def, inner.rep
		c.children = []*column{element}
		c.isMap = isMap(n) && element.kind == structKind && len(element.children) == 2
	default:
		c.kind = structKind
		for _, child := range n.children {
			// Where an Arrow struct is NULL, its fields still have an element.
			field, err := columnOf(child, slot)
			if err != nil {
				return nil, err
			}
			c.children = append(c.children, field)
		}
	}
	c.setField()
	return c, nil
}

// setField sets the Arrow field. Its type depends on the types of the children.
func (c *column) setField() {
	var t arrow.DataType
	switch {
	case c.kind == leafKind:
		t = c.leaf.arrow
	case c.isMap:
		entry := c.children[0]
		key, value := entry.children[0].field, entry.children[1].field
		key.Nullable = false // Arrow allows no NULL keys; reading one is an error
		mapType := arrow.MapOfFields(key, value)
		entry.field.Type, t = mapType.Elem(), mapType
	case c.kind == listKind:
		t = arrow.ListOfField(c.children[0].field)
	default:
		fields := make([]arrow.Field, len(c.children))
		for i, child := range c.children {
			fields[i] = child.field
		}
		t = arrow.StructOf(fields...)
	}
	c.field = arrow.Field{Name: c.node.name, Type: t, Nullable: c.optional}
}

// retype calls change for each leaf, and then updates the Arrow fields.
func (c *column) retype(change func(leaf *column) error) error {
	if c.kind == leafKind {
		if err := change(c); err != nil {
			return err
		}
	}
	for _, child := range c.children {
		if err := child.retype(change); err != nil {
			return err
		}
	}
	c.setField()
	return nil
}

func isList(n *node) bool {
	return n.group && n.logical.id == logicalList && len(n.children) == 1 && n.children[0].repetition == repeated
}

func isMap(n *node) bool {
	return n.group && n.logical.id == logicalMap && len(n.children) == 1 && n.children[0].repetition == repeated && n.children[0].group
}

// elementOf returns the column of a list's elements. It follows the rules of the
// format for lists of two and of three levels (LogicalTypes.md, "Lists").
func elementOf(list, inner *node) (*column, error) {
	if only := onlyChild(inner); only != nil && only.repetition != repeated &&
		(isMap(list) || inner.logical.id == 0 && inner.name != "array" && inner.name != list.name+"_tuple") {
		return columnOf(only, inner.def)
	}
	return singleColumn(inner, inner.def, inner.rep)
}

// onlyChild returns the child of a node that has exactly one child, or nil.
func onlyChild(n *node) *node {
	if len(n.children) != 1 {
		return nil
	}
	return n.children[0]
}

// repeatedColumn returns the column of a repeated node without a LIST or MAP
// annotation: a list that is never NULL, of elements that are never NULL.
func repeatedColumn(n *node, slot int16) (*column, error) {
	element, err := singleColumn(n, n.def, n.rep)
	if err != nil {
		return nil, err
	}
	c := &column{
		kind: listKind, node: n, slot: slot, def: n.def - 1, rep: n.rep - 1,
		elementDef: n.def, elementRep: n.rep, children: []*column{element}, leaves: element.leaves,
	}
	c.setField()
	return c, nil
}

// columnsOf returns the columns of a file's schema.
func columnsOf(root *node) ([]*column, error) {
	columns := make([]*column, len(root.children))
	for i, n := range root.children {
		var err error
		if columns[i], err = columnOf(n, 0); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// title returns the column's name for error messages.
func (c *column) title() string { return "column " + strings.TrimPrefix(c.node.path, ".") }
