package parquet

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// kind is what a column is as an Arrow column.
type kind int

const (
	leafKind kind = iota
	structKind
	listKind // of a MAP too, whose elements are structs of a key and a value
)

// column is how nodes of a file's schema are seen as an Arrow column. Levels
// say of its place in a row:
type column struct {
	kind     kind
	field    arrow.Field
	node     *node // the outermost, of which it is made
	optional bool  // it may be NULL
	isMap    bool

	// slot is the definition level from which on there is a place for a value,
	// def the one from which on it is there: neither it is NULL, nor a struct
	// around it.
	slot, def int16
	// rep is the repetition level of the list around it, 0 without one.
	rep int16
	// Of a list: from def to below elementDef it is empty.
	elementDef, elementRep int16

	children []*column
	leaves   []int // numbers of the leaves below it
	leaf     leafType
}

// columnOf is the column of a node within a list, or a row, whose elements are
// there from the definition level slot on.
func columnOf(n *node, slot int16) (*column, error) {
	if n.repetition == repeated {
		return repeatedColumn(n, slot)
	}
	return singleColumn(n, slot, n.rep)
}

// singleColumn is that of a node for one place, whether the node is repeated
// or not.
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
			// Arrow's structs have places for their fields where they are NULL.
			of, err := columnOf(child, slot)
			if err != nil {
				return nil, err
			}
			c.children = append(c.children, of)
		}
	}
	c.setField()
	return c, nil
}

// setField sets the Arrow field, whose type follows from the children's.
func (c *column) setField() {
	var t arrow.DataType
	switch {
	case c.kind == leafKind:
		t = c.leaf.arrow
	case c.isMap:
		entry := c.children[0]
		key, value := entry.children[0].field, entry.children[1].field
		key.Nullable = false // as Arrow wants it: a key that is NULL is an error
		of := arrow.MapOfFields(key, value)
		entry.field.Type, t = of.Elem(), of
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

// retype has the types of the leaves changed.
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

// elementOf is the column of a list's elements, by the rules of the format for
// lists of two and of three levels (LogicalTypes.md, "Lists").
func elementOf(list, inner *node) (*column, error) {
	if only := onlyChild(inner); only != nil && only.repetition != repeated &&
		(isMap(list) || inner.logical.id == 0 && inner.name != "array" && inner.name != list.name+"_tuple") {
		return columnOf(only, inner.def)
	}
	return singleColumn(inner, inner.def, inner.rep)
}

func onlyChild(n *node) *node {
	if len(n.children) != 1 {
		return nil
	}
	return n.children[0]
}

// repeatedColumn is a list without annotation, of elements that are not NULL.
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

// columnsOf are those of a file's schema.
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

func (c *column) title() string { return "column " + strings.TrimPrefix(c.node.path, ".") }
