package pii

import (
	"net/netip"
	"strings"
)

// versionWords precede four numbers with dots that are a version, not an
// address.
var versionWords = keywordList("version ver v release firmware build section chapter kernel driver версия версии 版本")

// readIP reads an IPv4 or IPv6 address, without a port and prefix length.
func readIP(t *cells, i int) (int, float64) {
	if end := ipv4(t, i); end > i {
		if versionWords.before(t, i, 12, false) >= 0 {
			return 0, 0
		}
		return end, 0.93
	}
	if !t.wordStart(i) || t.class(i-1) == ':' || t.continuesNumber(i) {
		return 0, 0
	}
	return ipv6(t, i), 0.94
}

func ipv4(t *cells, i int) int {
	if t.continuesNumber(i) && t.class(i-1) != '/' && t.class(i-1) != ':' {
		return 0
	}
	g := dottedQuad(t, i)
	if g == 0 || !t.wordEnd(g) || t.class(g) == '.' && isAlnum(t.class(g+1)) {
		return 0
	}
	if _, err := netip.ParseAddr(string(t.c[i:g])); err != nil {
		return 0
	}
	return g
}

// dottedQuad returns the end of four groups of one to three digits, separated
// by dots, or 0 if they are not at i.
func dottedQuad(t *cells, i int) int {
	for n := range 4 {
		if n > 0 {
			if t.class(i) != '.' {
				return 0
			}
			i++
		}
		j := t.digits(i, 3)
		if j == i || j-i > 3 {
			return 0
		}
		i = j
	}
	return i
}

// ipv6 returns the end of an IPv6 address and its zone at i, or 0.
func ipv6(t *cells, i int) int {
	const longest = 45 // eight groups, the last two in IPv4 form
	j, colons := i, 0
	for j-i <= longest && (isHex(t.class(j)) || t.class(j) == ':' || t.class(j) == '.' && colons > 1 && isDigit(t.class(j+1))) {
		if t.class(j) == ':' {
			colons++
		}
		j++
	}
	if colons < 2 || j-i > longest {
		return 0
	}
	// A colon or dot after the address is punctuation.
	for (t.class(j-1) == ':' && t.class(j-2) != ':') || t.class(j-1) == '.' {
		j--
	}
	if !t.wordEnd(j) {
		return 0
	}
	address := string(t.c[i:j])
	if _, err := netip.ParseAddr(address); err != nil || !unambiguous(address) {
		return 0
	}
	if t.class(j) == '%' && isAlnum(t.class(j+1)) { // zone, as in fe80::1%eth0
		for j++; isAlnum(t.class(j)) && j-i < 70; j++ {
		}
	}
	return j
}

// unambiguous reports whether an address is not also an expression with the
// scope operator :: of a programming language. It is unambiguous if it has no
// "::", or if it has a digit and starts with "::" or has a group of at least
// three digits.
func unambiguous(address string) bool {
	head, tail, short := strings.Cut(address, "::")
	if !short {
		return true
	}
	if !strings.ContainsAny(address, "0123456789") {
		return false
	}
	if head == "" {
		return tail != ""
	}
	for _, group := range strings.Split(head+":"+tail, ":") {
		if len(group) >= 3 {
			return true
		}
	}
	return false
}

// readMAC reads EUI-48 and EUI-64 addresses: pairs of hexadecimal digits
// separated by colons or dashes, or groups of four separated by dots. Groups of
// four need a letter, because without one they may be any number.
func readMAC(t *cells, i int) (int, float64) {
	if !isHex(t.class(i)) || t.continuesNumber(i) {
		return 0, 0
	}
	for _, form := range []struct {
		size int
		sep  byte
		n    []int
	}{{2, ':', []int{8, 6}}, {2, '-', []int{8, 6}}, {4, '.', []int{4, 3}}} {
		for _, n := range form.n {
			end := hexGroups(t, i, form.size, n, form.sep)
			if end == 0 || !t.wordEnd(end) || t.class(end) == form.sep && isAlnum(t.class(end+1)) {
				continue
			}
			if form.sep == '.' && !strings.ContainsAny(t.lower(i, end), "abcdef") {
				continue
			}
			return end, 0.95
		}
	}
	return 0, 0
}

// hexGroups returns the end of n groups of size hexadecimal digits, separated
// by sep, or 0 if they are not at i.
func hexGroups(t *cells, i, size, n int, sep byte) int {
	for g := range n {
		if g > 0 {
			if t.class(i) != sep {
				return 0
			}
			i++
		}
		for range size {
			if !isHex(t.class(i)) {
				return 0
			}
			i++
		}
	}
	return i
}
