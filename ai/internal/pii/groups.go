package pii

// groups are digits from a border on, in groups with one cell between them.
type groups struct {
	lo, hi [maxGroups]int
	n      int
}

const (
	maxGroups      = 8
	maxGroupDigits = 20
)

// readGroups reads digits at i in groups with the same one of the separators
// between all of them. It reads none where a number goes on from before i, or
// where a group is too long.
func readGroups(t *cells, i int, separators string) (g groups) {
	if t.partOfNumber(i) {
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

// whole tells whether the first n groups can stand alone: neither letters nor a
// further part of the number follow. After a space it is another number.
func (g *groups) whole(t *cells, n int) bool { return !t.goesOn(g.hi[n-1]) }

// shape tells whether there are groups of just these lengths, followed by
// nothing of theirs.
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

// digits gives the digits of the first n groups.
func (g *groups) digits(t *cells, n int) []byte {
	all := make([]byte, 0, 2*maxGroupDigits)
	for i := range n {
		all = append(all, t.c[g.lo[i]:g.hi[i]]...)
	}
	return all
}

// count is the number of digits of the first n groups.
func (g *groups) count(n int) int {
	sum := 0
	for i := range n {
		sum += g.hi[i] - g.lo[i]
	}
	return sum
}

// shortest is the least number of digits in one of the first n groups.
func (g *groups) shortest(n int) int {
	least := maxGroupDigits
	for i := range n {
		least = min(least, g.hi[i]-g.lo[i])
	}
	return least
}

func contains(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}
