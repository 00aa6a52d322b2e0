package pii

import "strings"

// commonTLD are the top-level domains that make a host name recognisable
// without a scheme. Two-letter domains that are common words (it, is, in, so,
// me, no, to, us, ...) or extensions of files (rs, py, sh, ...) are not in the
// list: they need "www." or a path.
var commonTLD = keywordList(`com org net edu gov mil int info biz io co dev app xyz online site shop
	de uk fr nl ru jp cn eu ch cz br au ca nz kr`).whole

// pathTLD are the top-level domains that are accepted if a path follows, as in
// bit.ly/x.
var pathTLD = keywordList(`ly gl be me tv to cc gg gd it is in us at es se pl no fi dk pt gr tr ua il za mx ar cl ai im link page`).whole

// idnTLD are top-level domains in other scripts that may follow a Latin label.
var idnTLD = keywordList(`рф рус бел укр срб қаз мкд бг ελ ею ευ 中国 中國 公司 网络 網絡 香港 台灣 台湾 新加坡 한국 ไทย
	السعودية امارات مصر ایران المغرب الاردن قطر عمان الجزائر تونس سورية فلسطين भारत ישראל հայ გე`)

// readHost reads a host name at i: labels of at most 63 cells, separated by
// dots. A label consists of Latin letters, digits and hyphens, or of letters of
// another script, digits and hyphens (RFC 1123, RFC 5890). It returns the end of
// the name and the start of its last label; last == i if there are fewer than
// two labels. A label that starts a new sentence ("at example.com.Then") is not
// part of the name.
func readHost(t *cells, i int) (end, last int) {
	const longest = 253
	end, last = i, i
	for labels := 0; i < end+longest; labels++ {
		j := readLabel(t, i)
		if j == i {
			break
		}
		if labels > 0 && !continuesHost(t, last, end, i, j) {
			break
		}
		last, end = i, j
		if t.class(j) != '.' {
			break
		}
		i = j + 1
		if labels >= 16 {
			break
		}
	}
	return end, last
}

// continuesHost reports whether the label i:j continues a host name whose last
// label is lo:hi.
func continuesHost(t *cells, lo, hi, i, j int) bool {
	if isLatin(t.class(lo)) && !isLatin(t.class(i)) {
		label := strings.ToLower(t.text[t.start(i):t.end(j-1)])
		_, known := idnTLD.whole[label]
		for _, part := range idnTLD.parts {
			known = known || part == label
		}
		return known
	}
	// In "com.Then", a capital after lower case starts a sentence.
	return !(isUpper(t.class(i)) && !isUpper(t.class(lo)) && commonTLD[t.lower(lo, hi)])
}

func isLatin(c byte) bool { return isAlnum(c) || c == '-' || c == latin }

func readLabel(t *cells, i int) int {
	j := i
	first := t.class(i)
	switch {
	case isAlnum(first) || first == latin:
		for j-i <= 63 && isLatin(t.class(j)) {
			j++
		}
		for t.class(j-1) == '-' {
			j--
		}
	case first == spaced || first == unspaced:
		for j-i <= 63 && (t.class(j) == first || j > i && (isDigit(t.class(j)) || t.class(j) == '-' && t.class(j+1) == first)) {
			j++
		}
	}
	if j-i > 63 {
		return i
	}
	return j
}

// isTLD reports whether the cells lo:hi may be a top-level domain: two or more
// letters, one letter of a script without spaces, or the ASCII form (xn--) of a
// name in another script.
func isTLD(t *cells, lo, hi int) bool {
	if hi-lo < 2 {
		return t.class(lo) == unspaced
	}
	if strings.HasPrefix(t.lower(lo, hi), "xn--") {
		return true
	}
	for _, c := range t.c[lo:hi] {
		if isDigit(c) || c == '-' {
			return false
		}
	}
	return true
}
