//go:build unix && !linux

package model

func adviseHugePages([]byte) {}
