package files

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// Limits of inferred types. Values beyond them are text.
const (
	maxDepth   = 16   // nesting of lists and objects
	maxMembers = 1000 // members of an object; with more, the keys are data
)

// kinds is a set of kinds of JSON values.
type kinds uint8

const (
	boolKind kinds = 1 << iota
	numberKind
	nonFiniteKind // the string "NaN" or "Infinity", which JSON cannot write as a number
	textKind
	listKind
	objectKind
	rawKind // always text
)

// shape infers the type of JSON values: the narrowest that represents all of them.
type shape struct {
	seen    kinds
	numbers numbers
	element *shape
	names   []string // keys of objects in order of first appearance
	members map[string]*shape
}

// see adds a valid JSON value.
func (s *shape) see(value []byte, depth int) {
	switch value[0] {
	case 'n':
	case 't', 'f':
		s.seen |= boolKind
	case '"':
		if nonFinite(value[1 : len(value)-1]) {
			s.seen |= nonFiniteKind
		} else {
			s.seen |= textKind
		}
	case '[':
		s.seen |= listKind
		if depth == maxDepth {
			s.seen |= rawKind
			return
		}
		if s.element == nil {
			s.element = &shape{}
		}
		elements(value, func(v []byte) error { s.element.see(v, depth+1); return nil })
	case '{':
		s.seen |= objectKind
		if depth == maxDepth || len(s.names) > maxMembers {
			s.seen |= rawKind
			return
		}
		members(value, func(name string, v []byte) error { s.member(name).see(v, depth+1); return nil })
	default:
		s.seen |= numberKind
		n, _ := parseNumber(value)
		s.numbers.see(value, n)
	}
}

func (s *shape) member(name string) *shape {
	if m := s.members[name]; m != nil {
		return m
	}
	if s.members == nil {
		s.members = map[string]*shape{}
	}
	m := &shape{}
	s.names = append(s.names, name)
	s.members[name] = m
	return m
}

func (s *shape) arrowType() arrow.DataType {
	switch s.seen {
	case boolKind:
		return arrow.FixedWidthTypes.Boolean
	case numberKind, numberKind | nonFiniteKind:
		numbers := s.numbers
		if s.seen&nonFiniteKind != 0 {
			numbers.notInt, numbers.notDecimal = true, true
		}
		if t := numbers.arrowType(false); t != nil {
			return t
		}
	case listKind:
		return arrow.ListOf(s.element.arrowType())
	case objectKind:
		if len(s.names) > 0 && len(s.names) <= maxMembers {
			return arrow.StructOf(s.fields()...)
		}
	}
	return arrow.BinaryTypes.String
}

func (s *shape) fields() []arrow.Field {
	fields := make([]arrow.Field, len(s.names))
	for i, name := range s.names {
		fields[i] = arrow.Field{Name: name, Type: s.members[name].arrowType(), Nullable: true}
	}
	return fields
}

// asText makes all columns text.
func (s *shape) asText() {
	for _, m := range s.members {
		m.seen = rawKind
	}
}

// maxColumns is the largest number of columns of a JSON file.
const maxColumns = 10000

func tooManyColumns(name string) error {
	return fmt.Errorf("%s has objects with more than %d different keys, too many for columns; put the object into one column", name, maxColumns)
}
