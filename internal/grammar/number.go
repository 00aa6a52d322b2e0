package grammar

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/firesteel/firesteel/internal/sensitive"
)

// maxDigits is the greatest number of digits of a number. Different numbers of
// up to 15 digits are different as float64, so comparing digits gives the same
// result as comparing floats.
const maxDigits = 15

// numberRange is a range of numbers. nil means no limit.
type numberRange struct {
	integer             bool
	least, most         *big.Rat
	leastOpen, mostOpen bool // the range excludes the limit
	multiples           []int64
}

// table is a recognizer whose states are values of a comparable type.
type table[S comparable] struct {
	first  S
	next   func(S, byte) (S, bool)
	accept func(S) bool
	border string // the bytes that next treats differently from others

	known map[S]int32
	list  []S
}

func (t *table[S]) stateOf(s S) int32 {
	n, ok := t.known[s]
	if !ok {
		if t.known == nil {
			t.known = map[S]int32{}
		}
		n = int32(len(t.list))
		t.known[s] = n
		t.list = append(t.list, s)
	}
	return n
}

func (t *table[S]) start() int32 { return t.stateOf(t.first) }
func (t *table[S]) step(q int32, b byte) int32 {
	s, ok := t.next(t.list[q], b)
	if !ok {
		return -1
	}
	return t.stateOf(s)
}
func (t *table[S]) accepts(q int32) bool { return t.accept(t.list[q]) }
func (t *table[S]) mark(borders *[257]bool) {
	for i := range len(t.border) {
		borders[t.border[i]], borders[int(t.border[i])+1] = true, true
	}
}

// machines returns the automata of the numbers without a sign (plain) and of the
// text after a minus sign. Zero has no sign.
func (n numberRange) machines(v *Vocabulary) (plain, minus *machine, err error) {
	zero := new(big.Rat)
	sides := func(least *big.Rat, leastOpen bool, most *big.Rat, mostOpen bool) (*machine, error) {
		list := []recognizer{digits(n.integer)}
		for _, m := range n.multiples {
			list = append(list, multiple(m))
		}
		if least != nil {
			b, err := bound(least, leastOpen, +1)
			if err != nil {
				return nil, err
			}
			list = append(list, b)
		}
		if most != nil {
			b, err := bound(most, mostOpen, -1)
			if err != nil {
				return nil, err
			}
			list = append(list, b)
		}
		return intersect(v, list...)
	}
	if n.most == nil || n.most.Sign() >= 0 {
		least, open := n.least, n.leastOpen
		if least != nil && least.Sign() < 0 {
			least = nil
		}
		if plain, err = sides(least, open, n.most, n.mostOpen); err != nil {
			return nil, nil, err
		}
	}
	if n.least == nil || n.least.Sign() < 0 {
		least, open := zero, true
		if n.most != nil && n.most.Sign() < 0 {
			least, open = new(big.Rat).Neg(n.most), n.mostOpen
		}
		var most *big.Rat
		if n.least != nil {
			most = new(big.Rat).Neg(n.least)
		}
		if minus, err = sides(least, open, most, n.leastOpen); err != nil {
			return nil, nil, err
		}
	}
	return plain, minus, nil
}

// digits accepts numbers of up to maxDigits digits, without sign and exponent.
func digits(integer bool) recognizer {
	type position struct{ phase, digits int8 }
	const (
		begin = iota
		zero
		whole
		point
		fraction
	)
	return &table[position]{
		next: func(p position, b byte) (position, bool) {
			digit := '0' <= b && b <= '9'
			switch {
			case p.phase == begin && b == '0':
				return position{zero, 1}, true
			case p.phase == begin && digit:
				return position{whole, 1}, true
			case p.digits == maxDigits:
			case p.phase == whole && digit:
				return position{whole, p.digits + 1}, true
			case (p.phase == zero || p.phase == whole) && b == '.' && !integer:
				return position{point, p.digits}, true
			case (p.phase == point || p.phase == fraction) && digit:
				return position{fraction, p.digits + 1}, true
			}
			return p, false
		},
		accept: func(p position) bool { return p.phase != begin && p.phase != point },
		border: "0123456789.",
	}
}

