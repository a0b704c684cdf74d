//go:build linux

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// A user is a line of the image's /etc/passwd, with the groups of /etc/group.
type user struct {
	name   string
	uid    int
	gid    int
	home   string
	groups []int
}

// An UnknownUserError says that the image has no user of a name.
type UnknownUserError struct{ Name string }

func (e *UnknownUserError) Error() string {
	return fmt.Sprintf("the image has no user %q in /etc/passwd: name another one, or give its number", e.Name)
}

// lookUp finds a user by name or by number. A number needs no line in /etc/passwd; its group is then the one of the same number. It does not
// use moby/sys/user, which takes a UID that is no number for 0, the one of root.
func lookUp(who string) (user, error) {
	number, numeric := parseID(who)
	u := user{uid: -1}
	err := eachLine("/etc/passwd", func(field []string) {
		// name:password:uid:gid:comment:home:shell, see passwd(5)
		if len(field) < 7 || u.uid >= 0 || field[0] != who && (!numeric || field[2] != strconv.Itoa(number)) {
			return
		}
		uid, uidOK := parseID(field[2])
		gid, gidOK := parseID(field[3])
		if uidOK && gidOK {
			u = user{name: field[0], uid: uid, gid: gid, home: field[5]}
		}
	})
	if err != nil {
		return user{}, err
	}
	switch {
	case u.uid >= 0:
	case numeric:
		return user{uid: number, gid: number, groups: []int{number}, home: "/"}, nil
	default:
		return user{}, &UnknownUserError{Name: who}
	}
	if u.home == "" {
		u.home = "/"
	}
	u.groups, err = groupsOf(u)
	return u, err
}

// groupsOf returns the group of a user and those that name the user as a member.
func groupsOf(u user) ([]int, error) {
	groups := []int{u.gid}
	err := eachLine("/etc/group", func(field []string) {
		// name:password:gid:members, see group(5)
		if len(field) < 4 {
			return
		}
		gid, ok := parseID(field[2])
		if !ok || gid == u.gid {
			return
		}
		for _, member := range strings.Split(field[3], ",") {
			if member == u.name {
				groups = append(groups, gid)
				return
			}
		}
	})
	return groups, err
}

// parseID reads the number of a user or a group.
func parseID(s string) (int, bool) {
	id, err := strconv.ParseUint(s, 10, 31)
	return int(id), err == nil
}

// eachLine gives the fields of each line of a file, which may be missing.
func eachLine(name string, do func(field []string)) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up the user: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20) // a group may have thousands of members
	for lines.Scan() {
		do(strings.Split(lines.Text(), ":"))
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("looking up the user in %s: %w", name, err)
	}
	return nil
}

// takeOn gives the process the IDs of the user. The supplementary groups come first: afterwards the process may not change them.
func (u user) takeOn() error {
	if os.Getuid() == u.uid && os.Getuid() != 0 {
		return nil // the process is that user already, and may not call setuid again
	}
	err := syscall.Setgroups(u.groups)
	if err == nil {
		err = syscall.Setgid(u.gid)
	}
	if err == nil {
		err = syscall.Setuid(u.uid)
	}
	if err != nil {
		return fmt.Errorf("becoming the user %d: %w: the container has to be started as root, or as that user", u.uid, err)
	}
	return nil
}
