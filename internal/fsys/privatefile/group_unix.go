//go:build unix

package privatefile

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// The system's lists of users and groups; tests have their own.
var passwdFile, groupFile = "/etc/passwd", "/etc/group"

// privateGroup tells whether no other user than this one and root is in a
// group. Many systems give each user such a group and let it write by default
// (umask 002), so that being writable by it means nothing.
//
// Group 0 is root's. Of another group the system's files are asked; where they
// do not know it (directory services, containers without these files) the
// user's own group is the one that has the user's number.
func privateGroup(gid uint32) bool {
	if gid == 0 {
		return true
	}
	members, known := membersOf(gid)
	for _, uid := range members {
		if !own(uid) {
			return false
		}
	}
	if known && len(members) > 0 {
		return true
	}
	return int(gid) == os.Geteuid() && int(gid) == os.Getegid()
}

// membersOf gives the users that are in a group by the system's files. known
// says that the group is in them; a member without a number is as an unknown
// user, whom nobody trusts.
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
