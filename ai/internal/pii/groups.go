package pii

// groups is a number that is written as groups of digits with one separator
// cell between two groups. Group i is the cells lo[i]:hi[i].
type groups struct {
	lo, hi [maxGroups]int
	n      int
}

const (
	maxGroups      = 8
	maxGroupDigits = 20
)

// readGroups reads groups of digits that start at i. All groups are separated
// by the same character of separators. It returns no groups if cell i continues
// a number, and stops at a group of more than maxGroupDigits digits.
func readGroups(t *cells, i int, separators string) (g groups) {
	if t.continuesNumber(i) {
		return g
	}
	var sep byte
	for g.n < maxGroups {
		j := t.digits(i, maxGroupDigits)
		if j == i || j-i > maxGroupDigits {
			break
		}
		g.lo[g.n], g.hi[g.n] = i, j
		g.n++
		c := t.class(j)
		if !contains(separators, c) || sep != 0 && c != sep {
			break
		}
		sep, i = c, j+1
	}
	return g
}

// whole reports whether the first n groups are a complete number: no letter and
// no further part of the number follows. A space ends a number.
func (g *groups) whole(t *cells, n int) bool { return !t.numberContinues(g.hi[n-1]) }

// shape reports whether the first groups have exactly these lengths and are a
// complete number.
func (g *groups) shape(t *cells, lengths ...int) bool {
	if g.n < len(lengths) || !g.whole(t, len(lengths)) {
		return false
	}
	for i, n := range lengths {
		if g.hi[i]-g.lo[i] != n {
			return false
		}
	}
	return true
}

// digits returns the digits of the first n groups.
func (g *groups) digits(t *cells, n int) []byte {
	all := make([]byte, 0, 2*maxGroupDigits)
	for i := range n {
		all = append(all, t.c[g.lo[i]:g.hi[i]]...)
	}
	return all
}

// count returns the number of digits in the first n groups.
func (g *groups) count(n int) int {
	sum := 0
	for i := range n {
		sum += g.hi[i] - g.lo[i]
	}
	return sum
}

// shortest returns the length of the shortest of the first n groups.
func (g *groups) shortest(n int) int {
	least := maxGroupDigits
	for i := range n {
		least = min(least, g.hi[i]-g.lo[i])
	}
	return least
}
