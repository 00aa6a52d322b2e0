//go:build !unix

package worker

import "errors"

func leaveProcessGroup() {}

func replaceProcess(string, []string) error {
	return errors.New("replacing the process is supported on Unix only")
}
