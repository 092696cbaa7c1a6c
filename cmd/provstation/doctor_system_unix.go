//go:build unix

package main

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// groupOf says which group may read and write the port, and whether this user is in it: on paper and in this process,
// which differ until the user has signed in again.
func groupOf(path string) (g portGroup) {
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm()&0o060 != 0o060 {
		return g
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return g
	}
	gid := strconv.FormatUint(uint64(st.Gid), 10)
	g.name = gid
	if found, err := user.LookupGroupId(gid); err == nil {
		g.name = found.Name
	}
	if me, err := user.Current(); err == nil {
		if ids, err := me.GroupIds(); err == nil {
			g.listed = slices.Contains(ids, gid)
		}
	}
	if ids, err := os.Getgroups(); err == nil {
		g.inEffect = slices.Contains(ids, int(st.Gid)) || os.Getegid() == int(st.Gid)
	}
	return g
}
