package parquet

import (
	"fmt"
	"math"
	"strings"

	pq "github.com/apache/arrow-go/v18/parquet"
)

// Values of the format's enumerations.
const (
	required = 0
	optional = 1
	repeated = 2

	convertedUTF8        = 0
	convertedMap         = 1
	convertedMapKeyValue = 2
	convertedList        = 3
	convertedEnum        = 4
	convertedDecimal     = 5
	convertedDate        = 6
	convertedTimeMillis  = 7
	convertedTimeMicros  = 8
	convertedStampMillis = 9
	convertedStampMicros = 10
	convertedUint8       = 11
	convertedInt8        = 15
	convertedInt64       = 18
	convertedJSON        = 19
	convertedBSON        = 20
)

// Field ids of the union LogicalType.
const (
	logicalString    = 1
	logicalMap       = 2
	logicalList      = 3
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
	logicalNull      = 11
	logicalJSON      = 12
	logicalUUID      = 14
	logicalFloat16   = 15
	logicalFile      = 19
)

// Field ids of the union TimeUnit.
const (
	millis = 1
	micros = 2
	nanos  = 3
)

// element is a SchemaElement: a leaf, or a group. The children of a group follow
// it in the schema.
type element struct {
	raw        []byte // encoded as in the file; written again unchanged
	name       string
	group      bool
	physical   pq.Type // of a leaf
	length     int32   // of a FIXED_LEN_BYTE_ARRAY
	repetition int8
	children   int
	converted  int8 // -1 for none
	logical    logicalType
}

// logicalType is the annotation of an element, with its parameters. An id of 0
// means that the element has no annotation.
type logicalType struct {
	id        int16
	precision int32
	scale     int32
	utc       bool
	unit      int16
	bits      int8
	signed    bool
	unknown   bool // the annotation is unknown; id is that of the converted type
}

func (r *thriftReader) element() element {
	e := element{converted: -1}
	var precision, scale int32
	physical, children, typed := int64(0), int64(0), false
	e.raw = r.raw(func() {
		r.structure(0, func(id int16, kind byte) bool {
			switch {
			case id == 1 && kind == kindI32:
				physical, typed = r.int(), true
			case id == 2 && kind == kindI32:
				e.length = int32(r.int())
			case id == 3 && kind == kindI32:
				e.repetition = int8(r.int())
			case id == 4 && kind == kindBinary:
				e.name = string(r.binary())
			case id == 5 && kind == kindI32:
				children = r.int()
			case id == 6 && kind == kindI32:
				e.converted = int8(r.int())
			case id == 7 && kind == kindI32:
				scale = int32(r.int())
			case id == 8 && kind == kindI32:
				precision = int32(r.int())
			case id == 10 && kind == kindStruct:
				e.logical = r.logicalType()
			default:
				return false
			}
			return true
		})
	})
	// Some writers set num_children to 0 on a leaf, so the physical type decides.
	if e.group = !typed; e.group {
		e.children = int(max(0, min(children, math.MaxInt32)))
	}
	e.physical = pq.Type(physical)
	// An element with an unknown annotation may also have a converted type.
	if l := e.logical.id; l == 0 || l == 9 || l > logicalFile {
		e.logical = logicalOf(e.converted)
		e.logical.unknown = l != 0
		if e.logical.id == logicalDecimal {
			e.logical.precision, e.logical.scale = precision, scale
		}
	}
	return e
}

// logicalType reads the union LogicalType.
func (r *thriftReader) logicalType() (l logicalType) {
	r.structure(0, func(id int16, kind byte) bool {
		if kind != kindStruct {
			return false
		}
		l = logicalType{id: id}
		r.structure(0, func(field int16, kind byte) bool {
			switch {
			case id == logicalDecimal && field == 1 && kind == kindI32:
				l.scale = int32(r.int())
			case id == logicalDecimal && field == 2 && kind == kindI32:
				l.precision = int32(r.int())
			case (id == logicalTime || id == logicalTimestamp) && field == 1:
				l.utc = kind == kindTrue
				return false
			case (id == logicalTime || id == logicalTimestamp) && field == 2 && kind == kindStruct:
				r.structure(0, func(unit int16, _ byte) bool { l.unit = unit; return false })
			case id == logicalInteger && field == 1 && kind == kindByte:
				l.bits = int8(r.byte())
			case id == logicalInteger && field == 2:
				l.signed = kind == kindTrue
				return false
			default:
				return false
			}
			return true
		})
		return true
	})
	return l
}

// logicalOf returns the logical type that is equivalent to a converted type.
func logicalOf(converted int8) logicalType {
	switch converted {
	case convertedUTF8:
		return logicalType{id: logicalString}
	case convertedMap, convertedMapKeyValue:
		return logicalType{id: logicalMap}
	case convertedList:
		return logicalType{id: logicalList}
	case convertedEnum:
		return logicalType{id: logicalEnum}
	case convertedDecimal:
		return logicalType{id: logicalDecimal}
	case convertedDate:
		return logicalType{id: logicalDate}
	case convertedTimeMillis:
		return logicalType{id: logicalTime, utc: true, unit: millis}
	case convertedTimeMicros:
		return logicalType{id: logicalTime, utc: true, unit: micros}
	case convertedStampMillis:
		return logicalType{id: logicalTimestamp, utc: true, unit: millis}
	case convertedStampMicros:
		return logicalType{id: logicalTimestamp, utc: true, unit: micros}
	case convertedJSON:
		return logicalType{id: logicalJSON}
	}
	if converted >= convertedUint8 && converted <= convertedInt64 {
		width := (converted - convertedUint8) % 4
		return logicalType{id: logicalInteger, bits: 8 << width, signed: converted >= convertedInt8}
	}
	return logicalType{}
}

