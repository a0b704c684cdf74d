package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode"
)

// config writes settings into their files.
func config(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return failf(exitUsage, "config: name the settings to write\n%s", usage)
	}
	c, err := readContract(contractFile)
	if err != nil {
		return err
	}
	env := newEnvironment(c, os.Getenv)
	for _, name := range names {
		s, err := find(c.Settings, name)
		if err != nil {
			return err
		}
		script, err := s.script(env)
		if err != nil {
			return err
		}
		if err := augtool(ctx, s, script); err != nil {
			return err
		}
	}
	return nil
}

func find(all []settings, name string) (settings, error) {
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
	}
	return settings{}, failf(exitConfig, "the contract has no settings called %q", name)
}

// script returns the augtool commands that write the settings. augtool does all of a script or nothing.
func (s settings) script(env environment) (string, error) {
	var b strings.Builder
	for _, set := range s.Set {
		value, err := env.expand(set.Value)
		if err != nil {
			return "", err
		}
		section, key, _ := strings.Cut(set.Path, "/")
		if strings.ContainsFunc(value, unicode.IsControl) {
			return "", failf(exitConfig, "the value of %s has a control character, which %s cannot hold", set.Path, s.File)
		}
		fmt.Fprintf(&b, "set %s %s\n", quote("/files"+s.File+"/target[. = '"+section+"']/"+key), quote(value))
	}
	b.WriteString("save\n")
	return b.String(), nil
}

// quote makes a word of augtool's.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func augtool(ctx context.Context, s settings, script string) error {
	file, err := os.CreateTemp("", "pulp-helper-*.augtool")
	if err != nil {
		return failf(exitConfig, "writing the script for augtool: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(script)
	if err = errors.Join(err, file.Close()); err != nil {
		return failf(exitConfig, "writing the script for augtool: %w", err)
	}
	transform := moduleOf(s.Lens) + ".lns incl " + s.File
	out, err := exec.CommandContext(ctx, "augtool", "-A", "--transform", transform, "-f", file.Name()).CombinedOutput()
	if err != nil {
		return failf(exitConfig, "augtool could not write %s: %w: %s", s.File, err, strings.Join(strings.Fields(string(out)), " "))
	}
	return nil
}

// moduleOf returns the module of a lens file, whose name is the file's in capitals or not.
func moduleOf(lens string) string {
	name := strings.TrimSuffix(filepath.Base(lens), ".aug")
	data, err := os.ReadFile(filepath.Join("/usr/share/augeas/lenses", lens))
	if err != nil {
		return name
	}
	for _, line := range strings.Split(string(data), "\n") {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == "module" && strings.EqualFold(fields[1], name) {
			return fields[1]
		}
	}
	return name
}
