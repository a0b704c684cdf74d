package main

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestHabits_haveAHint(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"build", "-t", "x:1"}, "pulpimg build has no -t: the spec names the images; --tag TAG"},
		{[]string{"build", "-q"}, "--progress quiet"},
		{[]string{"build", "--build-arg", "A=b"}, "--set NAME=VALUE"},
		{[]string{"build", "--label", "a=b"}, "images.NAME.labels"},
		{[]string{"build", "--cache-to", "x"}, "--engine"},
		{[]string{"build", "--cache-from=x"}, "--engine"},
		{[]string{"dockerfile", "--dry-run"}, "pulpimg plan"},
		{[]string{"build", "--target", "x"}, "pulpimg build IMAGE"},
		{[]string{"build", "--no-cache-filter", "x"}, "--no-cache"},
		{[]string{"build", "--squash"}, "one step"},
		{[]string{"build", "--pull"}, "every build looks up"},
		{[]string{"run", "-it", "x"}, "--print"},
		{[]string{"run", "--cap-add", "x"}, "images.NAME.kubernetes.capabilities"},
		{[]string{"manifests", "--dry-run"}, "only prints"},
		{[]string{"push", "--all-tags"}, "push publishes all images"},
		{[]string{"engine", "prune", "--dry-run"}, "pulpimg engine status"},
		{[]string{"records", "prune", "--force"}, "--yes"},
		{[]string{"images"}, `pulpimg has no command "images": pulpimg show`},
		{[]string{"ls"}, "pulpimg show"},
		{[]string{"tag", "a", "b"}, "--tag TAG"},
		{[]string{"login"}, "docker login"},
		{[]string{"bake"}, "pulpimg build"},
	} {
		root := newRoot(console{out: io.Discard, err: io.Discard})
		root.SetArgs(test.args)
		var usage usageError
		if err := root.Execute(); !errors.As(err, &usage) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.args, err, test.want)
		}
	}
}

// named finds what a hint tells people to give or to call.
var named = regexp.MustCompile(`pulpimg [a-z]+(?: [a-z]+)?|--[a-z-]+`)

func TestHabits_haveHintsThatNameWhatThereIs(t *testing.T) {
	all := commands(t)
	flags := []string{}
	for _, cmd := range all {
		flags = append(flags, strings.Fields(cmd.Flags().FlagUsages()+cmd.PersistentFlags().FlagUsages())...)
	}
	check := func(habit, hint string) {
		for _, name := range named.FindAllString(hint, -1) {
			command, isCommand := strings.CutPrefix(name, "pulpimg ")
			word, _, _ := strings.Cut(command, " ")
			switch {
			case isCommand && all["pulpimg "+word] == nil:
				t.Errorf("%s: there is no %s", habit, name)
			case !isCommand && !slices.Contains(flags, name):
				t.Errorf("%s: there is no %s", habit, name)
			}
		}
		if len(hint) > 90 {
			t.Errorf("%s: %q is long", habit, hint)
		}
	}
	for name, hint := range commandHints() {
		if all["pulpimg "+name] != nil {
			t.Errorf("there is a command %s", name)
		}
		check(name, hint)
	}
	for name, hint := range flagHints() {
		check(dashed(name), hint)
	}
	for path, cmd := range all {
		for name, hint := range commandFlagHints(cmd.CommandPath()) {
			if cmd.Flags().Lookup(name) != nil || len(name) == 1 && cmd.Flags().ShorthandLookup(name) != nil {
				t.Errorf("%s has %s", path, dashed(name))
			}
			check(path+" "+dashed(name), hint)
		}
	}
}

func TestVersion_beginsAsTheFlag(t *testing.T) {
	said := func(arg string) string {
		var out bytes.Buffer
		root := newRoot(console{out: &out, err: io.Discard})
		root.SetArgs([]string{arg})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if flag, command := said("--version"), said("version"); !strings.HasPrefix(command, flag) || !strings.HasPrefix(flag, "pulpimg version ") || strings.Count(flag, "\n") != 1 {
		t.Errorf("--version prints %q, and version %q", flag, command)
	}
}
