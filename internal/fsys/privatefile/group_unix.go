//go:build unix

package privatefile

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// The system's lists of users and groups. Tests replace them.
var passwdFile, groupFile = "/etc/passwd", "/etc/group"

// privateGroup reports whether only this user and root are in a group. Many
// systems give each user such a group and make new files writable by it (umask
// 002), which is safe.
//
// Group 0 belongs to root. The members of other groups are read from the
// system's files. If these do not list the group (directory services, containers
// without the files), the group is private if its number is that of the user.
func privateGroup(gid uint32) bool {
	if gid == 0 {
		return true
	}
	members, known := membersOf(gid)
	for _, uid := range members {
		if !trustedOwner(uid) {
			return false
		}
	}
	if known && len(members) > 0 {
		return true
	}
	return int(gid) == os.Geteuid() && int(gid) == os.Getegid()
}

// membersOf returns the users in a group, read from the system's files. known
// reports whether the files list the group. A member that is not in the list of
// users gets a number that is never trusted.
func membersOf(gid uint32) (uids []uint32, known bool) {
	const nobody = ^uint32(0)
	number := strconv.FormatUint(uint64(gid), 10)
	byName := map[string]uint32{}
	eachLine(passwdFile, func(f []string) { // name:password:uid:gid:...
		if len(f) < 4 {
			return
		}
		uid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			return
		}
		byName[f[0]] = uint32(uid)
		if f[3] == number {
			uids, known = append(uids, uint32(uid)), true
		}
	})
	eachLine(groupFile, func(f []string) { // name:password:gid:members
		if len(f) < 4 || f[2] != number {
			return
		}
		known = true
		for _, name := range strings.Split(f[3], ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			uid, found := byName[name]
			if !found {
				uid = nobody
			}
			uids = append(uids, uid)
		}
	})
	return uids, known
}

func eachLine(path string, line func(fields []string)) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		line(strings.Split(s.Text(), ":"))
	}
}
