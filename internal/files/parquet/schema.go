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

// Fields of the union LogicalType.
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

// Units of times.
const (
	millis = 1
	micros = 2
	nanos  = 3
)

// element is one of the schema's elements: a leaf, or a group of those that
// follow it.
type element struct {
	raw        []byte // as it is in the file; all of it is written again
	name       string
	group      bool
	physical   pq.Type // of a leaf
	length     int32   // of a FIXED_LEN_BYTE_ARRAY
	repetition int8
	children   int
	converted  int8 // -1 for none
	logical    logicalType
}

// logicalType is the annotation, with the parameters that it has. ID 0 is none.
type logicalType struct {
	id        int16
	precision int32
	scale     int32
	utc       bool
	unit      int16
	bits      int8
	signed    bool
	unknown   bool // it is of a later version; id is what comes beside it
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
	// A leaf may say that it has 0 children.
	if e.group = !typed; e.group {
		e.children = int(max(0, min(children, math.MaxInt32)))
	}
	e.physical = pq.Type(physical)
	// An annotation of a later version may come with an old one beside it.
	if l := e.logical.id; l == 0 || l == 9 || l > logicalFile {
		e.logical = logicalOf(e.converted)
		e.logical.unknown = l != 0
		if e.logical.id == logicalDecimal {
			e.logical.precision, e.logical.scale = precision, scale
		}
	}
	return e
}

// logicalType reads the union.
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

// logicalOf is the logical type that a converted type stands for.
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

// node is an element in its place in the schema.
type node struct {
	element
	def, rep int16 // most definition and repetition levels here
	children []*node
	leaf     int // number among the leaves; -1 for a group
	path     string
}

// maxLeaves bounds the columns that are read, each of which needs memory.
const maxLeaves = 1 << 20

// tree puts elements in their places: the first is the parent of all.
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
	if err := t.below(root, 0); err != nil {
		return nil, err
	}
	if t.at != len(elements) {
		return nil, damaged("its schema has %d elements, of which the last %d have no place", len(elements), len(elements)-t.at)
	}
	return root, nil
}

type treeBuilder struct {
	elements []element
	at       int
	leaves   int
}

func (t *treeBuilder) below(n *node, depth int) error {
	if depth > maxDepth {
		return unsupported("its columns are nested deeper than %d", maxDepth)
	}
	if n.element.children > len(t.elements)-t.at {
		return damaged("%s is a group of %d, but %d elements follow it", n.title(), n.element.children, len(t.elements)-t.at)
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
			return damaged("%s is repeated in a way (%d) that Parquet does not have", c.title(), c.repetition)
		}
		n.children = append(n.children, c)
		if c.group {
			if c.element.children == 0 {
				return unsupported("%s is a group without columns", c.title())
			}
			if err := t.below(c, depth+1); err != nil {
				return err
			}
			continue
		}
		if c.physical < 0 || c.physical > pq.Types.FixedLenByteArray {
			return damaged("%s is of the physical type %d, which Parquet does not have", c.title(), c.physical)
		}
		if c.physical == pq.Types.FixedLenByteArray && c.length <= 0 {
			return damaged("%s has values of %d bytes", c.title(), c.length)
		}
		c.leaf = t.leaves
		if t.leaves++; t.leaves > maxLeaves {
			return unsupported("it has more than %d columns", maxLeaves)
		}
	}
	return nil
}

func (n *node) title() string {
	if n.path == "" {
		return "the root of its schema"
	}
	return "column " + n.path
}

// eachLeaf visits the leaves below a node in their order.
func (n *node) eachLeaf(visit func(*node)) {
	if n.leaf >= 0 {
		visit(n)
	}
	for _, c := range n.children {
		c.eachLeaf(visit)
	}
}

// raw is the node and all below it, as they are in a file.
func (n *node) raw() []byte {
	b := append([]byte(nil), n.element.raw...)
	for _, c := range n.children {
		b = append(b, c.raw()...)
	}
	return b
}

// parse is the opposite of raw.
func parse(raw []byte) (*node, error) {
	r := thriftReader{b: raw}
	root := thriftWriter{}
	root.int(5, kindI32, 1)
	elements := []element{{raw: root.end(), group: true, children: 1}}
	for r.at < len(r.b) && !r.bad {
		elements = append(elements, r.element())
	}
	if r.bad {
		return nil, damaged("the description of a column cannot be read")
	}
	n, err := tree(elements)
	if err != nil {
		return nil, err
	}
	return n.children[0], nil
}

// physicalOnly is a node's element without its annotations, which is all that
// levels and values need.
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

// Damaged is the error of a file that is not as Parquet's format wants it.
// Other errors of a Reader are what it cannot read although it may be right.
type Damaged struct{ err error }

func (d *Damaged) Error() string { return strings.TrimPrefix(d.err.Error(), "parquet: ") }

func (d *Damaged) Unwrap() error { return d.err }

func unsupported(format string, args ...any) error { return fmt.Errorf(format, args...) }
