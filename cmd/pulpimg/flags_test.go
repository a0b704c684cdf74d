package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands returns all commands, each time anew: a flag keeps what it was given.
func commands(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	out := map[string]*cobra.Command{}
	var add func(cmd *cobra.Command)
	add = func(cmd *cobra.Command) {
		out[cmd.CommandPath()] = cmd
		for _, below := range cmd.Commands() {
			add(below)
		}
	}
	add(newRoot(console{out: io.Discard, err: io.Discard}))
	return out
}

// given are two values of each flag that is more than a text, and of lists two that are for different things.
func given(flag *pflag.Flag) (first, second string) {
	switch flag.Name {
	case "format":
		return formatText, formatJSON
	case "secret":
		return "id=a,env=A", "id=b,env=A"
	case "env", "set", "service", "existing-secret":
		return "A=x", "B=x"
	case "keep-storage":
		return "5GB", "6GB"
	case "older-than":
		return "7d", "8d"
	case "volume":
		return "/a:/x", "/a:/y"
	}
	if flag.Value.Type() == "bool" {
		return "true", "false"
	}
	return "a", "b"
}

func TestFlags_meanSomethingOrAreRefused(t *testing.T) {
	for path, cmd := range commands(t) {
		visit := func(flag *pflag.Flag) {
			t.Run(path+" --"+flag.Name, func(t *testing.T) {
				parse := func(args ...string) error { return commands(t)[path].ParseFlags(args) }
				var problem *flagError
				if err := parse("--" + flag.Name + "="); !errors.As(err, &problem) {
					t.Errorf("an empty value: %v", err)
				}
				if err := parse("--" + flag.Name + "= "); !errors.As(err, &problem) {
					t.Errorf("a space: %v", err)
				}
				first, second := given(flag)
				if err := parse("--"+flag.Name+"="+first, "--"+flag.Name+"="+first); err != nil {
					t.Errorf("the same twice: %v", err)
				}
				err := parse("--"+flag.Name+"="+first, "--"+flag.Name+"="+second)
				if _, list := valueOf(flag).(pflag.SliceValue); !list {
					if want := fmt.Sprintf("--%s is given twice, as %s and as %s", flag.Name, first, second); !errors.As(err, &problem) || problem.Error() != want {
						t.Errorf("two values: %v, want %s", err, want)
					}
					return
				}
				if err != nil || listKeys()[flag.Name] == nil {
					t.Errorf("two values: %v; listKeys has what they are for: %t", err, listKeys()[flag.Name] != nil)
				}
			})
		}
		cmd.Flags().VisitAll(visit)
		cmd.PersistentFlags().VisitAll(visit)
	}
}

func TestFlags_showNoEmptyDefault(t *testing.T) {
	for path, cmd := range commands(t) {
		if usage := cmd.UsageString(); strings.Contains(usage, "(default [])") || strings.Contains(usage, "(default )") {
			t.Errorf("%s --help shows an empty default:\n%s", path, usage)
		}
	}
}

func TestFlags_ofListsGiveNothingTwoValues(t *testing.T) {
	for _, args := range [][]string{
		{"build", "--set", "a=secret-1", "--set", "a=secret-2"},
		{"build", "--secret", "id=a,src=secret-1", "--secret", "src=secret-2,id=a"},
		{"build", "--platform", ","},
		{"build", "--platform", "linux/amd64,"},
		{"run", "-e", "a=secret-1", "-e", "a=secret-2"},
		{"run", "-e", "a", "-e", "a=secret-2"},
		{"run", "-v", "/a:/x", "-v", "/b:/x/"},
		{"manifests", "--existing-secret", "a", "--existing-secret", "b"},
		{"manifests", "--existing-secret", "a=b", "--existing-secret", "a=b/c"},
		{"manifests", "--service", "db=app=x", "--service", "db=h"},
	} {
		root := newRoot(console{out: io.Discard, err: io.Discard})
		root.SetArgs(args)
		err := root.Execute()
		var usage usageError
		var problem *flagError
		if !errors.As(err, &usage) || !errors.As(err, &problem) || strings.Contains(err.Error(), "secret-") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestArguments_areNotEmpty(t *testing.T) {
	for _, args := range [][]string{{"build", ""}, {"init", ""}, {"validate", ""}, {"show", "a", ""}, {"run", ""}, {"push", ""}, {"engine", "status", ""}} {
		root := newRoot(console{out: io.Discard, err: io.Discard})
		root.SetArgs(args)
		var usage usageError
		if err := root.Execute(); !errors.As(err, &usage) || !strings.Contains(err.Error(), "is empty") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
