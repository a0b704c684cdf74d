//go:build linux

package process

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// An Environment has the variables that the container's runtime set, unchanged and in their order, even names that a shell does not allow.
// Its methods change it in place.
type Environment struct {
	list []string
	// homeIsDefault is set if HOME is the value that runtimes set by default.
	homeIsDefault bool
}

// Environ returns the environment of this process, with duplicate variables, which package os drops.
func Environ() *Environment {
	list := os.Environ()
	if data, err := os.ReadFile("/proc/self/environ"); err == nil && len(data) > 0 {
		list = strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
	}
	return NewEnvironment(list)
}

// NewEnvironment returns an environment of assignments.
//
// When nobody gave a HOME, docker, podman and containerd's runtimes set that of the user whom they start the container as, or / if
// /etc/passwd has no such user. Such a HOME counts as not set, because it is not meant for the user that the process becomes.
// https://github.com/opencontainers/runc/blob/v1.2.0/libcontainer/init_linux.go (search for HOME)
func NewEnvironment(list []string) *Environment {
	e := &Environment{list: slices.Clone(list)}
	if home := e.Get("HOME"); home != "" {
		u, err := lookUp(strconv.Itoa(os.Getuid()))
		e.homeIsDefault = err == nil && u.home == home
	}
	return e
}

// List returns the assignments.
func (e *Environment) List() []string { return slices.Clone(e.list) }

// Get returns the value of a variable, or nothing. Of several, the first one counts, as in the C library.
func (e *Environment) Get(name string) string {
	at := e.index(name)
	if at < 0 || name == "HOME" && e.homeIsDefault {
		return ""
	}
	return e.list[at][len(name)+1:]
}

// Set gives a variable another value, where it is, or adds it.
func (e *Environment) Set(name, value string) {
	if name == "HOME" {
		e.homeIsDefault = false
	}
	if at := e.index(name); at >= 0 {
		e.list[at] = name + "=" + value
		return
	}
	e.list = append(e.list, name+"="+value)
}

func (e *Environment) index(name string) int {
	return slices.IndexFunc(e.list, func(assignment string) bool { return strings.HasPrefix(assignment, name+"=") })
}

// ForUser adds the HOME, USER and LOGNAME of a user, each where nobody gave a value. Without a user, the HOME of the runtime stays.
func (e *Environment) ForUser(who string) error {
	if who == "" {
		e.homeIsDefault = false
		return nil
	}
	u, err := lookUp(who)
	if err != nil {
		return err
	}
	for _, v := range []struct{ name, value string }{{"HOME", u.home}, {"USER", u.name}, {"LOGNAME", u.name}} {
		if v.value != "" && e.Get(v.name) == "" {
			e.Set(v.name, v.value)
		}
	}
	return nil
}