// node is an element in the tree of the schema.
type node struct {
	element
	def, rep int16 // maximum definition and repetition level
	children []*node
	leaf     int    // index among the leaves; -1 for a group
	path     string // names from the root, separated by dots
}

// maxLeaves is the largest number of leaves, because each leaf needs memory.
const maxLeaves = 1 << 20

// tree builds the schema's tree from its elements. The first element is the
// root.
func tree(elements []element) (*node, error) {
	if len(elements) == 0 {
		return nil, damaged("its schema is empty")
	}
	t := treeBuilder{elements: elements}
	root := &node{element: elements[0], leaf: -1}
	if !root.group {
		return nil, damaged("its schema has no root")
	}
	t.at = 1
	if err := t.addChildren(root, 0); err != nil {
		return nil, err
	}
	if t.at != len(elements) {
		return nil, damaged("its schema has %d elements, of which the last %d belong to no group", len(elements), len(elements)-t.at)
	}
	return root, nil
}

type treeBuilder struct {
	elements []element
	at       int
	leaves   int
}

// addChildren reads the children of the group n from the elements that follow it.
func (t *treeBuilder) addChildren(n *node, depth int) error {
	if depth > maxDepth {
		return unsupported("its columns are nested more than %d levels deep", maxDepth)
	}
	if n.element.children > len(t.elements)-t.at {
		return damaged("%s is a group of %d elements, but only %d elements follow it", n.title(), n.element.children, len(t.elements)-t.at)
	}
	for range n.element.children {
		if t.at == len(t.elements) {
			return damaged("its schema ends within %s", n.title())
		}
		c := &node{element: t.elements[t.at], def: n.def, rep: n.rep, leaf: -1}
		t.at++
		c.path = c.name
		if depth > 0 {
			c.path = n.path + "." + c.name
		}
		switch c.repetition {
		case required:
		case optional:
			c.def++
		case repeated:
			c.def++
			c.rep++
		default:
			return damaged("%s has the invalid repetition type %d", c.title(), c.repetition)
		}
		n.children = append(n.children, c)
		if c.group {
			if c.element.children == 0 {
				return unsupported("%s is a group without columns", c.title())
			}
			if err := t.addChildren(c, depth+1); err != nil {
				return err
			}
			continue
		}
		if c.physical < 0 || c.physical > pq.Types.FixedLenByteArray {
			return damaged("%s has the invalid physical type %d", c.title(), c.physical)
		}
		if c.physical == pq.Types.FixedLenByteArray && c.length <= 0 {
			return damaged("%s has the invalid value length %d", c.title(), c.length)
		}
		c.leaf = t.leaves
		if t.leaves++; t.leaves > maxLeaves {
			return unsupported("it has more than %d columns", maxLeaves)
		}
	}
	return nil
}

// title returns the node's name for error messages.
func (n *node) title() string {
	if n.path == "" {
		return "the root of its schema"
	}
	return "column " + n.path
}

// each calls visit for the node and all its descendants, in the schema's order.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.each(visit)
	}
}

// eachLeaf calls visit for the leaves of the node, in the schema's order.
func (n *node) eachLeaf(visit func(*node)) {
	n.each(func(n *node) {
		if n.leaf >= 0 {
			visit(n)
		}
	})
}

// raw returns the elements of the node and of its descendants, encoded as in the
// file.
func (n *node) raw() []byte {
	b := append([]byte(nil), n.element.raw...)
	for _, c := range n.children {
		b = append(b, c.raw()...)
	}
	return b
}

// parse decodes the result of raw.
func parse(raw []byte) (*node, error) {
	r := thriftReader{b: raw}
	root := thriftWriter{}
	root.int(5, kindI32, 1)
	elements := []element{{raw: root.end(), group: true, children: 1}}
	for r.at < len(r.b) && !r.bad {
		elements = append(elements, r.element())
	}
	if r.bad {
		return nil, damaged("the schema of a column cannot be read")
	}
	n, err := tree(elements)
	if err != nil {
		return nil, err
	}
	return n.children[0], nil
}

// physicalOnly returns the node's element, encoded without annotations. Levels
// and values depend on these fields only.
func (n *node) physicalOnly() []byte {
	var w thriftWriter
	if n.group {
		w.int(3, kindI32, int64(n.repetition))
		w.text(4, n.name)
		w.int(5, kindI32, int64(len(n.children)))
		return w.end()
	}
	w.int(1, kindI32, int64(n.physical))
	if n.physical == pq.Types.FixedLenByteArray {
		w.int(2, kindI32, int64(n.length))
	}
	w.int(3, kindI32, int64(n.repetition))
	w.text(4, n.name)
	return w.end()
}

func damaged(format string, args ...any) error {
	return &Damaged{fmt.Errorf(format, args...)}
}

// Damaged is the error for a file that violates the Parquet format. Other errors
// of a Reader concern valid files that use an unsupported feature.
type Damaged struct{ err error }

func (d *Damaged) Error() string { return strings.TrimPrefix(d.err.Error(), "parquet: ") }

func (d *Damaged) Unwrap() error { return d.err }

// unsupported returns an error for a valid file that uses an unsupported feature.
func unsupported(format string, args ...any) error { return fmt.Errorf(format, args...) }
