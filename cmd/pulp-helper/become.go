package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// A process is what a command becomes.
type process struct {
	user, workdir, umask string
	command              []string
}

// become replaces this process by a command, so that the command has its process ID and receives its signals.
func become(args []string) error {
	p, err := parseProcess(args)
	if err != nil {
		return err
	}
	if p.umask != "" {
		mask, err := strconv.ParseUint(p.umask, 8, 16)
		if err != nil {
			return failf(exitUsage, "exec: %q is no umask", p.umask)
		}
		syscall.Umask(int(mask))
	}
	if p.user != "" {
		if err := dropTo(p.user); err != nil {
			return err
		}
	}
	if p.workdir != "" {
		if err := os.Chdir(p.workdir); err != nil {
			return failf(exitConfig, "changing to the working directory: %w", err)
		}
	}
	path, err := exec.LookPath(p.command[0])
	if err != nil {
		return failf(exitConfig, "there is no command %s in the image", p.command[0])
	}
	return failf(exitConfig, "becoming %s: %w", path, syscall.Exec(path, p.command, os.Environ()))
}

func parseProcess(args []string) (process, error) {
	var p process
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&p.user, "user", "", "")
	flags.StringVar(&p.workdir, "workdir", "", "")
	flags.StringVar(&p.umask, "umask", "", "")
	if err := flags.Parse(args); err != nil {
		return p, failf(exitUsage, "exec: %w\n%s", err, usage)
	}
	p.command = flags.Args()
	if len(p.command) == 0 {
		return p, failf(exitUsage, "exec: name the command to become\n%s", usage)
	}
	return p, nil
}

// dropTo takes on a user's ids, groups and home.
func dropTo(name string) error {
	u, err := lookUp(name)
	if err != nil {
		return err
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	groups, groupsErr := groupsOf(u)
	if err := errors.Join(uidErr, gidErr, groupsErr); err != nil {
		return failf(exitConfig, "looking up the user %s: %w", name, err)
	}
	if err := errors.Join(syscall.Setgroups(groups), syscall.Setgid(gid), syscall.Setuid(uid)); err != nil {
		return failf(exitConfig, "becoming the user %s: %w", name, err)
	}
	if u.HomeDir != "" {
		return os.Setenv("HOME", u.HomeDir)
	}
	return nil
}

func lookUp(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if err == nil {
		return u, nil
	}
	if u, idErr := user.LookupId(name); idErr == nil {
		return u, nil
	}
	if _, numErr := strconv.Atoi(name); numErr == nil {
		return &user.User{Uid: name, Gid: name}, nil
	}
	return nil, failf(exitConfig, "the image has no user called %s", name)
}

func groupsOf(u *user.User) ([]int, error) {
	if u.Username == "" {
		return nil, nil
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	groups := make([]int, len(ids))
	for i, id := range ids {
		if groups[i], err = strconv.Atoi(id); err != nil {
			return nil, fmt.Errorf("group %q: %w", id, err)
		}
	}
	return groups, nil
}
