package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Tool is a program of the host and the Debian package that has it.
type Tool struct{ Program, Package string }

// Require installs the packages of those tools that the host lacks. log is
// told before it does. It needs root for that, and says so if it is not.
func Require(ctx context.Context, log func(string), tools ...Tool) error {
	missing := missingPackages(tools)
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, " ")
	if os.Geteuid() != 0 {
		return fmt.Errorf("the lab needs the Debian packages %s: install them as root: apt-get install %s", names, names)
	}
	log("installing " + names)
	install := Command{
		Args: slices.Concat([]string{"apt-get", "install", "-y", "--no-install-recommends"}, missing),
		Env:  []string{"DEBIAN_FRONTEND=noninteractive"},
	}
	err := withoutDaemons(policyHelper, func() error { return withFreshLists(ctx, log, install) })
	if err != nil {
		return fmt.Errorf("installing %s: %w", names, err)
	}
	return nil
}

// Have reports whether the host has all of the tools.
func Have(tools ...Tool) bool { return len(missingPackages(tools)) == 0 }

// policyHelper is what packages ask before they start their daemon: see
// invoke-rc.d(8) and deb-systemd-invoke(1p).
const policyHelper = "/usr/sbin/policy-rc.d"

// withoutDaemons calls install while packages may not start what they install:
// a server of the lab's is run by the lab, and on 127.0.0.1. If the host has a
// policy of its own, that one holds.
func withoutDaemons(helper string, install func() error) error {
	const forbidden = "#!/bin/sh\nexit 101\n"
	f, err := os.OpenFile(helper, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if errors.Is(err, os.ErrExist) {
		return install()
	}
	if err != nil {
		return err
	}
	defer os.Remove(helper)
	if _, err := f.WriteString(forbidden); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return install()
}

func missingPackages(tools []Tool) []string {
	var missing []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool.Program); err != nil {
			missing = append(missing, tool.Package)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// withFreshLists runs an apt-get command; if that fails it updates apt's
// package lists, which a new machine does not have, and runs it once more.
func withFreshLists(ctx context.Context, log func(string), apt Command) error {
	err := apt.Run(ctx)
	if err == nil || ctx.Err() != nil || os.Geteuid() != 0 {
		return err
	}
	log("updating apt's package lists")
	if err := (Command{Args: []string{"apt-get", "update"}}).Run(ctx); err != nil {
		return err
	}
	return apt.Run(ctx)
}