// multiple accepts digits of numbers that are divisible by m.
func multiple(m int64) recognizer {
	return &table[int64]{
		next: func(rest int64, b byte) (int64, bool) {
			return (rest*10 + int64(b-'0')) % m, '0' <= b && b <= '9'
		},
		accept: func(rest int64) bool { return rest == 0 },
		border: "0123456789",
	}
}

// bound accepts the digits of numbers of at least (side +1) or at most (side -1)
// a limit that is not negative. If open is set, it excludes the limit.
func bound(limit *big.Rat, open bool, side int) (recognizer, error) {
	places, exact := limit.FloatPrec()
	text := limit.FloatString(places)
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	if !exact || fraction != "" && len(strings.TrimLeft(whole+fraction, "0")) > maxDigits {
		return nil, sensitive.Errorf("%s has more than %d digits", sensitive.Text(limit.FloatString(maxDigits)), maxDigits)
	}
	type position struct {
		whole    int16 // digits read before the point
		fraction int16 // digits read after the point; -1 before the point
		order    int8  // the order of the digits read and the same digits of the limit
	}
	compare := func(b byte, digits string, i int16) int8 {
		d := byte('0')
		if int(i) < len(digits) {
			d = digits[i]
		}
		switch {
		case b < d:
			return -1
		case b > d:
			return 1
		}
		return 0
	}
	atPoint := func(p position) position {
		p.fraction = 0
		switch {
		case int(p.whole) < len(whole):
			p.order = -1
		case int(p.whole) > len(whole):
			p.order = 1
		}
		return p
	}
	return &table[position]{
		first: position{fraction: -1},
		next: func(p position, b byte) (position, bool) {
			switch {
			case b == '.':
				return atPoint(p), true
			case p.fraction < 0:
				if p.order == 0 && int(p.whole) < len(whole) {
					p.order = compare(b, whole, p.whole)
				}
				p.whole = min(p.whole+1, int16(len(whole))+1)
			default:
				if p.order == 0 {
					p.order = compare(b, fraction, p.fraction)
				}
				p.fraction = min(p.fraction+1, int16(len(fraction)))
			}
			return p, true
		},
		accept: func(p position) bool {
			if p.fraction < 0 {
				p = atPoint(p)
			}
			if p.order == 0 && int(p.fraction) < len(fraction) {
				p.order = -1
			}
			return int(p.order) == side || p.order == 0 && !open
		},
		border: "0123456789.",
	}, nil
}

// lengths accepts quoted texts, without the quotes, of least to most characters;
// most < 0 means no limit. It does not check that the text is valid in a JSON
// string.
func lengths(least, most int) recognizer {
	type position struct {
		count int
		rest  int8 // remaining bytes of the character, or escape
	}
	return &table[position]{
		next: func(p position, b byte) (position, bool) {
			switch {
			case p.rest == escape && b == 'u':
				p.rest = 4
				return p, true
			case p.rest == escape:
				p.rest = 0
				return p, true
			case p.rest > 0:
				p.rest--
				return p, true
			}
			p.count++
			if most < 0 {
				p.count = min(p.count, least)
			} else if p.count > most {
				return p, false
			}
			switch {
			case b == '\\':
				p.rest = escape
			case b >= 0xf0:
				p.rest = 3
			case b >= 0xe0:
				p.rest = 2
			case b >= 0xc0:
				p.rest = 1
			}
			return p, true
		},
		accept: func(p position) bool { return p.rest == 0 && p.count >= least },
		border: "\\u\xbf\xdf\xef",
	}
}

// escape is the value of rest after a backslash.
const escape = 100

// rational parses a JSON number of at most 1000 characters with an exponent from
// -400 to 400.
func rational(text string) (*big.Rat, error) {
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
		if e, err := strconv.Atoi(exponent); err != nil || e < -400 || e > 400 {
			return nil, sensitive.Errorf("the number %s is out of range", sensitive.Text(text))
		}
	}
	if len(text) > 1000 {
		return nil, sensitive.Errorf("the number %s has too many digits", sensitive.Text(text))
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, sensitive.Errorf("%s is not a number", sensitive.Text(text))
	}
	return r, nil
}
