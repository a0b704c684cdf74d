package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	mobyuser "github.com/moby/sys/user"
)

// sysctls is where the kernel has its settings.
const sysctls = "/proc/sys"

// minIDs is how many IDs besides the user's own a user namespace needs: images have files of users up to nobody (65534).
const minIDs = 65535

// A userns is a user namespace in which an ordinary user is root. The zero value is none: the engine runs as root of the machine.
// https://man7.org/linux/man-pages/man7/user_namespaces.7.html
type userns struct {
	uids, gids []mobyuser.SubID // of the host, besides the user's own; empty without a namespace
	name       string           // of the user
}

// newUserns returns the namespace that the embedded engine of this user needs.
func newUserns(ctx context.Context) (userns, error) {
	if os.Geteuid() == 0 {
		return userns{}, nil
	}
	return userIDs(ctx, "/etc", sysctls)
}

func (u userns) isSet() bool { return len(u.uids) > 0 }

// userIDs finds the IDs that this user may use in a user namespace.
func userIDs(ctx context.Context, etc, settings string) (userns, error) {
	if err := checkSysctls(settings); err != nil {
		return userns{}, err
	}
	uid := strconv.Itoa(os.Geteuid())
	u := userns{name: uid}
	if who, err := user.LookupId(uid); err == nil { // in a container, the user may have no name
		u.name = who.Username
	}
	for _, program := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(program); err != nil {
			return userns{}, &UnusableError{NoIDMapProgram, fmt.Errorf("the embedded engine needs %s to run without root: %w", program, err)}
		}
	}
	var err error
	if u.uids, err = subIDs(ctx, filepath.Join(etc, "subuid"), u.name, uid); err != nil {
		return userns{}, err
	}
	if u.gids, err = subIDs(ctx, filepath.Join(etc, "subgid"), u.name, uid, "-g"); err != nil {
		return userns{}, err
	}
	return u, nil
}

// subIDs returns the IDs that a file gives to a user or, if it gives none, those that getsubids(1) finds elsewhere, such as in a directory
// service.
func subIDs(ctx context.Context, file, name, uid string, options ...string) ([]mobyuser.SubID, error) {
	found, err := mobyuser.ParseSubIDFileFilter(file, func(entry mobyuser.SubID) bool { return entry.Name == name || entry.Name == uid })
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(found) == 0 {
		out, err := exec.CommandContext(ctx, "getsubids", append(options, name)...).Output()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			found = parseSubIDs(string(out))
		}
	}
	found = withoutDuplicates(found)
	total := int64(0)
	for _, ids := range found {
		total += ids.Count
	}
	if total < minIDs {
		return nil, &UnusableError{NoSubIDs, &SubIDsError{File: file, User: name, Have: total, Need: minIDs, Free: firstFree(file)}}
	}
	return found, nil
}

// withoutDuplicates returns the ranges without those that the file gives to the user twice, by name and by number.
func withoutDuplicates(ranges []mobyuser.SubID) []mobyuser.SubID {
	var kept []mobyuser.SubID
	for _, r := range ranges {
		if !slices.ContainsFunc(kept, func(k mobyuser.SubID) bool { return k.SubID == r.SubID && k.Count == r.Count }) {
			kept = append(kept, r)
		}
	}
	return kept
}

// firstFree returns the first ID from which on a file gives none to anybody. It is where distributions begin if the file gives none at all.
// https://man7.org/linux/man-pages/man5/login.defs.5.html (SUB_UID_MIN)
func firstFree(file string) int64 {
	free := int64(100000)
	all, err := mobyuser.ParseSubIDFile(file)
	if err != nil {
		return free
	}
	for _, ids := range all {
		free = max(free, ids.SubID+ids.Count)
	}
	return free
}

// parseSubIDs reads what getsubids prints: lines of NUMBER: NAME START COUNT.
func parseSubIDs(text string) []mobyuser.SubID {
	var found []mobyuser.SubID
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			continue
		}
		start, startErr := strconv.ParseInt(fields[2], 10, 64)
		count, countErr := strconv.ParseInt(fields[3], 10, 64)
		if startErr == nil && countErr == nil && count > 0 {
			found = append(found, mobyuser.SubID{Name: fields[1], SubID: start, Count: count})
		}
	}
	return found
}

// checkSysctls returns an error if a setting of the kernel forbids user namespaces.
func checkSysctls(dir string) error {
	for _, setting := range []SysctlError{
		{Name: "kernel.unprivileged_userns_clone", Needed: "1"}, // of Debian's kernels
		{Name: "user.max_user_namespaces", Needed: "28633"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(setting.Name, ".", "/")))
		if setting.Value = strings.TrimSpace(string(text)); err == nil && setting.Value == "0" {
			return &UnusableError{SysctlForbids, &setting}
		}
	}
	return nil
}

// restrictsUserns reports whether AppArmor takes the rights from user namespaces of programs that have no profile, as Ubuntu does since 24.04.
// https://gitlab.com/apparmor/apparmor/-/wikis/unprivileged_userns_restriction
func restrictsUserns(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "kernel/apparmor_restrict_unprivileged_userns"))
	return err == nil && strings.TrimSpace(string(text)) == "1"
}

// mapping returns the arguments of newuidmap or newgidmap: the user's own ID is 0 in the namespace, and the others follow.
func mapping(own int, ids []mobyuser.SubID) []string {
	args := []string{"0", strconv.Itoa(own), "1"}
	next := int64(1)
	for _, r := range ids {
		args = append(args, strconv.FormatInt(next, 10), strconv.FormatInt(r.SubID, 10), strconv.FormatInt(r.Count, 10))
		next += r.Count
	}
	return args
}

// start starts a command of engine-init, in the namespace if it is set. The first extra file of the command has to be there.
func (u userns) start(ctx context.Context, cmd *exec.Cmd) error {
	if !u.isSet() {
		return cmd.Start()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, r)
	cmd.Args = append([]string{cmd.Args[0], "-userns"}, cmd.Args[1:]...)
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	err = cmd.Start()
	if closeErr := r.Close(); err != nil {
		return errors.Join(err, closeErr, w.Close())
	}
	if err := errors.Join(u.enter(ctx, cmd.Process.Pid, w), w.Close()); err != nil {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()         // the error that counts is the first one
		return err
	}
	return nil
}

// enter maps the IDs of the namespace of a process that waits for it, and lets the process go on.
func (u userns) enter(ctx context.Context, pid int, mapped *os.File) error {
	for _, program := range []struct {
		name string
		args []string
	}{
		{"newuidmap", mapping(os.Geteuid(), u.uids)},
		{"newgidmap", mapping(os.Getegid(), u.gids)},
	} {
		var said bytes.Buffer
		idmap := exec.CommandContext(ctx, program.name, append([]string{strconv.Itoa(pid)}, program.args...)...)
		idmap.Stdout, idmap.Stderr = &said, &said
		if err := idmap.Run(); err != nil {
			return &UnusableError{IDMapFailed, fmt.Errorf("mapping the IDs of %s into a user namespace: %s: %w: %s",
				u.name, program.name, err, strings.TrimSpace(said.String()))}
		}
	}
	_, err := mapped.Write([]byte{1})
	return err
}

// environment returns variables for buildkitd and runc. In a user namespace, they read XDG_RUNTIME_DIR only if USER is not root.
// https://github.com/opencontainers/runc/blob/v1.5.0/rootless_linux.go
func (u userns) environment(runtimeDir string) []string {
	if !u.isSet() {
		return nil
	}
	return []string{"XDG_RUNTIME_DIR=" + runtimeDir, "USER=" + u.name}
}
