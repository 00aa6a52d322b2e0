//go:build !unix

package worker

import "errors"

func leaveProcessGroup() {}

func replaceBy(string, []string) error {
	return errors.New("this is done on Unix only")
}
