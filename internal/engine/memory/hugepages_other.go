//go:build unix && !linux

package memory

func adviseHugePages([]byte) {}
