//go:build unix

package privatefile

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// noFollow makes open fail on a link and not block on a pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// maxLinks is the largest number of links on a path, as on Linux.
const maxLinks = 40

// walk resolves a cleaned absolute path from the root, as the system does, and
// checks every directory and link on the way.
func walk(path string) (w walked) {
	note := func(at, why, do string) {
		if w.fault == nil {
			w.fault = &UntrustedError{At: at, Why: why, Do: do}
		}
	}
	w.real = "/"
	pending := append([]string{"."}, components(path)...) // "." is the root itself
	links := 0
	open := false // others can create files in real, but not replace ours
	for len(pending) > 0 {
		name := pending[0]
		next := filepath.Join(w.real, name)
		info, err := os.Lstat(next)
		if os.IsNotExist(err) {
			w.missing = pending
			return w
		}
		if err != nil {
			w.err = err
			return w
		}
		pending = pending[1:]
		if info.Mode()&fs.ModeSymlink != 0 {
			if owner := uidOf(info); open && !trustedOwner(owner) {
				note(next, "is a link that "+belongs(owner), "")
			}
			if links++; links > maxLinks {
				w.err = &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
				return w
			}
			to, err := os.Readlink(next)
			if err != nil {
				w.err = err
				return w
			}
			if filepath.IsAbs(to) {
				w.real, open = "/", false
			}
			pending = append(components(to), pending...)
			continue
		}
		if !info.IsDir() {
			w.err = &fs.PathError{Op: "open", Path: next, Err: syscall.ENOTDIR}
			return w
		}
		why, do := unsafe(next, info)
		open = false
		if why != "" && trustedOwner(uidOf(info)) && info.Mode()&fs.ModeSticky != 0 {
			if do = "name a directory in it, which firesteel creates for you"; len(pending) > 0 {
				why, open = "", true
			}
		}
		if why != "" {
			note(next, why, do)
		}
		w.real = next
	}
	return w
}

func components(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// unsafe returns why others can change a file or directory, and what to do. Both
// are empty if they cannot.
func unsafe(path string, info fs.FileInfo) (why, do string) {
	owner := uidOf(info)
	if !trustedOwner(owner) {
		return belongs(owner), ""
	}
	mode := info.Mode().Perm()
	if mode&0o002 != 0 {
		return fmt.Sprintf("can be written by every user (mode %04o)", mode), commandFor(owner, "run chmod o-w "+path)
	}
	if mode&0o020 == 0 {
		return "", "" // the group bits are the mask of an access list
	}
	if group := gidOf(info); !privateGroup(group) {
		return fmt.Sprintf("can be written by the group %s (mode %04o)", groupName(group), mode), commandFor(owner, "run chmod g-w "+path)
	}
	if hasAccessList(path) {
		return "can be written by users in its access list (see getfacl)", commandFor(owner, "run setfacl -b "+path)
	}
	return "", ""
}

// commandFor returns command if this user may run it on a file of owner.
func commandFor(owner uint32, command string) string {
	if int(owner) != os.Geteuid() && os.Geteuid() != 0 {
		return ""
	}
	return command
}

// trustedOwner reports whether uid is this user or root. The owner of "/" counts
// as root: a user namespace may give root another number.
func trustedOwner(uid uint32) bool {
	if uid == 0 || int(uid) == os.Geteuid() {
		return true
	}
	root, err := os.Lstat("/")
	return err == nil && uidOf(root) == uid
}

func ownedByUser(info fs.FileInfo) bool { return trustedOwner(uidOf(info)) }

func uidOf(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }
func gidOf(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Gid }

func belongs(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return fmt.Sprintf("belongs to %s (user %s)", u.Username, number)
	}
	return "belongs to user " + number
}

func groupName(gid uint32) string {
	number := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(number); err == nil {
		return fmt.Sprintf("%s (%s)", g.Name, number)
	}
	return number
}
