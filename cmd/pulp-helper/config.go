package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/contract"
)

// config writes settings into their files.
func (p program) config(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return failf(exitUsage, "config: name the settings to write\n%s", usage)
	}
	c, err := contract.Read(p.contract)
	if err != nil {
		return err
	}
	env := contract.NewEnvironment(c, p.getenv)
	for _, name := range names {
		at := slices.IndexFunc(c.Settings, func(s contract.Settings) bool { return s.Name == name })
		if at < 0 {
			return failf(exitUsage, "the image declares no settings called %q", name)
		}
		s := c.Settings[at]
		script, err := script(s, env)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := augtool(ctx, s, script); err != nil {
			return fmt.Errorf("%s: writing %s: %w", name, s.File, err)
		}
	}
	return nil
}

// script returns the commands for augtool that write all settings of one file. An error in one of them saves nothing.
func script(s contract.Settings, env contract.Environment) (string, error) {
	var b strings.Builder
	for _, set := range s.Set {
		value, err := env.Expand(set.Value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", set.Path, err)
		}
		if problem := unwritable(value.Text); problem != "" {
			return "", fmt.Errorf("%s: the value of %s %s, which the file cannot hold", set.Path, set.Value, problem)
		}
		section, key, ok := strings.Cut(set.Path, "/")
		if !ok {
			return "", fmt.Errorf("%s names no setting: it has to be SECTION/KEY", set.Path)
		}
		node := fmt.Sprintf("/files%s/target[. = '%s']", s.File, section)
		fmt.Fprintf(&b, "set %s %s\n", quoteAug(node), quoteAug(section))
		fmt.Fprintf(&b, "set %s %s\n", quoteAug(node+"/"+key), quoteAug(strings.ReplaceAll(value.Text, "%", "%%")))
	}
	b.WriteString("save\n")
	return b.String(), nil
}

// unwritable says what in a value the file cannot express: its reader, Python's ConfigParser, takes a value to be the rest of a line
// without the white space around it, and white space with a semicolon to begin a comment.
// https://docs.python.org/2.7/library/configparser.html
func unwritable(value string) string {
	switch {
	case value == "":
		return "is empty"
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "has a line break, a tab or another control character"
	case strings.TrimSpace(value) != value:
		return "begins or ends with white space"
	case strings.Contains(value, " ;"):
		return "has a semicolon after white space"
	}
	return ""
}

// quoteAug makes a word that augtool reads as it is.
func quoteAug(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// augtool runs a script in one augtool with one lens. The script goes by a file that only this process's user reads: values may be
// secret, and a command line is for everybody to see.
func augtool(ctx context.Context, s contract.Settings, script string) error {
	if _, err := os.Stat(s.File); err != nil {
		return err
	}
	f, err := os.CreateTemp("", "pulp-helper-*.aug")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(script)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	module := strings.TrimSuffix(path.Base(s.Lens), ".aug")
	cmd := exec.CommandContext(ctx, "augtool", "--noautoload", "--transform", module+".lns incl "+s.File, "--file", f.Name())
	output, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("augtool is not in the image: install the package augeas")
	}
	if err != nil {
		return fmt.Errorf("augtool: %w", lastLine(output, err))
	}
	return nil
}

// lastLine makes an error of the last thing that a command said.
func lastLine(output []byte, err error) error {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return errors.New(last)
	}
	return err
}
