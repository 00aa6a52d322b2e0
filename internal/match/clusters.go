package match

import (
	"crypto/sha256"
	"encoding/hex"
)

// Clusters returns for each of the texts, which are distinct, the index of the text that
// names its cluster: the least in byte order. Two texts are in one cluster if a chain of
// pairs connects them.
func Clusters(texts []string, pairs []Pair) []int {
	parent := make([]int, len(texts))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for _, p := range pairs {
		a, b := root(p.Left), root(p.Right)
		if texts[a] > texts[b] {
			a, b = b, a
		}
		parent[b] = a
	}
	for i := range parent {
		parent[i] = root(i)
	}
	return parent
}

// ClusterID returns the id of the cluster that a text names: the first 16 digits of the
// text's SHA-256 in hexadecimal. It depends on the text alone.
func ClusterID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
