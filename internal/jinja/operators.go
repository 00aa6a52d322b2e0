package jinja

import (
	"math"
	"math/bits"
)

func (r *run) unary(op string, v value) value {
	if op == "not" {
		return boolean(!truth(v))
	}
	n, x, whole, ok := number(v)
	switch {
	case !ok:
		r.mustBeDefined(v)
		r.fail("bad operand type for unary %s: '%s'", op, typeName(v))
	case op == "+" && whole:
		return integer(n)
	case op == "+":
		return float(x)
	case !whole:
		return float(-x)
	case n == math.MinInt64:
		r.tooLarge()
	}
	return integer(-n)
}

// mustBeDefined fails if a value is undefined.
func (r *run) mustBeDefined(all ...value) {
	for _, v := range all {
		if u, ok := v.(undefined); ok {
			r.fail("%s", u.message)
		}
	}
}

// refuseSafe fails for a safe string.
func (r *run) refuseSafe(t text) {
	if t.safe {
		r.fail("a safe or escaped string is not supported here")
	}
}

func (r *run) tooLarge() { r.fail("a number does not fit into 64 bits") }

func (r *run) binary(op string, left, right value) value {
	r.mustBeDefined(left, right)
	n, x, whole, ok := number(left)
	m, y, wholeToo, okToo := number(right)
	switch {
	case ok && okToo && whole && wholeToo:
		return r.integers(op, n, m)
	case ok && okToo:
		return r.floats(op, x, y)
	}
	switch op {
	case "+":
		switch a := left.(type) {
		case text:
			if b, ok := right.(text); ok {
				r.allocate(len(a.s) + len(b.s))
				safe := a.safe || b.safe
				if safe && !a.safe {
					a = r.escaped(a)
				}
				if safe && !b.safe {
					b = r.escaped(b)
				}
				sum := joined(a, b)
				sum.safe = safe
				return sum
			}
			r.fail(`can only concatenate str (not "%s") to str`, typeName(right))
		case *list:
			if b, ok := right.(*list); ok && a.tuple == b.tuple {
				r.allocate(16 * (len(a.items) + len(b.items)))
				return &list{append(append([]value{}, a.items...), b.items...), a.tuple}
			}
		}
	case "*":
		if okToo && wholeToo {
			if v := r.repeat(left, m); v != nil {
				return v
			}
		}
		if ok && whole {
			if v := r.repeat(right, n); v != nil {
				return v
			}
		}
	case "%":
		if format, ok := left.(text); ok {
			r.refuseSafe(format)
			return r.formatPercent(format, right)
		}
	}
	r.fail("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(left), typeName(right))
	return nil
}

// repeat is Python's v * n, or nil if v is neither a string nor a list.
func (r *run) repeat(v value, n int64) value {
	n = max(n, 0)
	size := 0
	switch v := v.(type) {
	case text:
		size = len(v.s)
	case *list:
		size = 16 * len(v.items)
	default:
		return nil
	}
	if hi, lo := bits.Mul64(uint64(n), uint64(size)); hi != 0 || lo > math.MaxInt32 {
		r.limit("its strings or lists are too long")
	}
	r.allocate(int(n) * size)
	if t, ok := v.(text); ok {
		if t.s == "" {
			return t
		}
		return t.repeated(int(n))
	}
	l := v.(*list)
	out := &list{tuple: l.tuple}
	if len(l.items) == 0 {
		return out
	}
	for range n {
		out.items = append(out.items, l.items...)
	}
	return out
}

func (r *run) integers(op string, n, m int64) value {
	switch op {
	case "+":
		if sum := n + m; (sum > n) == (m > 0) {
			return integer(sum)
		}
	case "-":
		if d := n - m; (d < n) == (m > 0) {
			return integer(d)
		}
	case "*":
		if p := n * m; n == 0 || p/n == m && !(n == -1 && m == math.MinInt64) {
			return integer(p)
		}
	case "**":
		if m < 0 {
			return r.floats(op, float64(n), float64(m))
		}
		return r.integerPower(n, m)
	case "/":
		if m == 0 {
			r.fail("division by zero")
		}
		return float(float64(n) / float64(m))
	case "//", "%":
		if m == 0 {
			r.fail("integer division or modulo by zero")
		}
		if m == -1 {
			if op == "%" {
				return integer(0)
			}
			return r.unary("-", integer(n))
		}
		quotient, rest := n/m, n%m
		if rest != 0 && (rest < 0) != (m < 0) {
			quotient, rest = quotient-1, rest+m
		}
		if op == "%" {
			return integer(rest)
		}
		return integer(quotient)
	}
	r.tooLarge()
	return nil
}

func (r *run) integerPower(n, m int64) value {
	switch {
	case m == 0 || n == 1:
		return integer(1)
	case n == 0:
		return integer(0)
	case n == -1:
		return integer(1 - 2*(m&1))
	case m > 63:
		r.tooLarge()
	}
	v := value(integer(1))
	for range m {
		v = r.integers("*", int64(v.(integer)), n)
	}
	return v
}

func (r *run) floats(op string, x, y float64) value {
	switch op {
	case "+":
		return float(x + y)
	case "-":
		return float(x - y)
	case "*":
		return float(x * y)
	case "**":
		if x == 0 && y < 0 {
			r.fail("0.0 cannot be raised to a negative power")
		}
		if x < 0 && y != math.Trunc(y) {
			r.fail("complex numbers are not supported")
		}
		return float(math.Pow(x, y))
	}
	if y == 0 {
		r.fail("float division by zero")
	}
	if op == "/" {
		return float(x / y)
	}
	rest := math.Mod(x, y)
	if rest != 0 && (rest < 0) != (y < 0) {
		rest += y
	}
	if op == "%" {
		return float(rest)
	}
	return float(math.Round((x - rest) / y))
}

func (r *run) compares(op string, left, right value) bool {
	switch op {
	case "==":
		return r.equal(left, right)
	case "!=":
		return !r.equal(left, right)
	case "in":
		return r.contains(right, left)
	case "not in":
		return !r.contains(right, left)
	}
	r.mustBeDefined(left, right)
	_, x, _, ok := number(left)
	_, y, _, okToo := number(right)
	if ok && okToo && (math.IsNaN(x) || math.IsNaN(y)) {
		return false
	}
	order, ok := r.compare(left, right)
	if !ok {
		r.fail("'%s' not supported between instances of '%s' and '%s'", op, typeName(left), typeName(right))
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
