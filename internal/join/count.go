package join

// Counts are what a join would ask.
type Counts struct {
	Left, Right int // distinct texts
	Pairs       int // of equal keys
	Vectors     int // texts to embed
	Alone       int // questions about one text
	SamplePairs int // at most, to estimate the recall
	groups      []*group
	within      bool // pairs within one table
}

// Count counts what Join would ask, and asks nothing. Texts that a predicate about one
// side would drop are counted.
func Count(left, right []Row, o Options) Counts {
	c := Counts{groups: groups(left, right)}
	l, r := distinct(c.groups, leftOf), distinct(c.groups, rightOf)
	c.Left, c.Right = len(l), len(r)
	texts := map[string]bool{}
	for _, text := range append(l, r...) {
		texts[text] = true
	}
	c.Vectors = len(texts)
	for _, g := range c.groups {
		c.Pairs += len(g.left) * len(g.right)
	}
	for _, p := range o.Predicates {
		switch {
		case p.OfPair():
		case p.Left() && p.Right():
			c.Alone += len(texts)
		case p.Left():
			c.Alone += len(l)
		default:
			c.Alone += len(r)
		}
	}
	c.SamplePairs = min(o.Sample, c.Left) * mostAsked * o.measures()
	return c
}

// CountWithin counts what Dedup would ask, and asks nothing.
func CountWithin(rows []Row, o Options) Counts {
	c := Count(rows, rows, o)
	c.Pairs, c.within = 0, true
	for _, g := range c.groups {
		c.Pairs += unordered(len(g.left))
	}
	return c
}

// unordered is the number of pairs of n texts.
func unordered(n int) int { return n * (n - 1) / 2 }

// PairsOf returns the largest number of pairs of the k nearest of each text.
func (c Counts) PairsOf(k int, o Options) int {
	n := 0
	for _, g := range c.groups {
		if most := len(g.left) * min(k*o.measures(), len(g.right)); c.within {
			n += min(most, unordered(len(g.left)))
		} else {
			n += most
		}
	}
	return n
}

// measures is the number of measures that find candidates.
func (o Options) measures() int {
	if o.By == Both {
		return 2
	}
	return 1
}
