package installer

import (
	"fmt"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/shell"
)

// A Command is what installs the packages of a step.
type Command struct {
	// Install is a script for /bin/sh -eu.
	Install string
	// CleanUp removes what differs from run to run and what only serves the next run; it belongs at the end of the same script.
	CleanUp string
	// Env is set for the length of the command.
	Env []family.EnvVar
	// CacheDirs are kept between builds and stay out of the layer.
	CacheDirs []string
}

// Script returns the whole script.
func (c Command) Script() string { return c.Install + "\n" + c.CleanUp }

// For returns the command of a package step.
func For(step family.Packages) (Command, error) {
	switch step.Manager {
	case family.Yum:
		return rpmBased(step, "yum", "groupinstall"), nil
	case family.DNF:
		return rpmBased(step, "dnf", "group install"), nil
	case family.Apt:
		return apt(step), nil
	}
	return Command{}, fmt.Errorf("no package manager is called %q", step.Manager)
}

// rpmBased is yum and dnf. The packages that were downloaded are kept for the next build; what the repositories offer is asked anew,
// because a step that runs shall see today's packages. yum has no group install and install in one call.
func rpmBased(step family.Packages, tool, groupInstall string) Command {
	tool += " --assumeyes --setopt=keepcache=1 --setopt=metadata_expire=0"
	var lines []string
	if len(step.Groups) > 0 {
		lines = append(lines, tool+" "+groupInstall+" "+shell.Words(step.Groups))
	}
	if len(step.Packages) > 0 {
		lines = append(lines, tool+" install "+shell.Words(step.Packages))
	}
	return Command{
		Install: strings.Join(lines, "\n"),
		CleanUp: remove(
			"/var/log/dnf*.log*", "/var/log/hawkey.log*", "/var/log/yum.log*",
			"/var/lib/dnf/history.sqlite*", "/var/lib/yum/history",
			// The write-ahead log and shared memory of rpm's database are empty once rpm has ended.
			"/var/lib/rpm/rpmdb.sqlite-shm", "/var/lib/rpm/rpmdb.sqlite-wal", "/var/lib/rpm/__db.*", "/var/lib/rpm/.rpm.lock",
			"/var/cache/ldconfig/aux-cache",
		),
		// A system's yum may be yum or dnf.
		CacheDirs: []string{"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
	}
}

func apt(step family.Packages) Command {
	const get = "apt-get --yes --no-install-recommends -o APT::Keep-Downloaded-Packages=true"
	return Command{
		Install: "apt-get update\n" + get + " install " + shell.Words(step.Packages),
		CleanUp: remove(
			"/var/log/apt", "/var/log/dpkg.log", "/var/log/alternatives.log", "/var/log/bootstrap.log",
			"/var/lib/dpkg/*-old", "/var/cache/debconf/*-old", "/var/cache/ldconfig/aux-cache",
		),
		Env:       []family.EnvVar{{Name: "DEBIAN_FRONTEND", Value: "noninteractive"}},
		CacheDirs: []string{"/var/cache/apt", "/var/lib/apt"},
	}
}

func remove(patterns ...string) string { return "rm -rf " + strings.Join(patterns, " ") }
