package family

import (
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// An Owner is whom a file of an image belongs to, as a spec has it: USER or USER:GROUP, each a number or a name. The names are those of
// the image's own /etc/passwd and /etc/group, as they are before the step. The empty Owner is root.
type Owner string

// MaxID is the last number of a user or a group. The one after it means "none" to Linux.
// https://github.com/torvalds/linux/blob/master/include/linux/uidgid.h
const MaxID = 1<<32 - 2

// Parts returns the user and the group. A user without a group has an empty one: for a name, that is the user's own group in /etc/passwd, and
// for a number the group of that number, as in COPY --chown.
// https://github.com/moby/buildkit/blob/v0.34.2/solver/llbsolver/ops/user_linux.go
func (o Owner) Parts() (user, group string) {
	user, group, _ = strings.Cut(string(o), ":")
	return user, group
}

// IDs returns the numbers of the user and the group, if they are known without a look into the image.
func (o Owner) IDs() (uid, gid int, ok bool) {
	if o == "" {
		return 0, 0, true
	}
	user, group := o.Parts()
	if uid, ok = ParseID(user); !ok {
		return 0, 0, false
	}
	if group == "" {
		return uid, uid, true
	}
	gid, ok = ParseID(group)
	return uid, gid, ok
}

// ParseID reads the number of a user or a group. The name root needs no look into the image either. It reports false for any other name.
func ParseID(name string) (id int, ok bool) {
	if name == "root" {
		return 0, true
	}
	n, err := strconv.ParseUint(name, 10, 32)
	return int(n), err == nil && n <= MaxID
}

// owner resolves an owner.
func (r *resolver) owner(t spec.Text) Owner {
	value := r.matchForm(t, userGroup, "owner: write a user, or USER:GROUP, by number or by name")
	user, group := Owner(value).Parts()
	for _, name := range []string{user, group} {
		if _, ok := ParseID(name); !ok && name != "" && strings.Trim(name, "0123456789") == "" {
			r.report.Add(t.At, "", "%s is no number of a user or a group: the last one is %d", name, MaxID)
			return ""
		}
	}
	return Owner(value)
}
