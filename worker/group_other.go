//go:build !unix

package worker

func leaveProcessGroup() {}
