package pypi

import (
	"cmp"
	"math/big"
	"regexp"
	"strings"
)

// versionForm matches the versions of PEP 440: epoch, release, pre, post, dev. It
// ignores the local part.
var versionForm = regexp.MustCompile(`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?(?:[-_.]?(?:post|rev|r)[-_.]?(\d*)|-(\d+))?(?:[-_.]?dev[-_.]?(\d*))?(?:\+.*)?$`)

type parsed struct {
	epoch   *big.Int
	release []*big.Int
	phase   int // 0 dev of a release, 1 a, 2 b, 3 rc, 4 final
	pre     *big.Int
	post    *big.Int // -1 without a post-release
	dev     *big.Int // nil without a development release, which sorts last
}

func number(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

func parseVersion(s string) (parsed, bool) {
	if len(s) > 100 {
		return parsed{}, false
	}
	lower := strings.ToLower(s)
	m := versionForm.FindStringSubmatchIndex(lower)
	if m == nil {
		return parsed{}, false
	}
	group := func(i int) (string, bool) {
		if m[2*i] < 0 {
			return "", false
		}
		return lower[m[2*i]:m[2*i+1]], true
	}
	epoch, _ := group(1)
	v := parsed{epoch: number(epoch), phase: 4, pre: new(big.Int), post: big.NewInt(-1)}
	release, _ := group(2)
	for _, part := range strings.Split(release, ".") {
		v.release = append(v.release, number(part))
	}
	if name, ok := group(3); ok {
		v.phase = map[byte]int{'a': 1, 'b': 2, 'p': 3, 'c': 3, 'r': 3}[name[0]]
		n, _ := group(4)
		v.pre = number(n)
	}
	for _, i := range []int{5, 6} {
		if n, ok := group(i); ok {
			v.post = number(n)
		}
	}
	if n, ok := group(7); ok {
		v.dev = number(n)
		if v.phase == 4 && v.post.Sign() < 0 {
			v.phase = 0
		}
	}
	return v, true
}

func prerelease(s string) bool {
	v, ok := parseVersion(s)
	return !ok || v.phase < 4 || v.dev != nil
}

// CompareVersions compares versions in the order of PEP 440. Invalid versions
// come first.
func CompareVersions(a, b string) int {
	x, okX := parseVersion(a)
	y, okY := parseVersion(b)
	if !okX || !okY {
		if okX != okY {
			return map[bool]int{true: 1, false: -1}[okX]
		}
		return strings.Compare(a, b)
	}
	if c := x.epoch.Cmp(y.epoch); c != 0 {
		return c
	}
	zero := new(big.Int)
	part := func(v parsed, i int) *big.Int {
		if i < len(v.release) {
			return v.release[i]
		}
		return zero
	}
	for i := range max(len(x.release), len(y.release)) {
		if c := part(x, i).Cmp(part(y, i)); c != 0 {
			return c
		}
	}
	if c := cmp.Or(cmp.Compare(x.phase, y.phase), x.pre.Cmp(y.pre), x.post.Cmp(y.post)); c != 0 {
		return c
	}
	switch {
	case x.dev == nil && y.dev == nil:
		return 0
	case x.dev == nil:
		return 1
	case y.dev == nil:
		return -1
	}
	return x.dev.Cmp(y.dev)
}
